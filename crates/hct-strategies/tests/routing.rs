//! Which tensors are coded lossily, and what is said of those that are not.

#[path = "../../hct-core/tests/common/mod.rs"]
mod common;

use common::{Kind, bytes_of, file_of, meta};
use hct_core::{Dtype, Error, HctReader};
use hct_strategies::{
    LosslessEncoder, LosslessReason, Preset, Quality, RdoEncoder, Strategy, TensorView,
    UniformEncoder, lossless_reason,
};

fn reason(dtype: Dtype, shape: &[u64], bytes: &[u8]) -> Option<LosslessReason> {
    let meta = meta("t", dtype, shape);
    lossless_reason(TensorView { meta: &meta, bytes }).unwrap()
}

#[test]
fn bytes_of_another_tensor_are_no_reason_but_an_error() {
    for (shape, bytes) in [(&[64u64, 64][..], 8191), (&[64, 64], 8194), (&[64], 126)] {
        let meta = meta("t", Dtype::BF16, shape);
        let bytes = vec![0; bytes];
        let view = TensorView {
            meta: &meta,
            bytes: &bytes,
        };
        let found = lossless_reason(view);
        assert!(matches!(found, Err(Error::WrongLength { .. })), "{found:?}");
    }
}

#[test]
fn not_finite_tensors_are_lossless_and_say_so() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let values = Kind::Gaussian.values(70, 80, 1);
            let mut bytes = bytes_of(&values, dtype);
            assert_eq!(reason(dtype, &[70, 80], &bytes), None);
            let element = match dtype {
                Dtype::F32 => bad.to_le_bytes().to_vec(),
                Dtype::F16 => half::f16::from_f32(bad).to_le_bytes().to_vec(),
                _ => half::bf16::from_f32(bad).to_le_bytes().to_vec(),
            };
            // The last element: every value must be looked at.
            let at = bytes.len() - element.len();
            bytes[at..].copy_from_slice(&element);
            let found = reason(dtype, &[70, 80], &bytes).unwrap();
            assert_eq!(found, LosslessReason::NonFinite);
            assert!(found.to_string().contains("NaN"));
            // Asked anyway, strategies keep every bit and say so.
            let meta = meta("t", dtype, &[70, 80]);
            let view = TensorView {
                meta: &meta,
                bytes: &bytes,
            };
            let rdo = RdoEncoder::new(Quality::Cosine(0.99));
            let uniform = UniformEncoder::new(0.98);
            for strategy in [&rdo as &dyn Strategy, &uniform] {
                let coded = strategy.encode(view).unwrap();
                assert!(coded.label.contains("lossless"), "{}", coded.label);
                let file = file_of(meta.clone(), coded.tensor);
                assert!(HctReader::open(&file).unwrap().decode(0).unwrap() == bytes);
            }
        }
    }
}

#[test]
fn what_lossy_coding_does_not_suit_is_named() {
    use LosslessReason::{Dtype as Type, Tiny, Vector};
    for (dtype, shape, expected) in [
        (Dtype::I64, &[100u64, 100][..], Some(Type)),
        (Dtype::F64, &[100, 100], Some(Type)),
        (Dtype::F8E4M3, &[100, 100], Some(Type)),
        (Dtype::Bool, &[100, 100], Some(Type)),
        (Dtype::BF16, &[10_000], Some(Vector)),
        (Dtype::BF16, &[1, 10_000, 1], Some(Vector)),
        (Dtype::BF16, &[], Some(Vector)),
        (Dtype::BF16, &[63, 65], Some(Tiny)),
        (Dtype::BF16, &[64, 0], Some(Vector)),
        (Dtype::BF16, &[64, 3, 0], Some(Tiny)),
        (Dtype::BF16, &[64, 64], None),
        (Dtype::F16, &[2, 2048], None),
        (Dtype::F32, &[8, 8, 8, 8], None),
    ] {
        let len = dtype.byte_len(shape.iter().product()).unwrap();
        let bytes = vec![0; len as usize];
        assert_eq!(reason(dtype, shape, &bytes), expected, "{dtype} {shape:?}");
        let meta = meta("t", dtype, shape);
        let view = TensorView {
            meta: &meta,
            bytes: &bytes,
        };
        let coded = LosslessEncoder.encode(view).unwrap();
        let file = file_of(meta.clone(), coded.tensor);
        assert!(HctReader::open(&file).unwrap().decode(0).unwrap() == bytes);
    }
}

#[test]
fn uniform_comes_back_in_its_shape_tiled_or_whole() {
    for shape in [&[64u64, 80][..], &[24, 10, 5, 5], &[1, 90, 60], &[5000, 2]] {
        let (rows, cols) = hct_core::fold(shape).unwrap();
        let values = Kind::Gaussian.values(rows, cols, 4);
        let bytes = bytes_of(&values, Dtype::F16);
        let meta = meta("t", Dtype::F16, shape);
        for preset in [Preset::Viable, Preset::Classic] {
            let encoder = UniformEncoder::new(0.98).preset(preset);
            let view = TensorView {
                meta: &meta,
                bytes: &bytes,
            };
            let coded = encoder.encode(view).unwrap();
            assert_eq!(coded.label, "uniform");
            let file = file_of(meta.clone(), coded.tensor);
            let reader = HctReader::open(&file).unwrap();
            assert_eq!(reader.index().tensors[0].shape, shape);
            let back = common::floats_of(&reader.decode(0).unwrap(), Dtype::F16);
            let error = common::squared_error(&values, &back) / values.len() as f64;
            assert!(error < 0.01, "{shape:?}: {error}");
        }
    }
}
