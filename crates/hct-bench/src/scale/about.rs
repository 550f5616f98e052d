//! The text above the tables.

/// What the document is about.
pub const ABOUT: &str = "# Scale

What a checkpoint of any size takes: time, memory, bytes, requests; what grows with weights and what with
tensors. Made by `cargo xtask scale`, each part by itself; beside each table stands its command. Figures in full
precision are in [SCALE.json](SCALE.json); `cargo xtask scale --render` rewrites this text from them without
measuring, `cargo xtask scale --check` fails when the two differ.

Checkpoints are synthetic, BF16, in shards of up to 1 GiB: Gaussian weights, whose deviation differs from tensor
to tensor and from row to row, and one column in 256 that is up to sixteen times as loud. They follow from
the tensors' names, so that what comes back is compared with weights made anew, and the disk never holds more
than two of checkpoint, file and copy. `hct` runs as a process of its own, on all cores.

- **CPU s**: by the program and by the system for it, all cores together. Other work on the machine shows in it, since
  cores and caches are shared, but much less than in **s**, from start to end; how much there was is said.
- **peak MiB**: the most memory that the process had (`VmHWM`), looked at every 2 ms.
- **rel. MSE**: ‖W − Ŵ‖² / ‖W‖² of what came back; 0 where every bit did.
";
