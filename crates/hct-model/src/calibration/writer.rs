//! Writing files of statistics.

use std::io::Write;
use std::path::{Path, PathBuf};

use hct_strategies::Moments;

use super::fault::CalibrationFault;
use super::group::{GroupShape, StatisticsGroup};
use super::info::CalibrationInfo;
use super::layout::{Field, GROUPS_KEY, INFO_KEY, VERSION, VERSION_KEY};
use crate::error::Error;
use crate::header::Header;
use crate::safetensors::ShardWriter;

/// A file of statistics that is being written, one group at a time.
pub struct CalibrationWriter<W> {
    path: PathBuf,
    shapes: Vec<GroupShape>,
    out: ShardWriter<W>,
    /// Groups written.
    groups: usize,
    /// Fields written.
    fields: usize,
}

impl<W: Write> CalibrationWriter<W> {
    /// Begins a file of groups of these shapes; `path` names it in messages.
    ///
    /// # Errors
    /// When two of the tensors have the same name, or the header cannot be written.
    pub fn new(
        path: &Path,
        out: W,
        info: &CalibrationInfo,
        shapes: Vec<GroupShape>,
    ) -> Result<Self, Error> {
        let fault = Error::calibration(path);
        let json = |key, json: serde_json::Result<String>| {
            json.map_err(|error| CalibrationFault::Json { key, error })
        };
        let described = (|| {
            let mut infos = Vec::new();
            for shape in &shapes {
                for (field, len) in shape.fields()? {
                    infos.push(shape.field_info(field, len));
                }
            }
            let metadata = [
                (VERSION_KEY, VERSION.to_string()),
                (INFO_KEY, json(INFO_KEY, serde_json::to_string(info))?),
                (
                    GROUPS_KEY,
                    json(GROUPS_KEY, serde_json::to_string(&shapes))?,
                ),
            ];
            Ok((metadata, infos))
        })();
        let (metadata, infos) = described.map_err(fault)?;
        let header = Header::with_metadata(&metadata, &infos).map_err(Error::header(path))?;
        Ok(CalibrationWriter {
            path: path.to_owned(),
            shapes,
            out: ShardWriter::new(path, header, out)?,
            groups: 0,
            fields: 0,
        })
    }

    /// Writes the next group.
    ///
    /// # Errors
    /// When it is not of the shape that was announced, or cannot be written.
    pub fn write(&mut self, group: &StatisticsGroup) -> Result<(), Error> {
        let number = self.groups;
        let announced = self.shapes.get(number);
        let Some(shape) = announced.filter(|&shape| *shape == group.shape()) else {
            let fault = CalibrationFault::NotAnnounced { group: number };
            return Err(Error::calibration(&self.path)(fault));
        };
        let fields = shape.fields().map_err(Error::calibration(&self.path))?;
        for (field, _) in fields {
            let bytes = match field {
                Field::Inputs => bytes_of(numbers(&group.inputs)),
                Field::Reliability => {
                    let tensors = group.tensors.iter().map(|t| t.weighted_reliability);
                    let all: Vec<f32> = [group.reliability].into_iter().chain(tensors).collect();
                    bytes_of(&all)
                }
                Field::Weighted(i) => {
                    let weighted = group.tensors[i].weighted.as_ref();
                    bytes_of(weighted.map_or(&[], numbers))
                }
                Field::Rows(i) => bytes_of(group.tensors[i].rows.as_deref().unwrap_or_default()),
            };
            self.out.write(self.fields, &bytes)?;
            self.fields += 1;
        }
        self.groups += 1;
        Ok(())
    }

    /// Makes sure the file is complete, and gives the writer back.
    ///
    /// # Errors
    /// When groups are missing, or the last bytes cannot be written.
    pub fn finish(self) -> Result<W, Error> {
        self.out.finish()
    }
}

fn numbers(moments: &Moments) -> &[f32] {
    match moments {
        Moments::Full(matrix) => matrix.packed(),
        Moments::Diagonal(squares) => squares,
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 4];
    for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        *bytes = value.to_le_bytes();
    }
    bytes
}
