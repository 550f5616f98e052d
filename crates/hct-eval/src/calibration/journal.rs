//! What a calibration has done so far, in a folder.

use std::fs;
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use hct_model::{
    AtomicFile, CalibrationFile, CalibrationInfo, CalibrationWriter, FileSource, FolderLock,
    StatisticsGroup,
};

use super::spool::{SpoolReader, SpoolWriter, failed};
use crate::Error;

/// The folder, and what is in it:
///
/// - `run.json`: what is calibrated, to know it again;
/// - `hidden-B-H`: what goes from layer B - 1 to layer B, for half H of the windows;
/// - `gradient-B-H`: the gradient with respect to that;
/// - `layer-L`: the statistics of layer L; `ends`: those of what is before and after the layers.
pub(super) struct Journal {
    folder: PathBuf,
    /// Nobody else works there.
    lock: FolderLock,
    info: CalibrationInfo,
}

/// Numbers that wait for the next layer.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// What goes into the layer of this number.
    Hidden(usize),
    /// The gradient with respect to it.
    Gradient(usize),
}

/// Statistics that are done.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Layer(usize),
    Ends,
}

const RUN: &str = "run.json";

impl Journal {
    /// The folder for `output`. Unless `resume` is set and it is of the same calibration, it is
    /// emptied.
    pub fn open(output: &Path, info: &CalibrationInfo, resume: bool) -> Result<Journal, Error> {
        let mut name = output.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let folder = output.with_file_name(name);
        let lock = FolderLock::take(&folder, output)?;
        let path = folder.join(RUN);
        let run = serde_json::to_vec_pretty(info);
        let run = run.map_err(|error| failed("write", &path)(error.into()))?;
        let same = resume && fs::read(&path).is_ok_and(|earlier| earlier == run);
        let journal = Journal {
            folder,
            lock,
            info: info.clone(),
        };
        if !same {
            journal.empty()?;
            fs::write(&path, run).map_err(failed("write", &path))?;
        }
        Ok(journal)
    }

    fn remove(&self) -> Result<(), Error> {
        self.empty()?;
        self.lock.remove();
        fs::remove_dir(&self.folder).map_err(failed("remove", &self.folder))
    }

    fn empty(&self) -> Result<(), Error> {
        // Only what a calibration has put there: the name may be that of something else.
        let entries = fs::read_dir(&self.folder).map_err(failed("read", &self.folder))?;
        for entry in entries {
            let path = entry.map_err(failed("read", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ours = ["hidden-", "gradient-", "layer-", "ends", RUN];
            let ours = ours.iter().any(|ours| name.starts_with(ours));
            if ours || name.starts_with(".hct-partial-") {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            } else if name != FolderLock::NAME {
                let taken = std::io::Error::from(ErrorKind::DirectoryNotEmpty);
                return Err(failed("use", &path)(taken));
            }
        }
        Ok(())
    }

    fn kept_path(&self, kept: Kept, half: usize) -> PathBuf {
        self.folder.join(match kept {
            Kept::Hidden(boundary) => format!("hidden-{boundary}-{half}"),
            Kept::Gradient(boundary) => format!("gradient-{boundary}-{half}"),
        })
    }

    fn part_path(&self, part: Part) -> PathBuf {
        self.folder.join(match part {
            Part::Layer(number) => format!("layer-{number}"),
            Part::Ends => "ends".to_owned(),
        })
    }

    pub fn has(&self, kept: Kept) -> bool {
        [0, 1]
            .iter()
            .all(|&half| self.kept_path(kept, half).exists())
    }

    pub fn has_part(&self, part: Part) -> bool {
        self.part_path(part).exists()
    }

    pub fn writer(&self, kept: Kept, half: usize) -> Result<SpoolWriter, Error> {
        SpoolWriter::create(self.kept_path(kept, half))
    }

    pub fn reader(&self, kept: Kept, half: usize) -> Result<SpoolReader, Error> {
        SpoolReader::open(self.kept_path(kept, half))
    }

    /// Removes what is not needed any more.
    pub fn forget(&self, kept: Kept) -> Result<(), Error> {
        for half in [0, 1] {
            let path = self.kept_path(kept, half);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(failed("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps statistics.
    pub fn add(&self, part: Part, groups: &[StatisticsGroup]) -> Result<(), Error> {
        let path = self.part_path(part);
        let out = AtomicFile::create(&path)?;
        let shapes = groups.iter().map(StatisticsGroup::shape).collect();
        let mut writer = CalibrationWriter::new(&path, out, &self.info, shapes)?;
        for group in groups {
            writer.write(group)?;
        }
        Ok(writer.finish()?.finish(true)?)
    }

    /// Writes all statistics, those of the ends first, to one file; the folder is gone then.
    pub fn finish(
        self,
        output: &Path,
        info: &CalibrationInfo,
        overwrite: bool,
    ) -> Result<(), Error> {
        let layers = (0..)
            .map(Part::Layer)
            .take_while(|&part| self.has_part(part));
        let parts = [Part::Ends].into_iter().chain(layers);
        let parts = parts.filter(|&part| self.has_part(part)).map(|part| {
            let path = self.part_path(part);
            CalibrationFile::new(&path, FileSource::open(&path)?)
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let shapes = parts.iter().flat_map(|part| part.groups().to_vec());
        let out = BufWriter::with_capacity(1 << 20, AtomicFile::create(output)?);
        let mut writer = CalibrationWriter::new(output, out, info, shapes.collect())?;
        for part in &parts {
            for number in 0..part.groups().len() {
                writer.write(&part.group(number)?)?;
            }
        }
        let out = writer.finish()?.into_inner();
        let out = out.map_err(|error| failed("write", output)(error.into_error()))?;
        out.finish(overwrite)?;
        self.remove()
    }
}
