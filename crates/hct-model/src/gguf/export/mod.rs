//! A model of the Llama or Qwen2 layout as a GGUF file that llama.cpp runs.

mod config;
mod fault;
mod tokenizer;

use std::io::Write;
use std::path::Path;

use hct_core::{BlockType, Dtype};
use serde_json::{Map, Value};

use self::config::{Architecture, CONFIG, Config};
pub use self::fault::ExportFault;
use super::header::GgufHeader;
use super::names::name_in_gguf;
use super::quantize::quantize;
use super::rounding::rounded;
use super::row_order::pairs_from_halves;
use super::tensor_type::GgufType;
use super::value::GgufValue;
use super::writer::GgufWriter;
use crate::error::Error;
use crate::progress::Progress;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// The divisors of rotary frequencies, where there are any.
const ROPE_FACTORS: &str = "rope_freqs.weight";
/// The head, which models may share with the embedding.
const HEAD: &str = "lm_head.weight";

/// The embedding, as GGUF calls it.
const EMBEDDING: &str = "token_embd.weight";

/// What most weights are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportType {
    /// Half precision.
    F16,
    /// Half precision with the exponents of single precision.
    Bf16,
    /// Blocks of 8 bits a weight.
    Q8_0,
    /// Blocks of 4 bits a weight; the embedding and the head in Q8_0.
    Q4_0,
}

impl ExportType {
    /// The number by which files say it (`general.file_type`).
    fn code(self) -> u32 {
        match self {
            ExportType::F16 => 1,
            ExportType::Q4_0 => 2,
            ExportType::Q8_0 => 7,
            ExportType::Bf16 => 32,
        }
    }

    /// How a tensor is stored: vectors, which are few, in F32, and what has no whole blocks in F16.
    fn of(self, name: &str, shape: &[u64]) -> GgufType {
        let kind = match self {
            _ if shape.len() < 2 => return GgufType::Plain(Dtype::F32),
            ExportType::F16 => return GgufType::Plain(Dtype::F16),
            ExportType::Bf16 => return GgufType::Plain(Dtype::BF16),
            ExportType::Q4_0 if !matches!(name, EMBEDDING | "output.weight") => BlockType::Q4_0,
            ExportType::Q4_0 | ExportType::Q8_0 => BlockType::Q8_0,
        };
        match shape
            .last()
            .is_some_and(|row| row % kind.weights() as u64 == 0)
        {
            true => GgufType::Blocks(kind),
            false => GgufType::Plain(Dtype::F16),
        }
    }
}

/// What says what a model is besides its weights.
pub struct ExportFiles {
    /// config.json.
    pub config: Option<Vec<u8>>,
    /// tokenizer.json.
    pub tokenizer: Option<Vec<u8>>,
    /// tokenizer_config.json, which not all models have.
    pub tokenizer_config: Option<Vec<u8>>,
}

/// How a model is to be written.
pub struct ExportOptions<'a> {
    /// What most weights are stored as.
    pub kind: ExportType,
    /// What the model is called.
    pub name: &'a str,
    /// What llama.cpp calls the way its tokenizer splits text, where that is not known here.
    pub splitting: Option<&'a str>,
}

/// Writes the tensors of `source`, with `files` as metadata, to `output`, and gives it back. `path` names
/// the model in messages. Memory holds a tensor at a time.
///
/// # Errors
/// When something is missing of the model or not known here, before anything is written; when tensors
/// cannot be read, have numbers that the type does not have, or the output cannot be written.
pub fn export_gguf<W: Write>(
    source: &dyn TensorSource,
    files: &ExportFiles,
    options: &ExportOptions<'_>,
    path: &Path,
    output: W,
    progress: &dyn Progress,
) -> Result<W, Error> {
    let fault = |fault| Error::Export {
        path: path.to_owned(),
        fault,
    };
    let config = json(&files.config, CONFIG)
        .and_then(Config::read)
        .map_err(fault)?;
    let planned = plan(source.tensors(), &config, options.kind).map_err(fault)?;
    let metadata = metadata(&config, files, options).map_err(fault)?;
    let factors = config.rope_factors().map_err(fault)?;
    let mut infos: Vec<_> = planned
        .iter()
        .map(|p| (p.name.clone(), p.kind, p.info.shape.clone()))
        .collect();
    if let Some(factors) = &factors {
        let shape = vec![factors.len() as u64];
        infos.push((ROPE_FACTORS.to_owned(), GgufType::Plain(Dtype::F32), shape));
    }
    let header = GgufHeader::new(metadata, infos).map_err(Error::gguf(path))?;
    let mut writer = GgufWriter::new(path, header, output)?;
    for (number, planned) in planned.iter().enumerate() {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let bytes = source.read(planned.index)?;
        let bytes = planned.stored(&bytes).map_err(fault)?;
        writer.write(number, &bytes)?;
        progress.advance(planned.info.byte_len(), &planned.info.name);
    }
    if let Some(factors) = &factors {
        let bytes: Vec<u8> = factors.iter().flat_map(|x| x.to_le_bytes()).collect();
        writer.write(planned.len(), &bytes)?;
    }
    writer.finish()
}

