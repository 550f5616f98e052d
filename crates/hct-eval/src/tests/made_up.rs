//! Weights that are made up, but always the same, and a tokenizer to go with them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hct_core::Dtype;
use hct_model::{Error, TensorInfo, TensorSource};

use crate::ModelFiles;

/// How many words the tokenizer of [`files`] knows: `w0`, `w1`, …
pub const VOCABULARY: usize = 40;

/// F32 tensors in memory.
#[derive(Default)]
pub struct MadeUp {
    infos: Vec<TensorInfo>,
    values: BTreeMap<String, Vec<f32>>,
}

impl MadeUp {
    /// Adds a tensor of numbers spread evenly over `middle` ± `spread`, drawn by its name.
    pub fn add(&mut self, name: &str, shape: &[usize], middle: f32, spread: f32) {
        let seed = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, seed);
        let draw = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let unit = (state >> 40) as f32 / (1u64 << 24) as f32;
            middle + spread * (2.0 * unit - 1.0)
        };
        let values = (0..shape.iter().product::<usize>()).map(draw).collect();
        self.infos.push(TensorInfo {
            name: name.to_owned(),
            dtype: Dtype::F32,
            shape: shape.iter().map(|&n| n as u64).collect(),
        });
        self.values.insert(name.to_owned(), values);
    }

    /// The numbers of a tensor.
    pub fn get(&self, name: &str) -> &[f32] {
        &self.values[name]
    }

    /// The numbers of a tensor, to change.
    pub fn get_mut(&mut self, name: &str) -> &mut [f32] {
        self.values.get_mut(name).unwrap()
    }
}

impl TensorSource for MadeUp {
    fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let values = &self.values[&self.infos[index].name];
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Ok(Cow::Owned(bytes))
    }
}

/// This configuration, and a tokenizer that takes words apart at spaces; `start`, if any, is a word
/// it puts before every text.
pub fn files(config: &str, start: Option<&str>) -> ModelFiles {
    let words: BTreeMap<String, usize> = (0..VOCABULARY).map(|i| (format!("w{i}"), i)).collect();
    let mut tokenizer = serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "w0" },
    });
    if let Some(start) = start {
        let piece = serde_json::json!({ "SpecialToken": { "id": start, "type_id": 0 } });
        let text = serde_json::json!({ "Sequence": { "id": "A", "type_id": 0 } });
        tokenizer["post_processor"] = serde_json::json!({
            "type": "TemplateProcessing",
            "single": [piece, text],
            "pair": [piece, text],
            "special_tokens": { start: { "id": start, "ids": [words[start]], "tokens": [start] } },
        });
    }
    ModelFiles {
        config: config.as_bytes().to_vec(),
        tokenizer: serde_json::to_vec(&tokenizer).unwrap(),
    }
}
