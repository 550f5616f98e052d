//! Which part of how many.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most parts: with more, each would be little but its index.
const MAX_PARTS: usize = 1 << 16;

/// Part `number` of `of`, as in `2/5`: at least the first, at most the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Part {
    number: usize,
    of: usize,
}

/// What is no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a part as I/N, the first of three being 1/3")]
pub struct PartError;

impl Part {
    /// Part `number`, counted from 1, of `of`.
    ///
    /// # Errors
    /// When there is no such part, or there are more than 65,536.
    pub fn new(number: usize, of: usize) -> Result<Part, PartError> {
        match (1..=of).contains(&number) && of <= MAX_PARTS {
            true => Ok(Part { number, of }),
            false => Err(PartError),
        }
    }

    /// Which it is, counted from 1.
    pub(super) fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub(super) fn of(self) -> usize {
        self.of
    }

    /// Whether it is the first.
    pub fn is_first(self) -> bool {
        self.number == 1
    }

    /// The numbers of the tensors that belong to it, in their order, where tensors have these names and
    /// bytes.
    pub fn tensors(self, tensors: &[(&str, u64)]) -> Vec<usize> {
        let mut all = deal(tensors, self.of);
        all.swap_remove(self.number - 1)
    }
}

/// The tensors of all of `of` parts: each in turn, the largest first, goes to the part that has the
/// fewest bytes (Graham 1969, "Bounds on multiprocessing timing anomalies": the largest part is then
/// at most 4/3 of what any way of dealing gives).
pub(super) fn deal(tensors: &[(&str, u64)], of: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&i| (Reverse(tensors[i].1), tensors[i].0));
    let mut parts = vec![Vec::new(); of];
    // Parts by their bytes, then by their number, the least last.
    let mut loads: std::collections::BinaryHeap<Reverse<(u64, usize)>> =
        (0..of).map(|part| Reverse((0, part))).collect();
    for i in order {
        let Some(Reverse((bytes, part))) = loads.pop() else {
            break;
        };
        parts[part].push(i);
        loads.push(Reverse((bytes.saturating_add(tensors[i].1), part)));
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    parts
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl From<Part> for String {
    fn from(part: Part) -> String {
        part.to_string()
    }
}

impl TryFrom<String> for Part {
    type Error = PartError;

    fn try_from(text: String) -> Result<Part, PartError> {
        text.parse()
    }
}

impl FromStr for Part {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Part, PartError> {
        let (number, of) = text.split_once('/').ok_or(PartError)?;
        let parse = |text: &str| text.parse().map_err(|_| PartError);
        Part::new(parse(number)?, parse(of)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSORS: [(&str, u64); 6] = [
        ("a", 5),
        ("b", 40),
        ("c", 20),
        ("e", 10),
        ("d", 10),
        ("f", 0),
    ];

    #[test]
    fn every_tensor_is_in_one_part_and_parts_are_alike_in_bytes() {
        let parts: Vec<Vec<usize>> = (1..=3)
            .map(|number| Part::new(number, 3).unwrap().tensors(&TENSORS))
            .collect();
        // 40; 20, 10 + 10, of which d comes before e, and 5 to the first of the two that are alike. The
        // empty tensor goes to the least.
        assert_eq!(parts, [vec![1], vec![0, 2], vec![3, 4, 5]]);
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn it_does_not_matter_in_which_order_tensors_are_listed() {
        let mut other = TENSORS;
        other.reverse();
        for number in 1..=4 {
            let part = Part::new(number, 4).unwrap();
            let names = |tensors: &[(&'static str, u64)]| {
                let mut names: Vec<_> = part
                    .tensors(tensors)
                    .iter()
                    .map(|&i| tensors[i].0)
                    .collect();
                names.sort_unstable();
                names
            };
            assert_eq!(names(&TENSORS), names(&other));
        }
    }

    #[test]
    fn parts_are_written_as_one_of_many() {
        let part: Part = "2/3".parse().unwrap();
        assert_eq!((part.to_string(), part.is_first()), ("2/3".into(), false));
        for wrong in [
            "", "1", "0/3", "4/3", "1/0", "-1/2", "1/2/3", "a/b", "1/65537",
        ] {
            assert_eq!(wrong.parse::<Part>(), Err(PartError), "{wrong}");
        }
    }
}
