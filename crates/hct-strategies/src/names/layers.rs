//! Where a tensor stands among the layers of its model.

use std::collections::HashMap;

/// What checkpoints call the list that a layer's number indexes.
const STACK_WORDS: [&str; 7] = [
    "layers",
    "layer",
    "h",
    "blocks",
    "block",
    "blk",
    "resblocks",
];

/// A tensor name cut at its layer number.
pub(super) struct Cut<'a> {
    /// Everything before the number: `model.layers`.
    stack: &'a str,
    /// The number.
    index: usize,
    /// Everything after it: `mlp.up_proj.weight`.
    pub(super) inside: &'a str,
}

/// Cuts `name` at the first number that follows a stack word, if there is one. The first, because
/// stacks inside a layer (a Swin stage, a T5 block) are parts of that layer.
pub(super) fn cut(name: &str) -> Option<Cut<'_>> {
    let mut parent = "";
    let mut start = 0;
    for part in name.split(['.', '/']) {
        let end = start + part.len();
        let in_stack = STACK_WORDS.iter().any(|w| parent.eq_ignore_ascii_case(w));
        if let Some(index) = number(part).filter(|_| in_stack) {
            return Some(Cut {
                // A parent was seen, so a separator lies before `start`.
                stack: &name[..start - 1],
                index,
                inside: name.get(end + 1..).unwrap_or_default(),
            });
        }
        parent = part;
        start = end + 1;
    }
    None
}

/// The layer number `part` spells. `None` when it is none, or too large to count up to.
fn number(part: &str) -> Option<usize> {
    // `parse` would take a plus sign too.
    let digits = part.bytes().all(|b| b.is_ascii_digit());
    part.parse()
        .ok()
        .filter(|&index| digits && index < usize::MAX)
}

/// How many layers each stack of a model has. A stack is what stands before the layer number:
/// the encoder and the decoder of Whisper are two.
#[derive(Clone, Debug, Default)]
pub struct LayerStacks {
    counts: HashMap<String, usize>,
}

impl LayerStacks {
    /// The stacks that `names`, all the tensor names of one model, make up.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> LayerStacks {
        let mut counts = HashMap::<String, usize>::new();
        for layer in names.into_iter().filter_map(cut) {
            let count = layer.index + 1;
            match counts.get_mut(layer.stack) {
                Some(known) => *known = count.max(*known),
                None => {
                    counts.insert(layer.stack.to_owned(), count);
                }
            }
        }
        LayerStacks { counts }
    }

    /// The number of the layer that `name` belongs to, from 0, and how many layers its stack has;
    /// `None` when `name` is in no layer of these stacks.
    ///
    /// The count is the highest number and one more, so that a single shard of a model, or a model
    /// that lost layers to pruning, keeps the depths its names tell.
    pub fn position(&self, name: &str) -> Option<(usize, usize)> {
        let layer = cut(name)?;
        let count = *self.counts.get(layer.stack)?;
        (layer.index < count).then_some((layer.index, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_counted_apart() {
        let names = [
            "model.encoder.layers.3.fc1.weight",
            "model.encoder.layers.0.fc1.weight",
            "model.decoder.layers.1.fc1.weight",
        ];
        let stacks = LayerStacks::of(names);
        assert_eq!(stacks.position(names[0]), Some((3, 4)));
        assert_eq!(stacks.position(names[1]), Some((0, 4)));
        assert_eq!(stacks.position(names[2]), Some((1, 2)));
    }

    #[test]
    fn only_the_number_of_a_layer_counts() {
        let names = [
            "model.encoder.conv1.weight",
            "classifier.0.weight",
            "mlp.experts.7.w1.weight",
            "layers.+1.weight",
            "layers.-1.weight",
            "layers..weight",
            "layers",
            "0.layers.weight",
        ];
        let stacks = LayerStacks::of(names);
        for name in names {
            assert_eq!(stacks.position(name), None, "{name}");
        }
        let expert = "model.layers.2.block_sparse_moe.experts.7.w1.weight";
        assert_eq!(LayerStacks::of([expert]).position(expert), Some((2, 3)));
    }

    #[test]
    fn a_stack_within_a_layer_is_part_of_it() {
        let nested = "encoder.block.1.layer.2.DenseReluDense.wi.weight";
        assert_eq!(LayerStacks::of([nested]).position(nested), Some((1, 2)));
    }

    #[test]
    fn names_of_another_model_have_no_position() {
        let stacks = LayerStacks::of(["h.1.attn.c_attn.weight"]);
        assert_eq!(stacks.position("h.2.attn.c_attn.weight"), None);
        assert_eq!(stacks.position("transformer.h.0.attn.c_attn.weight"), None);
    }

    #[test]
    fn a_number_may_end_the_name() {
        assert_eq!(LayerStacks::of(["blk.4"]).position("blk.4"), Some((4, 5)));
    }
}
