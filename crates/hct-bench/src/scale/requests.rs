//! What commands transfer of a file at a URL.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use hct_model::{FileSource, HctModel, Metered};
use tempfile::TempDir;

use super::checkpoint::Synthetic;
use super::child::Hct;
use super::plan::Plan;
use super::report::{Requests, Transfer};
use super::server::Server;

/// Tensors that are taken out: one of the first, and the last.
const FIRST: &str = "model.layers.0.self_attn.q_proj.weight";
const LAST: &str = "lm_head.weight";
/// Rows that are taken out of them.
const ROWS: Range<u64> = 100..110;
/// The file in fragments is of a checkpoint so many times smaller.
const SMALLER: u64 = 16;

/// Makes a file of a checkpoint of `bytes` bytes in `parent` and one in two fragments of a smaller
/// one, serves both, and asks for parts of them. `hct` has to be built with the feature `remote`.
pub fn measure(hct: &Hct, parent: &Path, bytes: u64) -> Result<Requests> {
    let folder = TempDir::new_in(parent).context("no room for a checkpoint")?;
    let lossless = ["--strategy", "lossless", "--no-verify"];
    let whole = made(hct, folder.path(), "whole", bytes, &lossless)?;
    let fragments = ["--effort", "fast", "--cosine", "0.999", "--fragments", "2"];
    let halves = made(hct, folder.path(), "halves", bytes / SMALLER, &fragments)?;

    let model = HctModel::new(&whole, FileSource::open(&whole)?)?;
    let (file_bytes, index_bytes) = (model.file_bytes(), model.index_bytes());
    let tensors = model.index().tensors.len() as u64;
    drop(model);

    let server = Server::start(&whole)?;
    let mut rows = Vec::new();
    for (tensor, range) in [(FIRST, Some(ROWS)), (LAST, Some(ROWS)), (FIRST, None)] {
        let output = folder.path().join("part.npy");
        let mut args = vec!["extract", &server.url, tensor, "--force"];
        let named = range
            .as_ref()
            .map(|rows| format!("{}..{}", rows.start, rows.end));
        if let Some(rows) = &named {
            args.extend(["--rows", rows]);
        }
        hct.run(&args, &[Path::new("-o"), &output])?;
        let of = named.map_or("all of".into(), |rows| format!("rows {rows} of"));
        rows.push(transfer(
            format!("`hct extract`, {of} `{tensor}`"),
            needed(&whole, u8::MAX, Some((tensor, range)))?,
            &server,
        ));
    }
    hct.run(&["verify", &server.url], &[])?;
    let what = "`hct verify`".into();
    rows.push(transfer(what, needed(&whole, u8::MAX, None)?, &server));

    let server = Server::start(&halves)?;
    for (name, count) in [("both fragments", "2"), ("`--fragments 1`", "1")] {
        let output = folder.path().join(format!("copy-{count}"));
        let args = ["decompress", &server.url, "--fragments", count];
        hct.run(&args, &[Path::new("-o"), &output])?;
        rows.push(transfer(
            format!("`hct decompress` of a smaller file, {name}"),
            needed(&halves, count.parse()?, None)?,
            &server,
        ));
    }
    Ok(Requests {
        file_bytes,
        index_bytes,
        tensors,
        rows,
    })
}

/// The file of a checkpoint of `bytes` bytes.
fn made(
    hct: &Hct,
    folder: &Path,
    name: &str,
    bytes: u64,
    options: &[&str],
) -> Result<std::path::PathBuf> {
    let (input, file) = (folder.join(name), folder.join(format!("{name}.hct")));
    Synthetic::new(Plan::about(bytes).tensors()).write(&input)?;
    let options = [&["compress"], options].concat();
    hct.run(&options, &[&input, Path::new("-o"), &file])?;
    std::fs::remove_dir_all(&input)?;
    Ok(file)
}

fn transfer(what: String, needed: u64, server: &Server) -> Transfer {
    let (requests, sent) = server.counts();
    Transfer {
        what,
        needed,
        requests,
        sent,
    }
}

/// Bytes that decoding reads of a file on the disk, once it is open: of a tensor or rows of it, or of
/// all tensors and carried files.
fn needed(file: &Path, fragments: u8, what: Option<(&str, Option<Range<u64>>)>) -> Result<u64> {
    let (source, count) = Metered::new(FileSource::open(file)?);
    let model = HctModel::new(file, source)?.with_fragments(fragments.into());
    let opened = count.load(Ordering::Relaxed);
    match what {
        Some((name, rows)) => {
            let tensor = model.tensor(model.find(name)?)?;
            match rows {
                Some(rows) => tensor.rows(rows)?.decode()?,
                None => tensor.decode()?,
            };
        }
        None => {
            for entry in &model.index().files {
                model.carried(entry)?;
            }
            for number in 0..model.index().tensors.len() {
                model.tensor(number)?.decode()?;
            }
        }
    }
    Ok(count.load(Ordering::Relaxed) - opened)
}
