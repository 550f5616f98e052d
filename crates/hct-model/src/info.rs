//! What is in an HCT file, and where its bytes go.

use hct_core::{FileKind, Index, ReadAt, Recipe, Section, Sections, TensorRecord};
use rayon::prelude::*;
use serde::Serialize;

use crate::calibration::hex;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::header::PREFIX_LEN;
use crate::made_by::MadeBy;
use crate::rates::{bits_per, ratio};

/// What an HCT file says of itself and where its bytes go. As JSON it is what `hct info --json` prints.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct InfoReport {
    /// The oldest version of the format that has all that the file uses, such as `3.0`.
    pub format_version: String,
    /// What the file says of how it was made; nobody vouches for it.
    pub made_by: Option<MadeBy>,
    /// What it takes to decode the file besides itself.
    pub base: Option<BaseInfo>,
    /// The tensors, in stored order.
    pub tensors: Vec<StoredTensor>,
    /// Headers of shards and side files.
    pub files: Vec<CarriedInfo>,
    /// Why the file is not decoded unless its limits are raised, in words: it would take more than
    /// a file of its length may.
    pub over_limits: Option<String>,
    /// All of it together.
    pub totals: InfoTotals,
    /// Whether tiles were looked at: where not, the rates of sections are NaN.
    #[serde(skip)]
    pub has_sections: bool,
}

/// Another checkpoint that tensors are coded against.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct BaseInfo {
    /// What the file says of where it was.
    pub hint: Option<String>,
    /// Tensors that are the base's.
    pub unchanged: usize,
    /// Tensors stored as what differs from the base's.
    pub differences: usize,
}

/// A tensor of the base.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct BaseTensorInfo {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A tensor of an HCT file.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct StoredTensor {
    /// Its name.
    pub name: String,
    /// The element type, by its safetensors name.
    pub dtype: &'static str,
    /// The dimensions, outermost first.
    pub shape: Vec<u64>,
    /// What chose its coding, a label for people.
    pub strategy: String,
    /// How it is rebuilt, in words.
    pub recipe: String,
    /// What it is coded against.
    pub base: Option<BaseTensorInfo>,
    /// The BLAKE3 hash of its bytes as they were, in hexadecimal, where the file has hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// Its payload and its record in the index.
    pub bytes: u64,
    /// Of the bytes above; NaN where there are no weights.
    pub bits_per_weight: f64,
    /// Where they go, in bits per weight.
    pub sections: SectionRates,
}

/// Bits per weight by section.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct SectionRates {
    /// Quantized symbols.
    pub values: f64,
    /// Which coefficients are kept.
    pub positions: f64,
    /// Scales.
    pub scales: f64,
    /// Frequencies of symbols.
    pub tables: f64,
    /// Records, lengths, modes.
    pub headers: f64,
}

/// A file that is carried along.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct CarriedInfo {
    /// Its path within the checkpoint.
    pub path: String,
    /// `shard header` or `side file`.
    pub kind: &'static str,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes of the file itself.
    pub unpacked_bytes: u64,
}

/// Bytes of the whole file by what they are for.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct InfoTotals {
    /// The whole file.
    pub bytes: u64,
    /// What was compressed: safetensors files and carried side files.
    pub input_bytes: u64,
    /// `input_bytes` by `bytes`.
    pub ratio: f64,
    /// Elements of the float tensors.
    pub weights: u64,
    /// Of the bytes above; NaN where there are no weights.
    pub bits_per_weight: f64,
    /// All tensors.
    pub tensor_bytes: u64,
    /// All carried files.
    pub carried_bytes: u64,
    /// The index; the records of tensors in it count as theirs, too.
    pub index_bytes: u64,
    /// Recovery blocks, which have the entries of the index once more.
    pub recovery_bytes: u64,
    /// Header, trailer and the rest of the index.
    pub other_bytes: u64,
    /// Sections of all tensors, in bits per weight.
    pub sections: SectionRates,
    #[serde(skip)]
    /// The same in bytes.
    pub section_bytes: Sections,
}

/// Looks at every tile of `model`: reads all of the file, decodes none of it.
///
/// # Errors
/// When a tile is damaged.
pub fn info<R: ReadAt>(model: &HctModel<R>) -> Result<InfoReport, Error> {
    let sections = (0..model.index().tensors.len())
        .into_par_iter()
        .map(|i| model.sections(i))
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(report(model, &sections, true))
}

/// The same of the index alone, of which nothing more is read: how the bytes of tensors are divided among
/// sections is not known then, and NaN.
pub fn info_of_index<R: ReadAt>(model: &HctModel<R>) -> InfoReport {
    let unknown = vec![Sections::default(); model.index().tensors.len()];
    report(model, &unknown, false)
}

