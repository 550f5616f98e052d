//! Tensors of the same name and form in several checkpoints.

use std::collections::BTreeMap;

use super::member::Member;
use crate::tensor_info::TensorInfo;

/// Tensors of one name, dtype and shape.
pub(super) struct Slot {
    /// Numbers of checkpoints and of tensors in them.
    pub places: Vec<(usize, usize)>,
}

impl Slot {
    /// What all of them are.
    pub fn info<'a>(&self, members: &[Member<'a>]) -> &'a TensorInfo {
        let (member, index) = self.places[0];
        &members[member].source.tensors()[index]
    }
}

/// All tensors of all checkpoints, in the order in which they are first met.
pub(super) fn slots(members: &[Member<'_>]) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    let mut of_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (member, of) in members.iter().enumerate() {
        for (index, info) in of.source.tensors().iter().enumerate() {
            let known = of_name.entry(&info.name).or_default();
            let same = known
                .iter()
                .find(|&&slot| slots[slot].info(members) == info);
            match same {
                Some(&slot) => slots[slot].places.push((member, index)),
                None => {
                    known.push(slots.len());
                    slots.push(Slot {
                        places: vec![(member, index)],
                    });
                }
            }
        }
    }
    slots
}
