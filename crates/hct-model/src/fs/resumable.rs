//! Compressing that goes on where an interrupted run stopped.

use std::fs;
use std::ops::Range;
use std::path::Path;

use hct_core::{FileKind, Limits};
use hct_strategies::Strategy;

use super::atomic_file::AtomicFile;
use super::compress::{compress, named};
use super::file_source::HctFile;
use super::partial_run::Work;
use super::prove_file::prove_file;
use super::replaceable::check_free;
use crate::batch::runs;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport};
use crate::error::Error;
use crate::parts::{CheckpointPart, merge};
use crate::progress::Progress;
use crate::proof::Proof;
use crate::tensor_info::TensorInfo;

/// Bytes of tensors that are coded between one point from which to go on and the next: seconds of
/// work to redo at most, and few enough files.
const SEGMENT_BYTES: u64 = 256 << 20;

/// As [`compress`], to the same bytes, but what is done is kept in [`crate::partial_folder`], and a run that
/// was interrupted, by whatever, goes on from there: every few hundred megabytes of tensors are a part
/// of the file ([`merge`]), joined at the end. Until then there are two copies of the output. `state` is
/// text that is another when the source has been changed; so are the options' provenance, what it has
/// been coded by: of another state, or by something else, a run begins anew.
///
/// # Errors
/// As [`compress`]; what is done then stays. When the folder cannot be written, or holds other things.
pub fn compress_resumable(
    source: &dyn CheckpointSource,
    state: &str,
    output: &Path,
    overwrite: bool,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<CompressReport, Error> {
    let to = To { output, overwrite };
    compress_resumable_proven(source, state, to, strategy, options, None, progress)
}

/// Where a file goes.
#[derive(Clone, Copy)]
pub(crate) struct To<'a> {
    pub output: &'a Path,
    /// Whether another may be there.
    pub overwrite: bool,
}

/// The same, reading the file again before it gets its name.
pub(crate) fn compress_resumable_proven(
    source: &dyn CheckpointSource,
    state: &str,
    to: To<'_>,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    proof: Option<&Proof>,
    progress: &dyn Progress,
) -> Result<CompressReport, Error> {
    let job = Job {
        source,
        strategy,
        options,
        proof,
        progress,
    };
    job.run(state, to.output, to.overwrite, SEGMENT_BYTES)
}

/// What is to be coded, and how.
struct Job<'a> {
    source: &'a dyn CheckpointSource,
    strategy: &'a dyn Strategy,
    options: CompressOptions<'a>,
    proof: Option<&'a Proof>,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn run(
        &self,
        state: &str,
        output: &Path,
        overwrite: bool,
        segment_bytes: u64,
    ) -> Result<CompressReport, Error> {
        let Job {
            source,
            strategy,
            options,
            proof,
            progress,
        } = *self;
        check_free(output, overwrite)?;
        let work = Work::open(output, state, options)?;
        let sizes: Vec<u64> = source.tensors().iter().map(TensorInfo::byte_len).collect();
        let (mut report, mut parts) = (CompressReport::default(), Vec::new());
        for (number, tensors) in segments(&sizes, segment_bytes).into_iter().enumerate() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let path = work.part(number);
            let done = match work.report(number) {
                Some(done) if path.is_file() => {
                    for i in tensors {
                        progress.advance(sizes[i], &source.tensors()[i].name);
                    }
                    done
                }
                _ => {
                    let part = CheckpointPart::of_tensors(source, tensors.collect(), number == 0);
                    let done = compress(&part, &path, true, strategy, options, progress)?;
                    work.keep(number, &done)?;
                    done
                }
            };
            add(&mut report, &done);
            // Of our own making.
            parts.push(HctFile::open_within(&path, Limits::none())?);
        }
        let file = AtomicFile::create(output)?;
        let merged = merge(&parts, file, options.provenance, &());
        let mut file = merged.map_err(|error| named(error, output))?;
        if let Some(proof) = proof {
            prove_file(&mut file, output, source, proof, progress)?;
        }
        file.finish(overwrite)?;
        drop(parts);
        let written = fs::metadata(output).map_err(Error::io("read", output))?;
        report.output_bytes = written.len();
        let sides = source.files().iter().filter(|f| f.kind == FileKind::Side);
        let sides: u64 = sides.filter(|_| options.side_files).map(|f| f.len).sum();
        report.input_bytes = source.total_bytes() + sides;
        work.remove()?;
        Ok(report)
    }
}

/// Tensors that follow each other, of so many bytes at most or a single larger one. Where there are
/// none, one part carries the files all the same.
fn segments(sizes: &[u64], most: u64) -> Vec<Range<usize>> {
    match sizes.len() {
        0 => vec![0..0; 1],
        tensors => runs(sizes, most, tensors),
    }
}

