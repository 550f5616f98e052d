//! Tensors coded against a base: every recipe, in parts, and without the base.

use std::io;
use std::sync::Arc;

use hct_core::{
    BaseSource, BaseTensor, Dtype, EncodedTensor, Error, HctReader, HctWriter, MatrixView,
    Preparation, Recipe, TensorMeta, Transform, TrellisAnalysis, TrellisSettings,
};

const ROWS: usize = 700;
const COLS: usize = 2048;

/// One tensor in memory.
struct InMemory(Vec<u8>);

impl BaseSource for InMemory {
    fn read(
        &self,
        base: &BaseTensor,
        _dtype: Dtype,
        _shape: &[u64],
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<()> {
        if base.name != "old" {
            return Err(io::ErrorKind::NotFound.into());
        }
        let offset = offset as usize;
        out.copy_from_slice(&self.0[offset..offset + out.len()]);
        Ok(())
    }
}

fn noise(i: usize) -> f32 {
    let s = (i as u32)
        .wrapping_mul(747_796_405)
        .wrapping_add(2_891_336_453);
    let s = ((s >> ((s >> 28) + 4)) ^ s).wrapping_mul(277_803_737);
    ((s >> 22) ^ s) as f32 / (1u64 << 31) as f32 - 1.0
}

fn bf16(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values
        .flat_map(|v| half::bf16::from_f32(v).to_le_bytes())
        .collect()
}

fn to_f32(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(2)
        .map(|b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32())
        .collect()
}

fn base() -> Vec<u8> {
    bf16((0..ROWS * COLS).map(|i| 0.05 * noise(i)))
}

fn tuned() -> Vec<u8> {
    let step = |i: usize| 5e-4 * noise(i + ROWS * COLS);
    bf16((0..ROWS * COLS).map(|i| 0.05 * noise(i) + step(i)))
}

fn meta() -> TensorMeta {
    TensorMeta {
        name: "new".into(),
        dtype: Dtype::BF16,
        shape: vec![ROWS as u64, COLS as u64],
    }
}

fn old() -> BaseTensor {
    BaseTensor {
        name: "old".into(),
        sha256: [7; 32],
    }
}

fn file(tensor: EncodedTensor) -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    writer.add_tensor(meta(), tensor, None, "test").unwrap();
    writer.finish().unwrap()
}

/// Opens a file on the base, after checking that it says what it needs without.
fn open(file: &[u8]) -> HctReader<&[u8]> {
    let without = HctReader::open(file).unwrap();
    let record = &without.index().tensors[0];
    assert_eq!(record.base(), Some(&old()));
    let Err(Error::Tensor { name, source }) = without.decode(0) else {
        panic!("decoded without a base");
    };
    assert!(name == "new" && matches!(*source, Error::NeedsBase { name } if name == "old"));
    without.with_base(Arc::new(InMemory(base())))
}

/// That parts of the tensor are parts of the whole, as bytes and as numbers.
fn check_parts(reader: &HctReader<&[u8]>) {
    let whole = reader.decode(0).unwrap();
    for rows in [0..1, 511..514, 0..ROWS, 699..700, 3..3] {
        let part = reader.tensor(0).unwrap();
        let part = part.rows(rows.start as u64..rows.end as u64).unwrap();
        let expected = &whole[rows.start * COLS * 2..rows.end * COLS * 2];
        assert!(part.decode().unwrap() == expected);
        let mut values = vec![0.0; rows.len() * COLS];
        part.decode_f32(&mut values).unwrap();
        assert!(values == to_f32(expected));
    }
    let sections = reader.sections(0).unwrap();
    let stored = reader.index().tensors[0].stored_bytes();
    assert_eq!(sections.bytes.iter().sum::<u64>(), stored);
}

#[test]
fn an_unchanged_tensor_is_its_record() {
    let bytes = base();
    let coded = EncodedTensor::delta(&meta(), &bytes, old(), &bytes).unwrap();
    let file = file(coded.unwrap());
    assert!(file.len() < 200);
    let reader = open(&file);
    assert!(matches!(
        reader.index().tensors[0].recipe,
        Recipe::Unchanged(_)
    ));
    assert!(reader.decode(0).unwrap() == bytes);
    check_parts(&reader);
}

#[test]
fn a_difference_comes_back_bit_for_bit_from_its_tiles() {
    let bytes = tuned();
    let coded = EncodedTensor::delta(&meta(), &bytes, old(), &base()).unwrap();
    let alone = EncodedTensor::lossless(&meta(), &bytes).unwrap();
    let coded = coded.unwrap();
    assert!(coded.payload_bytes() * 2 < alone.payload_bytes());
    let file = file(coded);
    let reader = open(&file);
    assert!(matches!(
        reader.index().tensors[0].recipe,
        Recipe::Delta(..)
    ));
    assert!(reader.decode(0).unwrap() == bytes);
    check_parts(&reader);
}

#[test]
fn fragments_are_added_to_the_base() {
    let (old_values, new_values) = (to_f32(&base()), to_f32(&tuned()));
    let difference: Vec<f32> = new_values
        .iter()
        .zip(&old_values)
        .map(|(n, o)| n - o)
        .collect();
    for transform in [Transform::None, Transform::Dct2] {
        let matrix = MatrixView::from_values(&difference, ROWS, COLS).unwrap();
        let preparation = Preparation {
            whole: transform != Transform::None,
            ..Preparation::tiled(transform)
        };
        let settings = TrellisSettings::new(8);
        let analysis = TrellisAnalysis::new(matrix, preparation, settings).unwrap();
        let step = 2e-4;
        let training = analysis.train(step, 1 << 16);
        let plane = analysis.encode(step, &training).unwrap();
        let coded = EncodedTensor::plane(plane).on_base(old()).unwrap();
        let file = file(coded);
        let reader = open(&file);
        let decoded = to_f32(&reader.decode(0).unwrap());
        let square =
            |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
        let moved = square(&new_values, &old_values);
        assert!(square(&decoded, &new_values) < 0.3 * moved);
        check_parts(&reader);
    }
}

#[test]
fn what_is_no_base_is_refused() {
    let bytes = base();
    let short = EncodedTensor::delta(&meta(), &bytes, old(), &bytes[2..]);
    assert!(matches!(short, Err(Error::WrongLength { .. })));
    let lossless = EncodedTensor::lossless(&meta(), &bytes).unwrap();
    assert!(lossless.on_base(old()).is_err());
    // A base that fails is named as such.
    let mut other = old();
    other.name = "other".into();
    let coded = EncodedTensor::delta(&meta(), &bytes, other, &bytes).unwrap();
    let file = file(coded.unwrap());
    let reader = HctReader::open(&file[..])
        .unwrap()
        .with_base(Arc::new(InMemory(bytes)));
    let Err(Error::Tensor { source, .. }) = reader.decode(0) else {
        panic!("decoded against nothing");
    };
    assert!(matches!(*source, Error::Io { .. }), "{source:?}");
}
