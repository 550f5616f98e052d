//! Classes: the log-scales of a value's row and column add up to its likely size, which picks its
//! entropy-coding contexts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::log_scales::MAX_LOG_SCALE;
use crate::entropy::binary::{Decoder, UintModel};
use crate::{Error, Result};

/// Most classes a plane may have.
pub(crate) const MAX_CLASSES: usize = 32;

/// How the sum of a row's and a column's log-scale becomes a class:
/// clamp(⌊(row + column − offset) / width⌋, 0, classes − 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassMap {
    pub offset: i32,
    pub width: i32,
    pub classes: usize,
}

impl ClassMap {
    /// Every element in one class.
    pub const SINGLE: ClassMap = ClassMap {
        offset: 0,
        width: 1,
        classes: 1,
    };

    #[inline(always)]
    pub fn class(&self, log_scale: i32) -> usize {
        ((log_scale - self.offset).div_euclid(self.width)).clamp(0, self.classes as i32 - 1)
            as usize
    }

    /// Reads a map from the side information.
    ///
    /// # Errors
    /// When its values are reserved or out of range.
    pub fn read(dec: &mut Decoder<'_>, m: &mut UintModel) -> Result<Self> {
        let classes = m.decode(dec);
        if classes >= MAX_CLASSES as u64 {
            return Err(Error::Reserved {
                field: "class count",
                value: classes.saturating_add(1),
            });
        }
        if classes == 0 {
            return Ok(Self::SINGLE);
        }
        let offset = m.decode_signed(dec);
        let width = m.decode(dec);
        if offset.unsigned_abs() > 2 * MAX_LOG_SCALE as u64 || width >= MAX_LOG_SCALE as u64 {
            return Err(Error::invalid("class map", "offset or width out of range"));
        }
        Ok(ClassMap {
            offset: offset as i32,
            width: width as i32 + 1,
            classes: classes as usize + 1,
        })
    }
}

/// Classes of the values of a tile, row by row; with rows and columns exchanged, column by column.
pub(crate) fn classes(map: &ClassMap, rows: &[i32], cols: &[i32], out: &mut Vec<u8>) {
    out.clear();
    if map.classes == 1 {
        out.resize(rows.len() * cols.len(), 0);
        return;
    }
    let low = cols.iter().copied().min().unwrap_or(0);
    let high = cols.iter().copied().max().unwrap_or(0);
    let mut by_sum = vec![0u8; (high - low + 1) as usize];
    // Most rows are as loud as some row before.
    let mut lines: HashMap<i32, usize> = HashMap::new();
    out.reserve(rows.len() * cols.len());
    for &row in rows {
        let line = out.len();
        match lines.entry(row) {
            Entry::Occupied(same) => {
                let first = *same.get();
                out.extend_from_within(first..first + cols.len());
            }
            Entry::Vacant(new) => {
                new.insert(line);
                for (i, class) in by_sum.iter_mut().enumerate() {
                    *class = map.class(row + low + i as i32) as u8;
                }
                out.extend(cols.iter().map(|&c| by_sum[(c - low) as usize]));
            }
        }
    }
}
