//! `cargo xtask sample`: cuts the small real checkpoint shipped in `assets/sample`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::fetch::{default_cache, sha256_hex};
use crate::staging::Staging;
use crate::tensor_file::{self, TensorSpec};

/// Options of `cargo xtask sample`.
#[derive(clap::Args)]
pub struct Args {
    /// The fetched SmolLM2 folder; MiniLM is read from `minilm` beside it
    /// [default: `smollm2` in the cache folder].
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Where to write the sample.
    #[arg(short, long, value_name = "DIR", default_value = "assets/sample")]
    output: PathBuf,
}

/// A tensor of the sample: its name in the source model and how many of its rows are kept.
struct Piece {
    name: &'static str,
    rows: Option<usize>,
}

const fn whole(name: &'static str) -> Piece {
    Piece { name, rows: None }
}

/// One whole layer from the middle of SmolLM2, its final norm and the start of its embeddings.
const SMOLLM2: [Piece; 11] = [
    Piece {
        name: "model.embed_tokens.weight",
        rows: Some(1024),
    },
    whole("model.layers.15.input_layernorm.weight"),
    whole("model.layers.15.mlp.down_proj.weight"),
    whole("model.layers.15.mlp.gate_proj.weight"),
    whole("model.layers.15.mlp.up_proj.weight"),
    whole("model.layers.15.post_attention_layernorm.weight"),
    whole("model.layers.15.self_attn.k_proj.weight"),
    whole("model.layers.15.self_attn.o_proj.weight"),
    whole("model.layers.15.self_attn.q_proj.weight"),
    whole("model.layers.15.self_attn.v_proj.weight"),
    whole("model.norm.weight"),
];

/// From MiniLM: position embeddings, which are smooth along their columns, a matrix that was never
/// quantised, and the biases and LayerNorm that SmolLM2 does not have.
const MINILM: [Piece; 5] = [
    whole("embeddings.LayerNorm.bias"),
    whole("embeddings.LayerNorm.weight"),
    whole("embeddings.position_embeddings.weight"),
    whole("encoder.layer.0.attention.self.query.bias"),
    whole("encoder.layer.0.attention.self.query.weight"),
];

/// Marks MiniLM's tensors in the sample.
const MINILM_PREFIX: &str = "minilm.";

const FILE: &str = "model.safetensors";

/// Cuts the sample and writes it with its README.
pub fn run(args: &Args) -> Result<()> {
    let smollm2 = match &args.from {
        Some(folder) => folder.clone(),
        None => default_cache()?.join("smollm2"),
    };
    let mut tensors = BTreeMap::new();
    cut(&smollm2, &SMOLLM2, "", &mut tensors)?;
    cut(
        &smollm2.with_file_name("minilm"),
        &MINILM,
        MINILM_PREFIX,
        &mut tensors,
    )?;
    let bytes = file_bytes(&tensors)?;
    let sum = sha256_hex(&mut &bytes[..])?;

    fs::create_dir_all(&args.output)
        .with_context(|| format!("cannot create the folder {}", args.output.display()))?;
    let staging = Staging::inside(&args.output)?;
    fs::write(staging.path().join(FILE), &bytes)?;
    fs::write(
        staging.path().join("README.md"),
        readme(&tensors, bytes.len(), &sum),
    )?;
    for name in [FILE, "README.md"] {
        staging.publish_file(name, &args.output)?;
    }
    println!(
        "{}: {} bytes, SHA-256 {sum}",
        args.output.join(FILE).display(),
        bytes.len()
    );
    Ok(())
}

