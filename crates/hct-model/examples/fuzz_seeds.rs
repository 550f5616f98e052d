//! Writes what fuzzing begins with, small files of every kind that is read, to the folder that is named:
//! `cargo run -p hct-model --example fuzz_seeds fuzz/seeds`. HCT files are those of
//! `crates/hct-core/tests/vectors`; some are copied here for the targets that join and cut them.

use std::error::Error;
use std::fs;
use std::path::Path;

use hct_core::{BlockType, Dtype};
use hct_model::{GgufArray, GgufHeader, GgufType, GgufValue, GgufWriter, Header, TensorInfo};
use hct_strategies::StrategyName;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(folder) = std::env::args().nth(1) else {
        return Err("name the folder to write to".into());
    };
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let dir = Path::new(&folder).join(target);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(name), bytes)
    };
    for (name, bytes) in safetensors()? {
        put("safetensors", name, &bytes)?;
    }
    for kind in BlockType::ALL {
        put("gguf", &kind.to_string(), &gguf(GgufType::Blocks(*kind))?)?;
    }
    for dtype in [Dtype::F32, Dtype::BF16, Dtype::I8] {
        put("gguf", &dtype.to_string(), &gguf(GgufType::Plain(dtype))?)?;
    }
    for (name, text) in JSON {
        put("json", name, text.as_bytes())?;
    }
    for (number, strategy) in StrategyName::ALL.iter().enumerate() {
        for (dtype, name) in ["f32", "f16", "bf16"].iter().enumerate() {
            let mut bytes = vec![number as u8, dtype as u8, 15];
            bytes.extend(numbers(1024));
            put("round_trip", &format!("{strategy}-{name}"), &bytes)?;
        }
    }
    put("calibration", "imatrix", &imatrix()?)?;
    put("calibration", "imatrix-older", &older_imatrix())?;
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hct-core/tests/vectors");
    for name in [
        "files",
        "lossless_dtypes",
        "columns_sum",
        "blocks_two_tiles",
    ] {
        let bytes = fs::read(vectors.join(name).with_extension("hct"))?;
        put("parts", name, &bytes)?;
        put("hct", name, &bytes)?;
    }
    Ok(())
}

/// Bytes that look like weights in no dtype, and are finite in all.
fn numbers(n: usize) -> Vec<u8> {
    (0..n as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & 0xbf)
        .collect()
}

/// A file and what it is called.
type Seed = (&'static str, Vec<u8>);

fn safetensors() -> Result<Vec<Seed>, Box<dyn Error>> {
    let tensor = |name: &str, dtype, shape: &[u64]| TensorInfo {
        name: name.to_owned(),
        dtype,
        shape: shape.to_vec(),
    };
    let sets = [
        ("none", vec![]),
        ("matrix", vec![tensor("w", Dtype::F32, &[8, 8])]),
        (
            "several",
            vec![
                tensor("model.embed_tokens.weight", Dtype::BF16, &[6, 4]),
                tensor("ids", Dtype::I64, &[3]),
                tensor("packed", Dtype::F4, &[4]),
                tensor("scalar", Dtype::F16, &[]),
                tensor("empty", Dtype::U8, &[0, 5]),
            ],
        ),
    ];
    let mut out = Vec::new();
    for (name, tensors) in sets {
        let header = Header::of(&tensors)?;
        let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.header_bytes());
        let len: u64 = tensors.iter().map(TensorInfo::byte_len).sum();
        file.extend(numbers(len as usize));
        out.push((name, file));
    }
    let text =
        r#"{"__metadata__":{"a":"b\u00e9"},"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}  "#;
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(text.as_bytes());
    file.extend([7, 8]);
    out.push(("metadata", file));
    Ok(out)
}

fn gguf(kind: GgufType) -> Result<Vec<u8>, Box<dyn Error>> {
    let text = |text: &str| GgufValue::String(text.into());
    let metadata = vec![
        ("general.architecture".to_owned(), text("llama")),
        ("llama.attention.head_count".to_owned(), GgufValue::U32(2)),
        (
            "some".to_owned(),
            GgufValue::Array(GgufArray::I32(vec![1, 2])),
        ),
        ("on".to_owned(), GgufValue::Bool(true)),
    ];
    let tensors = vec![
        (
            "blk.0.attn_q.weight".to_owned(),
            kind,
            vec![4, kind.block_elements() as u64],
        ),
        (
            "output_norm.weight".to_owned(),
            GgufType::Plain(Dtype::F32),
            vec![3],
        ),
    ];
    let header = GgufHeader::new(metadata, tensors)?;
    let mut writer = GgufWriter::new("m.gguf", header.clone(), Vec::new())?;
    for number in header.by_offset() {
        writer.write(number, &numbers(header.tensors[number].byte_len() as usize))?;
    }
    Ok(writer.finish()?)
}

fn imatrix() -> Result<Vec<u8>, Box<dyn Error>> {
    let metadata = vec![
        (
            "general.type".to_owned(),
            GgufValue::String("imatrix".into()),
        ),
        ("imatrix.chunk_count".to_owned(), GgufValue::U32(1)),
        ("imatrix.chunk_size".to_owned(), GgufValue::U32(8)),
    ];
    let plain = GgufType::Plain(Dtype::F32);
    let tensors = vec![
        ("blk.0.ffn_up.weight.in_sum2".to_owned(), plain, vec![1, 4]),
        ("blk.0.ffn_up.weight.counts".to_owned(), plain, vec![1, 1]),
    ];
    let header = GgufHeader::new(metadata, tensors)?;
    let mut writer = GgufWriter::new("i.gguf", header, Vec::new())?;
    let floats = |values: &[f32]| {
        values
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    writer.write(0, &floats(&[1.0, 2.0, 0.5, 4.0]))?;
    writer.write(1, &floats(&[8.0]))?;
    Ok(writer.finish()?)
}

/// One entry: a name, how often, and means of squares.
fn older_imatrix() -> Vec<u8> {
    let name = b"blk.0.ffn_up.weight";
    let mut out = 1i32.to_le_bytes().to_vec();
    out.extend((name.len() as i32).to_le_bytes());
    out.extend(name);
    out.extend(1i32.to_le_bytes());
    out.extend(2i32.to_le_bytes());
    out.extend([1.0f32, 2.0].iter().flat_map(|x| x.to_le_bytes()));
    out
}

const JSON: [(&str, &str); 6] = [
    (
        "spec",
        r#"{"strategy":"rdo","cosine":0.995,"effort":"fast"}"#,
    ),
    (
        "spec-size",
        r#"{"strategy":"adaptive","bpw":4.5,"fragments":2}"#,
    ),
    (
        "plan",
        r#"{"default":{"strategy":"rdo"},"tensors":{"a":{"spec":{"strategy":"lossless"}}}}"#,
    ),
    ("importance", r#"{"a":0.5,"b":2}"#),
    ("base-map", r#"{"model.*":"encoder.*","a":"b"}"#),
    (
        "measured",
        r#"{"part":"1/1","spec":{"strategy":"rdo","bpw":4.0},"calibration":null,"weights":64,"octaves":[-9.0,-8.0],"beside":9,"tensors":[{"name":"a","shape":[8,8],"coded":"x","bytes":[40,30],"damage":null,"by_spec":true}]}"#,
    ),
];
