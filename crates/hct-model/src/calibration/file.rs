//! Reading files of statistics.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use hct_core::{Dtype, ReadAt};
use hct_strategies::{Calibration, Moments, SymmetricMatrix, TensorStatistics};
use serde::de::DeserializeOwned;

use super::fault::CalibrationFault;
use super::group::{GroupShape, GroupTensor, StatisticsGroup};
use super::info::CalibrationInfo;
use super::layout::{Field, GROUPS_KEY, INFO_KEY, VERSION, VERSION_KEY};
use crate::error::Error;
use crate::safetensors::Shard;

/// A file of calibration statistics. Its header has been read and checked; the numbers are read
/// for one tensor at a time, and checked then.
pub struct CalibrationFile<R> {
    shard: Shard<R>,
    info: CalibrationInfo,
    groups: Vec<GroupShape>,
    /// For each tensor, its group and its number there.
    by_tensor: HashMap<String, (usize, usize)>,
    /// For each field that is stored, its number in the header.
    by_field: HashMap<String, usize>,
}

impl<R: ReadAt> CalibrationFile<R> {
    /// Reads and checks the header; `path` names the file in messages.
    ///
    /// # Errors
    /// When it cannot be read or is not that of such a file.
    pub fn new(path: impl Into<PathBuf>, source: R) -> Result<Self, Error> {
        let path = path.into();
        let shard = Shard::open(String::new(), path.clone(), source)?;
        CalibrationFile::of(shard).map_err(Error::calibration(&path))
    }

    fn of(shard: Shard<R>) -> Result<Self, CalibrationFault> {
        let header = shard.header();
        let metadata = |key| {
            let mut pairs = header.metadata().iter();
            pairs.find_map(|(k, value)| (k == key).then_some(value.as_str()))
        };
        let version = metadata(VERSION_KEY).ok_or(CalibrationFault::NotCalibration)?;
        if version != VERSION.to_string() {
            return Err(CalibrationFault::Version {
                found: version.to_owned(),
                newest: VERSION,
            });
        }
        let info = parse(INFO_KEY, metadata(INFO_KEY))?;
        let groups: Vec<GroupShape> = parse(GROUPS_KEY, metadata(GROUPS_KEY))?;

        let tensors = header.tensors().iter().enumerate();
        let by_field: HashMap<String, usize> = tensors
            .map(|(i, tensor)| (tensor.info.name.clone(), i))
            .collect();
        let mut by_tensor = HashMap::new();
        for (number, group) in groups.iter().enumerate() {
            for (i, tensor) in group.tensors.iter().enumerate() {
                if by_tensor.insert(tensor.name.clone(), (number, i)).is_some() {
                    let tensor = tensor.name.clone();
                    return Err(CalibrationFault::Duplicate { tensor });
                }
            }
            for (field, len) in group.fields()? {
                let name = group.field_name(field);
                let stored = by_field.get(&name).map(|&i| &header.tensors()[i].info);
                let fits = stored
                    .is_some_and(|info| info.dtype == Dtype::F32 && info.shape == [len as u64]);
                if !fits {
                    return Err(CalibrationFault::Field {
                        field: name,
                        expected: len as u64,
                    });
                }
            }
        }
        Ok(CalibrationFile {
            shard,
            info,
            groups,
            by_tensor,
            by_field,
        })
    }

    /// The file, as messages name it.
    pub fn path(&self) -> &Path {
        self.shard.path()
    }

    /// Where the statistics come from.
    pub fn info(&self) -> &CalibrationInfo {
        &self.info
    }

    /// The forms of the statistics, in the order of the file.
    pub fn groups(&self) -> &[GroupShape] {
        &self.groups
    }

    /// The statistics of group `number` of [`Self::groups`].
    ///
    /// # Errors
    /// When there is none, they cannot be read, or their numbers cannot be statistics.
    pub fn group(&self, number: usize) -> Result<StatisticsGroup, Error> {
        let shape = self.groups.get(number).ok_or_else(|| Error::NoSuchTensor {
            path: self.path().to_owned(),
            index: number,
            count: self.groups.len(),
        })?;
        self.read_group(shape, |_| true)
    }