/// A tensor of the sample, stored as F16.
struct Cut {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn cut(
    folder: &Path,
    pieces: &[Piece],
    prefix: &str,
    tensors: &mut BTreeMap<String, Cut>,
) -> Result<()> {
    let path = folder.join(FILE);
    let file = fs::read(&path).with_context(|| {
        format!(
            "cannot read {}: run `cargo xtask fetch`, or pass --from",
            path.display()
        )
    })?;
    let model = SafeTensors::deserialize(&file)
        .with_context(|| format!("{} is not a safetensors file", path.display()))?;
    for piece in pieces {
        let tensor = model
            .tensor(piece.name)
            .with_context(|| format!("{} lacks {}", path.display(), piece.name))?;
        let mut shape = tensor.shape().to_vec();
        if let (Some(rows), Some(outer)) = (piece.rows, shape.first_mut()) {
            ensure!(rows <= *outer, "{} has only {outer} rows", piece.name);
            *outer = rows;
        }
        let mut bytes = as_f16(tensor.dtype(), tensor.data())
            .with_context(|| format!("{} cannot be stored", piece.name))?;
        bytes.truncate(shape.iter().product::<usize>() * 2);
        tensors.insert(format!("{prefix}{}", piece.name), Cut { shape, bytes });
    }
    Ok(())
}

fn as_f16(dtype: Dtype, data: &[u8]) -> Result<Vec<u8>> {
    match dtype {
        Dtype::F16 => Ok(data.to_vec()),
        Dtype::F32 => {
            let mut bytes = Vec::with_capacity(data.len() / 2);
            for weight in data.as_chunks::<4>().0 {
                let stored = f16::from_f32(f32::from_le_bytes(*weight));
                ensure!(stored.is_finite(), "a weight does not fit in F16");
                bytes.extend_from_slice(&stored.to_le_bytes());
            }
            Ok(bytes)
        }
        other => bail!("it is {other}, not F16 or F32"),
    }
}

fn file_bytes(tensors: &BTreeMap<String, Cut>) -> Result<Vec<u8>> {
    let specs: Vec<TensorSpec> = tensors
        .iter()
        .map(|(name, cut)| TensorSpec::new(name, &cut.shape))
        .collect();
    let metadata = BTreeMap::from([
        ("format", "pt".to_string()),
        ("licence", "Apache-2.0".to_string()),
        (
            "origin",
            format!("SmolLM2-135M-Instruct; {MINILM_PREFIX}* from all-MiniLM-L6-v2"),
        ),
    ]);
    let mut bytes = Vec::new();
    tensor_file::write_header(&mut bytes, Dtype::F16, &metadata, &specs)?;
    for cut in tensors.values() {
        bytes.extend_from_slice(&cut.bytes);
    }
    Ok(bytes)
}

fn readme(tensors: &BTreeMap<String, Cut>, size: usize, sum: &str) -> String {
    let mut rows = String::new();
    for (name, cut) in tensors {
        let shape: Vec<String> = cut.shape.iter().map(usize::to_string).collect();
        rows += &format!("| `{name}` | {} |\n", shape.join(" x "));
    }
    format!(
        "# Sample checkpoint

`{FILE}` is a small piece of two real models, for tests and demonstrations that must run
without a network. It is not a working model. This file and the checkpoint were written by

```sh
cargo xtask fetch
cargo xtask sample -o assets/sample
```

which gives the same bytes every time: {size} bytes, SHA-256

```text
{sum}
```

## Origin and licence

- Tensors named `{MINILM_PREFIX}*` are from `sentence-transformers/all-MiniLM-L6-v2`, licensed under
  Apache-2.0. Changes: a few tensors picked, renamed with the prefix, rounded from F32 to F16.
- All others are from `HuggingFaceTB/SmolLM2-135M-Instruct`, licensed under Apache-2.0, through its
  public Q4_1 GGUF quantisation. Changes: one layer, the final norm and the first rows of the token
  embeddings picked; dequantised; stored as F16.

The licence text is [LICENSE-APACHE](../../LICENSE-APACHE).

SmolLM2's layer matrices have been through 4-bit quantisation, so each run of 32 weights takes at
most 16 distinct values; its embeddings have been through 8-bit quantisation. Their scale, spread
and outliers are the model's own, but nothing about the finest detail of trained weights should be
concluded from them. The norms and MiniLM's tensors were never quantised.

## Tensors

All are F16.

| name | shape |
| --- | --- |
{rows}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_is_rounded_and_f16_kept() {
        let wide: Vec<u8> = [1.0f32, 0.1].iter().flat_map(|x| x.to_le_bytes()).collect();
        let narrow: Vec<u8> = [1.0f32, 0.1]
            .iter()
            .flat_map(|&x| f16::from_f32(x).to_le_bytes())
            .collect();
        assert_eq!(as_f16(Dtype::F32, &wide).unwrap(), narrow);
        assert_eq!(as_f16(Dtype::F16, &narrow).unwrap(), narrow);
        assert!(as_f16(Dtype::F32, &1e6f32.to_le_bytes()).is_err());
        assert!(as_f16(Dtype::I64, &[0; 8]).is_err());
    }

    #[test]
    fn the_file_is_reproducible_and_readable() {
        let tensors = || {
            BTreeMap::from([
                (
                    "b".to_string(),
                    Cut {
                        shape: vec![1],
                        bytes: vec![1, 2],
                    },
                ),
                (
                    "a".to_string(),
                    Cut {
                        shape: vec![2, 1],
                        bytes: vec![3, 4, 5, 6],
                    },
                ),
            ])
        };
        let bytes = file_bytes(&tensors()).unwrap();
        assert_eq!(bytes, file_bytes(&tensors()).unwrap());
        let parsed = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(parsed.tensor("a").unwrap().data(), [3, 4, 5, 6]);
    }
}
