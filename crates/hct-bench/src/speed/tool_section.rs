//! The tables of the tool on a checkpoint.

use super::report::{Job, Mode, Tool};
use super::tool::PAUSE;
use crate::text::cells::thousands;
use crate::text::table::table;

/// How many times as long as the slower of decoder or encoder and `cp` the tool may take.
pub const BOUND: f64 = 1.5;

/// The section, from what was measured.
pub fn render(tool: &Tool) -> String {
    format!(
        "## The tool\n\n{} Medians of {} rounds. A checkpoint of {} bytes that `cargo xtask synth` \
         makes (BF16, the shapes of a Llama model, heavy tails), in the page cache; what was \
         written before is on the disk before anything starts, and as many bytes have just been \
         written and removed: memory that was in use a moment ago costs least, since a virtual machine gives \
         back to its host what has been free for some seconds. A run of several seconds pays for that still, \
         `cp` does not, unless it waits for {} s before it begins (*some seconds later*). `hct` waits until its output is on \
         the disk, as `sync` does and `cp` does not, and `--strategy lossless` reads its file again \
         and compares, unless `--no-verify` tells it not to.\n\n{}\n{}",
        tool.machine.describe(),
        tool.rounds,
        thousands(tool.bytes),
        PAUSE.as_secs(),
        runs(tool),
        bounds(tool)
    )
}

fn runs(tool: &Tool) -> String {
    let rows: Vec<Vec<String>> = tool
        .rows
        .iter()
        .map(|row| {
            let alone = tool.row(row.job, 1).filter(|_| row.threads > 1);
            let speedup = alone.map(|alone| row.seconds.times_as_fast_as(&alone.seconds));
            vec![
                name(row.job).into(),
                row.threads.to_string(),
                format!("{:.2}", row.seconds.median),
                format!("{:.2}", row.seconds.millions(tool.bytes) / 1e3),
                speedup.map_or("–".into(), |times| format!("{times:.2}")),
                row.peak_bytes.map_or("–".into(), |bytes| {
                    format!("{:.0}", bytes as f64 / f64::from(1 << 20))
                }),
                match row.written {
                    0 => "–".into(),
                    written => thousands(written),
                },
            ]
        })
        .collect();
    let head = [
        "what",
        "threads",
        "seconds",
        "GB/s",
        "speedup",
        "peak MiB",
        "bytes of the result",
    ];
    table("lrrrrrr", &head, &rows)
}

/// Each way of coding against what bounds it.
fn bounds(tool: &Tool) -> String {
    let mut rows = Vec::new();
    let with_alone = Mode::ALL
        .map(|mode| (Job::Decompress(mode), Job::Decoder(mode)))
        .into_iter()
        .chain(Mode::ALL.map(|mode| (Job::Compress(mode), Job::Encoder(mode))))
        .chain([(Job::CompressUnproven, Job::Encoder(Mode::Lossless))]);
    for (whole, alone) in with_alone {
        for threads in tool.machine.threads() {
            rows.extend(bound(tool, whole, alone, threads));
        }
    }
    let head = [
        "what",
        "threads",
        "seconds",
        "decoder or encoder alone",
        "`cp`",
        "times the slower",
        &format!("≤ {BOUND}"),
        "`cp` and `sync`",
        "times the slower then",
    ];
    format!(
        "Decompressing beside the slower of what the decoder takes from memory to memory and what `cp` \
         takes to write as many bytes, to memory and then to the disk, for which `hct` waits, too; compressing beside \
         what the encoder takes in memory, hashes and writing not included:\n\n{}",
        table("lrrrrrrrr", &head, &rows)
    )
}

fn bound(tool: &Tool, whole: Job, alone: Job, threads: usize) -> Option<Vec<String>> {
    let median = |job, threads| Some(tool.row(job, threads)?.seconds.median);
    let (seconds, alone) = (median(whole, threads)?, median(alone, threads)?);
    // Compressing writes fewer bytes than `cp`, whose time is no measure of that.
    let (copy, synced) = match whole {
        Job::Decompress(_) => (Some(median(Job::Copy, 1)?), median(Job::CopySynced, 1)),
        _ => (None, None),
    };
    let or_dash = |number: Option<f64>| number.map_or("–".into(), |s| format!("{s:.2}"));
    let times = seconds / copy.map_or(alone, |copy| alone.max(copy));
    Some(vec![
        name(whole).into(),
        threads.to_string(),
        format!("{seconds:.2}"),
        format!("{alone:.2}"),
        or_dash(copy),
        format!("{times:.2}"),
        if times <= BOUND { "yes" } else { "**no**" }.into(),
        or_dash(synced),
        or_dash(synced.map(|synced| seconds / alone.max(synced))),
    ])
}

fn name(job: Job) -> &'static str {
    match job {
        Job::Compress(Mode::Default) => "`hct compress`",
        Job::Compress(Mode::Lossless) => "`hct compress --strategy lossless`",
        Job::CompressUnproven => "`hct compress --strategy lossless --no-verify`",
        Job::Decompress(Mode::Default) => "`hct decompress`",
        Job::Decompress(Mode::Lossless) => "`hct decompress`, of lossless",
        Job::Decoder(Mode::Default) => "decoder alone, in memory",
        Job::Decoder(Mode::Lossless) => "decoder alone, of lossless",
        Job::Encoder(Mode::Default) => "encoder alone, in memory",
        Job::Encoder(Mode::Lossless) => "encoder alone, lossless",
        Job::Copy => "`cp`",
        Job::CopySynced => "`cp`, then `sync` of the files",
        Job::CopyLater => "`cp`, some seconds later",
    }
}
