//! What block-quantized weights take in an HCT file: `docs/GGUF.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use hct_core::{BlockType, Dtype, EncodedTensor, HctReader, HctWriter, TensorMeta};
use hct_model::{Checkpoint, CheckpointSource, TensorInfo, TensorSource};

use crate::model::Model;
use crate::repository::docs;
use crate::text::document::Document;
use crate::text::table::table;

const MARKDOWN: &str = "GGUF.md";

const ABOUT: &str = "# GGUF in HCT

Made by `cargo xtask compare --gguf`, which is given GGUF files to measure too. Block-quantized
tensors are stored bit for bit: `hct decompress` gives back the bytes of the GGUF file. What they
take less is measured here, every tensor decoded again and compared. *GGUF* and *HCT* are bits a
weight, records and checksums counted; *bytes alone* is what the tensor takes as plain bytes, with
one frequency table a tile.

A block scaled by its largest weight leaves little to save where weights are close to Gaussian. The
goals were 5 % on Q4_K, 8 % on Q4_0 and 15 % on Q8_0, of which the last is missed. SmolLM2 is the file
that `cargo xtask fetch` makes the checkpoint of. MiniLM has only six matrices whose rows are whole
blocks of 256 weights.
";

/// What candle quantizes to.
const TYPES: [(GgmlDType, BlockType); 8] = [
    (GgmlDType::Q4_0, BlockType::Q4_0),
    (GgmlDType::Q4_1, BlockType::Q4_1),
    (GgmlDType::Q5_0, BlockType::Q5_0),
    (GgmlDType::Q8_0, BlockType::Q8_0),
    (GgmlDType::Q3K, BlockType::Q3K),
    (GgmlDType::Q4K, BlockType::Q4K),
    (GgmlDType::Q5K, BlockType::Q5K),
    (GgmlDType::Q6K, BlockType::Q6K),
];

/// Sums over the tensors of a type.
#[derive(Default)]
struct Row {
    tensors: usize,
    weights: u64,
    gguf: u64,
    bytes_alone: u64,
    hct: u64,
}

type Rows = BTreeMap<BlockType, Row>;

/// Measures MiniLM quantized by candle, and the files given, and writes the document.
pub fn run(files: &[PathBuf]) -> Result<()> {
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    let minilm = Model::fetched("minilm")?;
    let section = render(
        "MiniLM, quantized by candle",
        &quantized(&minilm.checkpoint)?,
    );
    println!("{section}");
    document.set("minilm", &section);
    for path in files {
        let rows = of_file(path).with_context(|| path.display().to_string())?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let section = render(&format!("`{stem}`"), &rows);
        println!("{section}");
        document.set(&stem.to_lowercase(), &section);
    }
    document.write(&docs(MARKDOWN))
}

/// The matrices of a checkpoint of F32, in every type of which their rows are whole blocks.
fn quantized(checkpoint: &Checkpoint) -> Result<Rows> {
    let mut rows = Rows::new();
    let infos = checkpoint.tensors().iter().enumerate();
    for (i, info) in infos.filter(|(_, t)| is_large_matrix(t)) {
        let bytes = checkpoint.read(i)?;
        let values: Vec<f32> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        let shape = (info.shape[0] as usize, info.shape[1] as usize);
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        for (dtype, kind) in TYPES {
            if shape.1.is_multiple_of(kind.weights()) {
                let blocks = QTensor::quantize(&tensor, dtype)?;
                add(&mut rows, &info.name, kind, shape.0 as u64, &blocks.data()?)?;
            }
        }
    }
    Ok(rows)
}

fn is_large_matrix(info: &TensorInfo) -> bool {
    info.dtype == Dtype::F32 && info.shape.len() == 2 && info.elements() >= 1 << 17
}

/// The block-quantized tensors of a GGUF file.
fn of_file(path: &Path) -> Result<Rows> {
    let checkpoint = Checkpoint::open(path)?;
    let mut rows = Rows::new();
    for (i, info) in checkpoint.tensors().iter().enumerate() {
        if let Some(kind) = checkpoint.blocks_of(i) {
            let height = info.shape.first().copied().unwrap_or(1);
            add(&mut rows, &info.name, kind, height, &checkpoint.read(i)?)?;
        }
    }
    Ok(rows)
}

/// Codes a tensor and adds what it takes.
fn add(rows: &mut Rows, name: &str, kind: BlockType, height: u64, bytes: &[u8]) -> Result<()> {
    let len = bytes.len() as u64;
    let meta = TensorMeta {
        name: name.to_owned(),
        dtype: Dtype::U8,
        shape: vec![height, len / height.max(1)],
    };
    let coded = EncodedTensor::blocks(&meta, bytes, kind)?;
    let mut writer = HctWriter::new(Vec::new())?;
    let record = writer.add_tensor(meta.clone(), coded, None, "blocks")?;
    let hct = record.stored_bytes();
    let reader = HctReader::open(writer.finish()?)?;
    ensure!(
        reader.tensor(0)?.decode()? == bytes,
        "{name} came back changed"
    );
    let row = rows.entry(kind).or_default();
    row.tensors += 1;
    row.weights += len / kind.bytes() as u64 * kind.weights() as u64;
    row.gguf += len;
    row.bytes_alone += EncodedTensor::lossless(&meta, bytes)?.payload_bytes() as u64;
    row.hct += hct;
    Ok(())
}

fn render(title: &str, rows: &Rows) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(kind, row)| {
            let bits = |bytes: u64| format!("{:.3}", 8.0 * bytes as f64 / row.weights as f64);
            vec![
                kind.to_string(),
                row.tensors.to_string(),
                format!("{:.1}", row.weights as f64 / 1e6),
                bits(row.gguf),
                bits(row.bytes_alone),
                bits(row.hct),
                format!("{:.1} %", 100.0 - 100.0 * row.hct as f64 / row.gguf as f64),
            ]
        })
        .collect();
    let head = [
        "type",
        "tensors",
        "million weights",
        "GGUF",
        "bytes alone",
        "HCT",
        "saved",
    ];
    format!("## {title}\n\n{}", table("lrrrrrr", &head, &rows))
}
