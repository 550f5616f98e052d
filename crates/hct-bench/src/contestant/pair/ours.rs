//! Our strategies on a fine-tune: by itself, and on its base.

use std::sync::Arc;

use anyhow::{Result, bail};
use hct_model::{CompressOptions, compress};

use super::super::{CodedModel, Contestant, Label, Ours};
use super::{CodedPair, DecodedPair};
use crate::pair::Pair;

/// A strategy on the fine-tune by itself.
pub struct Alone(pub Ours);

impl Contestant<Pair> for Alone {
    fn label(&self) -> Label {
        self.0.label().clone()
    }

    fn encode(&self, pair: &Pair) -> Result<CodedPair> {
        let file = CodedModel::file(|path, options| {
            let source = &pair.model.checkpoint;
            compress(source, path, false, self.0.encoder(), options, &())
        })?;
        Ok(CodedPair::File(file, None))
    }

    fn decode(&self, coded: &CodedPair, _pair: &Pair) -> Result<DecodedPair> {
        decode(coded)
    }
}

/// A strategy on the fine-tune and its base.
pub struct OnBase(pub Ours);

impl Contestant<Pair> for OnBase {
    fn label(&self) -> Label {
        let mut label = self.0.label().clone();
        label.name += " on base";
        label
    }

    fn encode(&self, pair: &Pair) -> Result<CodedPair> {
        let matched = pair.matched()?;
        let file = CodedModel::file(|path, options| {
            let source = &pair.model.checkpoint;
            let options = CompressOptions {
                base: Some(&matched),
                ..options
            };
            compress(source, path, false, self.0.encoder(), options, &())
        })?;
        Ok(CodedPair::File(file, Some(Arc::clone(&pair.base))))
    }

    fn decode(&self, coded: &CodedPair, _pair: &Pair) -> Result<DecodedPair> {
        decode(coded)
    }
}

fn decode(coded: &CodedPair) -> Result<DecodedPair> {
    match coded {
        CodedPair::File(file, base) => DecodedPair::of(file, base.as_ref()),
        CodedPair::Stream(_) => bail!("a stream of another contestant"),
    }
}
