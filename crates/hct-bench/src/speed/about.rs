//! The text above the tables.

/// What the document is about.
pub const ABOUT: &str = "# Speed

Made by `cargo xtask bench`, which measures the coders and the costs by size, and `cargo xtask bench
--tool`, which measures `hct` on a synthetic checkpoint; each section is regenerated on its own. The
same measurements in full precision, with the fastest and the slowest round of each, are in
[BENCHMARKS.json](BENCHMARKS.json). `cargo xtask compare --render` rewrites this text from them without
measuring, `cargo xtask compare --check` fails when the two differ. Speeds are of one machine on one day
and no test looks at them; other work on the machine shows in them, and how much there was just before
is said with the machine.

Every coder gets its turn once a round, and of the rounds the median counts; a round before the first
warms up. In a round what takes less than 0.1 s is repeated until that is over, and the mean counts. A first pass of
less than a second does not: memory that a process gave back while others had their turns is slow when it is had again,
whatever the coder. What comes out is checked outside of the timing: of lossless coders every bit, of ours that the bits are the same at every SIMD level, for
any number of threads and in every round.

- **SIMD**: the level that ours is made to run at (`HCT_SIMD`); *portable* is the reference, without
  instructions of its own. Others choose for themselves.
- **bits per weight**: of everything that the decoder needs, ours with the file around it.
- **rel. MSE**: ‖W − Ŵ‖² / ‖W‖² of what is decoded; 0 where every bit comes back.
- **M/s**: millions of weights a second; **GB/s**: 10⁹ bytes of the weights in their own type a second,
  whatever they take coded.
- **encode / zstd −3**, **decode / zstd −3**: how many times as fast as zstd at level 3 on the same bytes
  in the same run.

Ours is timed from bytes in memory to a whole file in memory and back, through the public interface,
checksums, index and allocation included. **Known step**: encoding at a given step, contexts learnt
within. **rdo**: everything that `hct compress` does to one tensor; the step, the transform and the
row gains are found within.

The others, each on one thread, as it takes the same weights in memory:

- **zstd**, **LZ4** (the crate `lz4_flex`, its block format): the bytes as they are.
- **byte-split + zstd −3**: elements rotated by one bit, so that the exponent fills a byte; the lowest
  bytes of all elements, then the next ones, each such plane by zstd.
- **pcodec** (the crate `pco`, default level): F32 as numbers, BF16 and F16 as 16-bit integers. Numbers
  in and numbers out; turning bytes into them is not timed.
- **ZipNN** (Python, version 0.5.4): its calls `compress` and `decompress` alone, on bytes, with the type
  named and `threads=1`. It is installed on first use, without PyTorch, which bytes do not need.
- **Q8_0, Q4_K, Q4_0** (the crate `candle-core`): F32 in and F32 out; turning BF16 into it and back is
  not timed.
";
