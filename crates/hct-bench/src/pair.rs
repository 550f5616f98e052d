//! Fine-tunes and what they were made from.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use hct_model::{Base, BaseMap, BaseMatch, Checkpoint};

use crate::model::Model;

/// A fine-tune with its base.
pub struct Pair {
    /// The fine-tune.
    pub model: Model,
    /// The base, to look at.
    pub original: Checkpoint,
    /// The base, to code against.
    pub base: Arc<Base>,
}

impl Pair {
    /// The checkpoint in `folder`, called `key`, and its base.
    pub fn open(key: &str, folder: &Path, base: &Path) -> Result<Pair> {
        let open = || Checkpoint::open(base).context("run `cargo xtask fetch` first");
        Ok(Pair {
            model: Model::named(key, folder).context("run `cargo xtask fetch` first")?,
            original: open()?,
            base: Arc::new(Base::checkpoint(open()?)),
        })
    }

    /// Which tensors of the base go with those of the fine-tune.
    pub fn matched(&self) -> Result<BaseMatch<'_>> {
        let map = BaseMap::default();
        Ok(BaseMatch::new(
            &self.model.checkpoint,
            &self.base,
            &map,
            &(),
        )?)
    }
}
