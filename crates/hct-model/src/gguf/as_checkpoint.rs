//! A GGUF model as the checkpoint that it was made of.

use std::borrow::Cow;
use std::collections::HashMap;

use hct_core::Dtype;

use super::error::GgufError;
use super::header::GgufHeader;
use super::names::name_in_checkpoint;
use super::rounding::rounded;
use super::row_order::halves_from_pairs;
use super::tensor_type::GgufType;
use crate::error::Error;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// The tensors of a GGUF model, wherever it is, with blocks as the F32 numbers that they stand for. Those
/// of Llama and Qwen2 have the names and the order of rows that checkpoints have.
pub struct AsCheckpoint<'a> {
    source: &'a dyn TensorSource,
    tensors: Vec<TensorInfo>,
    forms: Vec<Form>,
}

/// How a tensor is stored.
struct Form {
    kind: GgufType,
    /// Bytes of a row and rows of a head, where rows are in the order of GGUF.
    pairs: Option<(usize, usize)>,
}

impl<'a> AsCheckpoint<'a> {
    /// The tensors of `source`, the GGUF model that `header` is of.
    ///
    /// # Errors
    /// When it is not known what numbers a tensor stands for, or the heads do not divide the rows that
    /// they should.
    pub fn new(source: &'a dyn TensorSource, header: &GgufHeader) -> Result<Self, GgufError> {
        let architecture = Architecture::of(header);
        let by_name: HashMap<&str, &super::GgufTensor> =
            header.tensors.iter().map(|t| (&t.name[..], t)).collect();
        let (mut tensors, mut forms) = (Vec::new(), Vec::new());
        for info in source.tensors() {
            let Some(&tensor) = by_name.get(&info.name[..]) else {
                // Not of the file; as it is.
                tensors.push(info.clone());
                forms.push(Form {
                    kind: GgufType::Plain(info.dtype),
                    pairs: None,
                });
                continue;
            };
            let kind = tensor.kind;
            let dtype = match kind {
                GgufType::Plain(dtype) => dtype,
                GgufType::Blocks(_) if kind.dequantize(&[]).is_some() => Dtype::F32,
                GgufType::Blocks(_) => {
                    let name = tensor.name.clone();
                    return Err(GgufError::NoNumbers { name, kind });
                }
            };
            let name = architecture.checkpoint_name(&tensor.name);
            let pairs = match architecture.heads(&tensor.name) {
                Some(heads) => Some(rows_of_heads(tensor, heads)?),
                None => None,
            };
            forms.push(Form { kind, pairs });
            tensors.push(TensorInfo {
                name: name.unwrap_or_else(|| tensor.name.clone()),
                dtype,
                shape: tensor.shape.clone(),
            });
        }
        Ok(AsCheckpoint {
            source,
            tensors,
            forms,
        })
    }
}

impl TensorSource for AsCheckpoint<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let mut bytes = self.source.read(index)?;
        let form = &self.forms[index];
        if let Some((row_bytes, head_rows)) = form.pairs {
            bytes = Cow::Owned(halves_from_pairs(&bytes, row_bytes, head_rows));
        }
        match form.kind {
            GgufType::Plain(_) => Ok(bytes),
            // Of these it is known what they stand for, and F32 has it.
            GgufType::Blocks(_) => {
                let values = form.kind.dequantize(&bytes).unwrap_or_default();
                Ok(Cow::Owned(rounded(&values, Dtype::F32).unwrap_or_default()))
            }
        }
    }
}

/// What is known of the model that a file is of.
enum Architecture {
    /// Llama, with its heads of queries and of keys: rows of both are in the order of GGUF.
    Llama {
        heads: u64,
        heads_kv: u64,
    },
    /// Named as Llama is, with rows as they were.
    Qwen2,
    Other,
}

impl Architecture {
    fn of(header: &GgufHeader) -> Architecture {
        let integer = |key| match header.value(key)?.integer() {
            Some(n) => u64::try_from(n).ok(),
            None => None,
        };
        match header.value("general.architecture").and_then(|v| v.text()) {
            Some("llama") => {
                let heads = integer("llama.attention.head_count").unwrap_or(0);
                let heads_kv = integer("llama.attention.head_count_kv").unwrap_or(heads);
                Architecture::Llama { heads, heads_kv }
            }
            Some("qwen2") => Architecture::Qwen2,
            _ => Architecture::Other,
        }
    }

    fn checkpoint_name(&self, name: &str) -> Option<String> {
        match self {
            Architecture::Llama { .. } | Architecture::Qwen2 => name_in_checkpoint(name),
            Architecture::Other => None,
        }
    }

    /// How many heads the rows of a tensor are whose order differs.
    fn heads(&self, name: &str) -> Option<u64> {
        let Architecture::Llama { heads, heads_kv } = *self else {
            return None;
        };
        match name.rsplit('.').nth(1) {
            Some("attn_q") => Some(heads),
            Some("attn_k") => Some(heads_kv),
            _ => None,
        }
    }
}