    /// The statistics of the tensor `name`; `None` when there are none.
    ///
    /// # Errors
    /// When they cannot be read, or their numbers cannot be statistics.
    pub fn tensor(&self, name: &str) -> Result<Option<TensorStatistics>, Error> {
        let Some(&(group, number)) = self.by_tensor.get(name) else {
            return Ok(None);
        };
        let group = self.read_group(&self.groups[group], |i| i == number)?;
        Ok(group.into_statistics(number))
    }

    /// A group; of its tensors those that are `wanted` in full, the others by name.
    fn read_group(
        &self,
        shape: &GroupShape,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<StatisticsGroup, Error> {
        let inputs = self.moments(shape, Field::Inputs, shape.full)?;
        let shares = self.numbers(shape, Field::Reliability)?;
        let mut tensors = Vec::with_capacity(shape.tensors.len());
        for (i, tensor) in shape.tensors.iter().enumerate() {
            let weighted = match tensor.weighted.filter(|_| wanted(i)) {
                Some(full) => Some(self.moments(shape, Field::Weighted(i), full)?),
                None => None,
            };
            let rows = match tensor.rows.filter(|_| wanted(i)) {
                Some(_) => Some(self.numbers(shape, Field::Rows(i))?),
                None => None,
            };
            tensors.push(GroupTensor {
                name: tensor.name.clone(),
                weighted,
                weighted_reliability: shares[i + 1],
                rows,
            });
        }
        Ok(StatisticsGroup {
            tokens: shape.tokens,
            inputs,
            reliability: shares[0],
            tensors,
        })
    }

    fn moments(&self, shape: &GroupShape, field: Field, full: bool) -> Result<Moments, Error> {
        let numbers = self.numbers(shape, field)?;
        if !full {
            return Ok(Moments::Diagonal(numbers));
        }
        let matrix = SymmetricMatrix::new(shape.columns, numbers);
        let matrix = matrix.map_err(|error| self.bad_numbers(shape, field, error))?;
        Ok(Moments::Full(matrix))
    }

    /// The numbers of a field. Only those of a whole matrix may be negative.
    fn numbers(&self, shape: &GroupShape, field: Field) -> Result<Vec<f32>, Error> {
        let name = shape.field_name(field);
        // There since the file was opened.
        let bytes = self.shard.read(self.by_field[&name])?;
        let (chunks, _) = bytes.as_chunks();
        let numbers: Vec<f32> = chunks.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let is_matrix = match field {
            Field::Inputs => shape.full,
            Field::Weighted(i) => shape.tensors[i].weighted == Some(true),
            Field::Reliability | Field::Rows(_) => false,
        };
        let most = match field {
            Field::Reliability => 1.0,
            _ => f32::MAX,
        };
        let least = if is_matrix { f32::MIN } else { 0.0 };
        match numbers.iter().all(|number| (least..=most).contains(number)) {
            true => Ok(numbers),
            false => Err(self.bad_numbers(
                shape,
                field,
                hct_core::Error::Invalid {
                    what: "statistics",
                    why: format!("a number is not from {least} to {most}"),
                },
            )),
        }
    }

    fn bad_numbers(&self, shape: &GroupShape, field: Field, error: hct_core::Error) -> Error {
        Error::calibration(self.path())(CalibrationFault::Numbers {
            field: shape.field_name(field),
            error: Box::new(error),
        })
    }
}

impl<R: ReadAt + Send> Calibration for CalibrationFile<R> {
    fn statistics(&self, tensor: &str) -> hct_core::Result<Option<TensorStatistics>> {
        self.tensor(tensor).map_err(|error| hct_core::Error::Io {
            context: "reading calibration statistics",
            source: io::Error::other(error),
        })
    }
}

fn parse<T: DeserializeOwned>(
    key: &'static str,
    text: Option<&str>,
) -> Result<T, CalibrationFault> {
    serde_json::from_str(text.unwrap_or_default())
        .map_err(|error| CalibrationFault::Json { key, error })
}