impl<R: ReadAt> HctModel<R> {
    /// Elements of the float tensors, and weights of the block-quantized ones.
    pub fn weights(&self) -> u64 {
        let weights = self.index().tensors.iter().map(TensorRecord::weights);
        weights.fold(0, u64::saturating_add)
    }

    /// Bytes of what was compressed: safetensors files and carried side files.
    pub fn input_bytes(&self) -> u64 {
        let index = self.index();
        let shards = index.files.iter().filter(|f| f.kind == FileKind::Shard);
        let prefixes = PREFIX_LEN * shards.count() as u64;
        let unpacked = index.files.iter().map(|f| f.unpacked_len);
        let decoded = index.tensors.iter().map(TensorRecord::decoded_bytes);
        unpacked.chain(decoded).fold(prefixes, u64::saturating_add)
    }
}

fn report(model: &HctModel<impl ReadAt>, sections: &[Sections], has_sections: bool) -> InfoReport {
    let index = model.index();
    let tensors = index.tensors.iter().zip(sections).map(tensor);
    let mut tensors: Vec<StoredTensor> = tensors.collect();
    let mut totals = totals(model, sections);
    if !has_sections {
        tensors.iter_mut().for_each(|t| t.sections = UNKNOWN);
        totals.sections = UNKNOWN;
    }
    let files = index
        .files
        .iter()
        .map(|f| CarriedInfo {
            path: f.path.clone(),
            kind: match f.kind {
                FileKind::Shard => "shard header",
                FileKind::Side => "side file",
                FileKind::Gguf => "GGUF header",
                _ => "unknown",
            },
            bytes: f.stored_bytes(),
            unpacked_bytes: f.unpacked_len,
        })
        .collect();
    let (major, minor) = index.version();
    InfoReport {
        format_version: format!("{major}.{minor}"),
        made_by: index.provenance.as_deref().map(MadeBy::of),
        base: base(index),
        tensors,
        files,
        over_limits: model.check_limits().err().map(|error| match &error {
            Error::Hct { error, .. } => error.to_string(),
            other => other.to_string(),
        }),
        totals,
        has_sections,
    }
}

const UNKNOWN: SectionRates = SectionRates {
    values: f64::NAN,
    positions: f64::NAN,
    scales: f64::NAN,
    tables: f64::NAN,
    headers: f64::NAN,
};

/// What tensors take from a base, if any does.
fn base(index: &Index) -> Option<BaseInfo> {
    let on_base = index.tensors.iter().filter(|t| t.base().is_some()).count();
    let is_unchanged = |t: &&TensorRecord| matches!(t.recipe, Recipe::Unchanged(_));
    let unchanged = index.tensors.iter().filter(is_unchanged).count();
    (on_base > 0).then(|| BaseInfo {
        hint: index.base_hint.clone(),
        unchanged,
        differences: on_base - unchanged,
    })
}

fn tensor((record, sections): (&TensorRecord, &Sections)) -> StoredTensor {
    StoredTensor {
        name: record.name.clone(),
        dtype: record.dtype.name(),
        shape: record.shape.clone(),
        strategy: record.label.to_string(),
        recipe: record.recipe.to_string(),
        base: record.base().map(|base| BaseTensorInfo {
            name: base.name.clone(),
            sha256: hex(&base.sha256),
        }),
        blake3: record.hash.map(|hash| hex(&hash.0)),
        bytes: record.stored_bytes(),
        bits_per_weight: bits_per(record.stored_bytes(), record.elements()),
        sections: rates(sections, record.elements()),
    }
}

fn totals(model: &HctModel<impl ReadAt>, sections: &[Sections]) -> InfoTotals {
    let index = model.index();
    let weights = model.weights();
    let tensor_bytes = index.tensors.iter().map(TensorRecord::stored_bytes).sum();
    let carried_bytes = index.files.iter().map(|f| f.stored_bytes()).sum();
    let input_bytes = model.input_bytes();
    let mut section_bytes = Sections::default();
    sections.iter().for_each(|s| section_bytes.merge(s));
    let (bytes, recovery_bytes) = (model.file_bytes(), model.recovery_bytes());
    InfoTotals {
        bytes,
        input_bytes,
        ratio: ratio(input_bytes as f64, bytes as f64),
        weights,
        bits_per_weight: bits_per(bytes, weights),
        tensor_bytes,
        carried_bytes,
        index_bytes: model.index_bytes(),
        recovery_bytes,
        other_bytes: bytes.saturating_sub(tensor_bytes + carried_bytes + recovery_bytes),
        sections: rates(&section_bytes, weights),
        section_bytes,
    }
}

fn rates(sections: &Sections, weights: u64) -> SectionRates {
    let of = |section: Section| bits_per(sections.bytes[section as usize], weights);
    SectionRates {
        values: of(Section::Values),
        positions: of(Section::Positions),
        scales: of(Section::Scales),
        tables: of(Section::Tables),
        headers: of(Section::Headers),
    }
}