/// Bytes of a row of a tensor, and rows of one of so many heads.
fn rows_of_heads(tensor: &super::GgufTensor, heads: u64) -> Result<(usize, usize), GgufError> {
    let rows = tensor.shape.first().copied().unwrap_or(0);
    let row_bytes = tensor.byte_len().checked_div(rows).unwrap_or(0);
    let sizes = (
        usize::try_from(row_bytes),
        rows.checked_div(heads).map(usize::try_from),
    );
    match sizes {
        (Ok(row_bytes @ 1..), Some(Ok(head_rows @ 2..)))
            if head_rows % 2 == 0 && rows % heads == 0 =>
        {
            Ok((row_bytes, head_rows))
        }
        _ => Err(GgufError::Heads {
            name: tensor.name.clone(),
            rows,
            heads,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hct_core::BlockType;

    use super::*;
    use crate::gguf::{Gguf, GgufValue};

    fn file(architecture: &str, tensors: &[(&str, GgufType, Vec<u64>, Vec<u8>)]) -> Vec<u8> {
        let metadata = [
            (
                "general.architecture",
                GgufValue::String(architecture.into()),
            ),
            ("llama.attention.head_count", GgufValue::U32(2)),
            ("llama.attention.head_count_kv", GgufValue::U32(1)),
        ];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
        let infos = tensors
            .iter()
            .map(|(n, k, s, _)| ((*n).to_owned(), *k, s.clone()));
        let header = GgufHeader::new(metadata, infos.collect()).unwrap();
        let mut writer = super::super::GgufWriter::new("m.gguf", header, Vec::new()).unwrap();
        for (i, tensor) in tensors.iter().enumerate() {
            writer.write(i, &tensor.3).unwrap();
        }
        writer.finish().unwrap()
    }

    fn seen(file: Vec<u8>) -> Result<BTreeMap<String, Vec<f32>>, GgufError> {
        let gguf = Gguf::new("m.gguf", file).unwrap();
        let view = AsCheckpoint::new(&gguf, gguf.header())?;
        let named = view.tensors().iter().enumerate().map(|(i, info)| {
            let bytes = view.read(i).unwrap();
            let values = GgufType::Plain(info.dtype).dequantize(&bytes).unwrap();
            (info.name.clone(), values)
        });
        Ok(named.collect())
    }

    #[test]
    fn only_query_and_key_rows_of_llama_move() {
        let rows: Vec<u8> = (0..8u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
        let plain = GgufType::Plain(Dtype::F32);
        let tensors = ["attn_q", "attn_k", "attn_v"].map(|part| format!("blk.3.{part}.weight"));
        let tensors: Vec<_> = tensors
            .iter()
            .map(|name| (&name[..], plain, vec![8, 1], rows.clone()))
            .collect();
        let llama = seen(file("llama", &tensors)).unwrap();
        let of = |part: &str| &llama[&format!("model.layers.3.self_attn.{part}_proj.weight")][..];
        assert_eq!(of("q"), [0., 2., 1., 3., 4., 6., 5., 7.]);
        assert_eq!(of("k"), [0., 2., 4., 6., 1., 3., 5., 7.]);
        assert_eq!(of("v"), [0., 1., 2., 3., 4., 5., 6., 7.]);
        let qwen = seen(file("qwen2", &tensors)).unwrap();
        assert_eq!(qwen["model.layers.3.self_attn.q_proj.weight"][1], 1.0);
        let other = seen(file("bert", &tensors)).unwrap();
        assert_eq!(other["blk.3.attn_q.weight"][1], 1.0);
    }

    #[test]
    fn blocks_become_numbers_or_an_error_that_names_them() {
        let blocks = |kind: BlockType, weights: u64| {
            let bytes = vec![0; weights as usize / kind.weights() * kind.bytes()];
            let kind = GgufType::Blocks(kind);
            file("llama", &[("output.weight", kind, vec![1, weights], bytes)])
        };
        let zeros = seen(blocks(BlockType::Q8_0, 64)).unwrap();
        assert_eq!(zeros["lm_head.weight"], [0.0; 64]);
        let unknown = seen(blocks(BlockType::Iq2Xxs, 256)).unwrap_err();
        assert!(matches!(unknown, GgufError::NoNumbers { name, .. } if name == "output.weight"));
    }

    #[test]
    fn heads_that_do_not_divide_the_rows_are_an_error() {
        let plain = GgufType::Plain(Dtype::F32);
        let wrong = file(
            "llama",
            &[("blk.0.attn_q.weight", plain, vec![7, 1], vec![0; 28])],
        );
        let error = seen(wrong).unwrap_err();
        let expected = GgufError::Heads {
            name: "blk.0.attn_q.weight".into(),
            rows: 7,
            heads: 2,
        };
        assert_eq!(error, expected);
    }
}