/// Adds what is counted by tensor.
fn add(sum: &mut CompressReport, part: &CompressReport) {
    sum.weights += part.weights;
    sum.lossy_weights += part.lossy_weights;
    sum.base_use.unchanged += part.base_use.unchanged;
    sum.base_use.differences += part.base_use.differences;
    sum.base_use.alone += part.base_use.alone;
    if let Some(damage) = part.predicted {
        *sum.predicted.get_or_insert(0.0) += damage;
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hct_core::Dtype;
    use hct_strategies::{Coded, LosslessEncoder, TensorView};

    use super::super::partial_run::partial_folder;
    use super::*;
    use crate::{Header, Safetensors};

    /// Counts what is coded, and fails from the `most`-th tensor on.
    struct Counting {
        coded: AtomicUsize,
        most: usize,
    }

    impl Counting {
        fn up_to(most: usize) -> Self {
            let coded = AtomicUsize::new(0);
            Counting { coded, most }
        }
    }

    impl Strategy for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn encode(&self, tensor: TensorView<'_>) -> hct_core::Result<Coded> {
            if self.coded.fetch_add(1, Ordering::Relaxed) >= self.most {
                let context = "an interruption";
                let source = ErrorKind::Interrupted.into();
                return Err(hct_core::Error::Io { context, source });
            }
            LosslessEncoder.encode(tensor)
        }
    }

    /// Six matrices, two a segment of [`SEGMENT`], and a configuration.
    fn checkpoint() -> Safetensors<Vec<u8>> {
        let tensors: Vec<TensorInfo> = (0..6)
            .map(|i| TensorInfo {
                name: format!("t{i}"),
                dtype: Dtype::F32,
                shape: vec![64, 64],
            })
            .collect();
        let header = Header::of(&tensors).unwrap();
        let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
        file.extend(header.header_bytes());
        file.extend((0..6 * 4096u32).flat_map(|i| (i as f32 * 0.61).sin().to_le_bytes()));
        Safetensors::new("made up", [("model.safetensors", file)])
            .unwrap()
            .with_side_file("config.json", b"{}".to_vec())
            .unwrap()
    }

    const SEGMENT: u64 = 2 * 4 * 4096;

    /// Runs in segments with the state of the source, until `most` tensors have been coded; gives the
    /// result and how many were.
    fn run(output: &Path, state: &str, most: usize) -> (Result<CompressReport, Error>, usize) {
        let strategy = Counting::up_to(most);
        let job = Job {
            source: &checkpoint(),
            strategy: &strategy,
            options: CompressOptions {
                side_files: true,
                provenance: Some("{}"),
                base: None,
                hashes: true,
            },
            proof: None,
            progress: &(),
        };
        let done = job.run(state, output, false, SEGMENT);
        (done, strategy.coded.into_inner())
    }

    #[test]
    fn what_was_done_before_an_interruption_is_not_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let plain = Counting::up_to(6);
        let options = CompressOptions {
            side_files: true,
            provenance: Some("{}"),
            base: None,
            hashes: true,
        };
        let expected = compress(&checkpoint(), &at("plain"), false, &plain, options, &()).unwrap();

        let (done, coded) = run(&at("m.hct"), "as it is", 5);
        assert!(done.is_err() && coded >= 5, "{done:?}");
        assert!(!at("m.hct").exists() && partial_folder(&at("m.hct")).is_dir());
        // An unfinished report is none.
        fs::write(partial_folder(&at("m.hct")).join("part-00001.json"), "{").unwrap();
        let (done, coded) = run(&at("m.hct"), "as it is", 9);
        assert_eq!((done.unwrap(), coded), (expected, 4));
        let bytes = |name| fs::read(at(name)).unwrap();
        assert!(bytes("m.hct") == bytes("plain"));
        assert!(!partial_folder(&at("m.hct")).exists());
    }

    #[test]
    fn what_was_done_of_something_else_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("m.hct");
        let (done, _) = run(&output, "before", 4);
        assert!(done.is_err());
        let (done, coded) = run(&output, "after a change", 6);
        assert_eq!((done.is_ok(), coded), (true, 6));

        // What is somebody's stays, and says so.
        let other = folder.path().join("other.hct");
        fs::create_dir(partial_folder(&other)).unwrap();
        let theirs = partial_folder(&other).join("letters");
        fs::write(&theirs, "dear").unwrap();
        assert!(run(&other, "before", 6).0.is_err());
        assert!(theirs.exists() && !other.exists());
    }

    #[test]
    fn segments_hold_every_tensor_in_order() {
        assert_eq!(segments(&[], 256), vec![0..0; 1]);
        assert_eq!(segments(&[300, 1, 255, 1, 0], 256), [0..1, 1..3, 3..5]);
    }
}