/// A JSON object that must be there.
fn json(file: &Option<Vec<u8>>, name: &'static str) -> Result<Map<String, Value>, ExportFault> {
    let bytes = file.as_ref().ok_or(ExportFault::NoFile { file: name })?;
    serde_json::from_slice(bytes).map_err(|_| ExportFault::NotJson { file: name })
}

fn metadata(
    config: &Config,
    files: &ExportFiles,
    options: &ExportOptions<'_>,
) -> Result<Vec<(String, GgufValue)>, ExportFault> {
    let mut metadata = config.metadata(options.name)?;
    let mut put = |key: &str, value| metadata.push((key.to_owned(), GgufValue::U32(value)));
    put("general.file_type", options.kind.code());
    if matches!(options.kind, ExportType::Q8_0 | ExportType::Q4_0) {
        // That of the blocks of today.
        put("general.quantization_version", 2);
    }
    let tokenizer = json(&files.tokenizer, "tokenizer.json")?;
    let settings = match &files.tokenizer_config {
        Some(_) => json(&files.tokenizer_config, "tokenizer_config.json")?,
        None => Map::new(),
    };
    let splitting = options.splitting;
    metadata.extend(tokenizer::metadata(
        &tokenizer, &settings, config, splitting,
    )?);
    Ok(metadata)
}

/// A tensor, and how it is to be stored.
struct Planned<'a> {
    info: &'a TensorInfo,
    index: usize,
    name: String,
    kind: GgufType,
    /// Rows of a head, where the order of rows differs.
    head_rows: Option<usize>,
}

/// What becomes of each tensor, in their order.
fn plan<'a>(
    tensors: &'a [TensorInfo],
    config: &Config,
    kind: ExportType,
) -> Result<Vec<Planned<'a>>, ExportFault> {
    let tied = config
        .json()
        .get("tie_word_embeddings")
        .and_then(Value::as_bool)
        == Some(true);
    let mut planned = Vec::new();
    for (index, info) in tensors.iter().enumerate() {
        // What follows from the rest is not stored twice.
        if (tied && info.name == HEAD) || info.name.ends_with(".rotary_emb.inv_freq") {
            continue;
        }
        let tensor = || info.name.clone();
        if !matches!(info.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32) {
            return Err(ExportFault::NoFloats { tensor: tensor() });
        }
        let name = name_in_gguf(&info.name);
        let name = name.ok_or_else(|| ExportFault::NoName { tensor: tensor() })?;
        let heads = match (config.architecture, name.rsplit('.').nth(1)) {
            (Architecture::Llama, Some("attn_q")) => Some(config.heads()?),
            (Architecture::Llama, Some("attn_k")) => Some(config.heads_kv()?),
            _ => None,
        };
        let head_rows = match heads {
            Some(heads) => Some(rows_of_head(info, heads)?),
            None => None,
        };
        if name == EMBEDDING && info.shape.first() != Some(&config.vocabulary()?.into()) {
            return Err(ExportFault::NoValue {
                file: CONFIG,
                key: "vocab_size".to_owned(),
                wanted: "the number of rows of the embedding",
            });
        }
        planned.push(Planned {
            info,
            index,
            kind: kind.of(&name, &info.shape),
            name,
            head_rows,
        });
    }
    // It bounds the vocabulary.
    match planned.iter().any(|planned| planned.name == EMBEDDING) {
        true => Ok(planned),
        false => Err(ExportFault::NoTensor { tensor: EMBEDDING }),
    }
}

fn rows_of_head(info: &TensorInfo, heads: u32) -> Result<usize, ExportFault> {
    let rows = info.shape.first().copied().unwrap_or(0);
    let of_head = rows
        .checked_div(heads.into())
        .filter(|n| n * u64::from(heads) == rows);
    let of_head = of_head.filter(|n| *n > 0 && n % 2 == 0);
    let of_head = of_head.and_then(|n| usize::try_from(n).ok());
    of_head.ok_or_else(|| ExportFault::NoValue {
        file: CONFIG,
        key: "num_attention_heads".to_owned(),
        wanted: "a divisor of the rows of queries and keys",
    })
}

impl Planned<'_> {
    /// The bytes of the tensor as GGUF has them, from those of the checkpoint.
    fn stored(&self, bytes: &[u8]) -> Result<Vec<u8>, ExportFault> {
        let reordered = self.head_rows.map(|head_rows| {
            let rows = self.info.shape.first().copied().unwrap_or(1) as usize;
            pairs_from_halves(bytes, bytes.len() / rows.max(1), head_rows)
        });
        let bytes = reordered.as_deref().unwrap_or(bytes);
        let values = GgufType::Plain(self.info.dtype).dequantize(bytes);
        let stored = values.and_then(|values| match self.kind {
            GgufType::Plain(dtype) => rounded(&values, dtype),
            GgufType::Blocks(kind) => quantize(&values, kind),
        });
        stored.ok_or_else(|| ExportFault::Beyond {
            tensor: self.info.name.clone(),
            kind: self.kind.to_string(),
        })
    }
}
