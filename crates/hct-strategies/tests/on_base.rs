//! Tensors coded against a base: what is promised of them and of their differences, as a reader
//! of the file sees it.

mod support;

use std::io;
use std::sync::Arc;

use hct_core::{BaseSource, BaseTensor, Dtype, HctReader, Recipe, TensorMeta};
use hct_strategies::{
    AdaptiveEncoder, BaseView, Effort, HybridEncoder, LosslessEncoder, Preset, Quality, RdoEncoder,
    Strategy, SvdEncoder, TensorView,
};
use support::common::{Kind, Rng, bytes_of, file_of, floats_of, meta};
use support::{cosine, dot, strategies};

const ROWS: usize = 192;
const COLS: usize = 160;
const SHAPE: [u64; 2] = [ROWS as u64, COLS as u64];

/// The only tensor of a checkpoint.
struct InMemory(Vec<u8>);

impl BaseSource for InMemory {
    fn read(
        &self,
        base: &BaseTensor,
        _: Dtype,
        _: &[u64],
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<()> {
        assert_eq!(base, &old());
        let offset = offset as usize;
        out.copy_from_slice(&self.0[offset..offset + out.len()]);
        Ok(())
    }
}

fn old() -> BaseTensor {
    BaseTensor {
        name: "layer.weight".into(),
        sha256: [7; 32],
    }
}

/// A tensor before, after training, and how it was trained.
struct Pair {
    meta: TensorMeta,
    base: Vec<u8>,
    tuned: Vec<u8>,
}

impl Pair {
    /// Small weights and noise of `share` of their norm added to them.
    fn noise(name: &str, dtype: Dtype, share: f32) -> Pair {
        Pair::of(name, dtype, share, Rng(11).normals(ROWS * COLS))
    }

    fn of(name: &str, dtype: Dtype, share: f32, moved: Vec<f32>) -> Pair {
        let before: Vec<f32> = Kind::Gaussian.values(ROWS, COLS, 5);
        let scale = share * (dot(&before, &before) / dot(&moved, &moved)).sqrt() as f32;
        let sums = before.iter().zip(&moved).map(|(b, m)| b + scale * m);
        let after: Vec<f32> = sums.map(|v| 0.02 * v).collect();
        let before: Vec<f32> = before.iter().map(|v| 0.02 * v).collect();
        Pair {
            meta: meta(name, dtype, &SHAPE),
            base: bytes_of(&before, dtype),
            tuned: bytes_of(&after, dtype),
        }
    }

    /// Bytes of the file without a base.
    fn alone(&self, strategy: &dyn Strategy) -> usize {
        let coded = strategy.encode(TensorView {
            meta: &self.meta,
            bytes: &self.tuned,
            base: None,
        });
        file_of(self.meta.clone(), coded.unwrap().tensor).len()
    }

    /// Through `strategy` with the base, a file and a reader.
    fn trip(&self, strategy: &dyn Strategy) -> Trip {
        let old = old();
        let coded = strategy.encode(TensorView {
            meta: &self.meta,
            bytes: &self.tuned,
            base: Some(BaseView {
                tensor: &old,
                bytes: &self.base,
            }),
        });
        let coded = coded.unwrap();
        let file = file_of(self.meta.clone(), coded.tensor);
        let reader = HctReader::open(&file[..]).unwrap();
        let reader = reader.with_base(Arc::new(InMemory(self.base.clone())));
        let decoded = reader.decode(0).unwrap();
        let recipe = reader.index().tensors[0].recipe.clone();
        let dtype = self.meta.dtype;
        let values = |bytes: &[u8]| floats_of(bytes, dtype);
        let (base, tuned) = (values(&self.base), values(&self.tuned));
        let from_base = |bytes: &[u8]| -> Vec<f64> {
            let pairs = values(bytes).into_iter().zip(&base);
            pairs.map(|(v, &b)| f64::from(v) - f64::from(b)).collect()
        };
        let (a, b) = (from_base(&self.tuned), from_base(&decoded));
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        Trip {
            label: coded.label,
            cosine: cosine(&tuned, &values(&decoded)),
            delta_cosine: dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt(),
            decoded,
            recipe,
            file,
        }
    }
}

struct Trip {
    label: String,
    cosine: f64,
    delta_cosine: f64,
    decoded: Vec<u8>,
    recipe: Recipe,
    file: Vec<u8>,
}

#[test]
fn both_cosines_are_reached_after_rounding_in_fewer_bytes_than_alone() {
    let dtypes = [Dtype::F32, Dtype::BF16, Dtype::F16];
    let goals = [(0.995, 0.9), (0.98, 0.97), (0.9999, 0.5)];
    for (i, dtype) in dtypes.into_iter().enumerate() {
        for (k, share) in [0.01, 0.05, 0.2].into_iter().enumerate() {
            for (j, name) in ["layer.weight", "embed_tokens.weight"]
                .into_iter()
                .enumerate()
            {
                let pair = Pair::noise(name, dtype, share);
                let (target, guard) = goals[(i + k + j) % 3];
                let rdo = RdoEncoder::new(Quality::Cosine(target)).delta_cosine(guard);
                let trip = pair.trip(&rdo);
                let what = format!("{dtype} {share} {name} {target} {guard}: {}", trip.label);
                assert!(trip.label.contains("on base"), "{what}");
                assert!(trip.cosine >= target - 1e-9, "{what}: {}", trip.cosine);
                let reached = trip.delta_cosine;
                assert!(reached >= guard - 1e-9, "{what}: {reached}");
                let alone = pair.alone(&rdo);
                assert!(trip.file.len() < alone, "{what}: {alone}");
            }
        }
    }
}

#[test]
fn the_median_row_of_an_embedding_reaches_the_target() {
    let pair = Pair::noise("embed_tokens.weight", Dtype::BF16, 0.2);
    let trip = pair.trip(&RdoEncoder::new(Quality::Cosine(0.999)));
    assert!(trip.label.contains("on base"));
    let values = |bytes: &[u8]| floats_of(bytes, Dtype::BF16);
    let (tuned, decoded) = (values(&pair.tuned), values(&trip.decoded));
    let mut mean = [0f32; COLS];
    for row in tuned.chunks(COLS) {
        let terms = mean.iter_mut().zip(row);
        terms.for_each(|(m, v)| *m += v / ROWS as f32);
    }
    let center = |row: &[f32]| -> Vec<f32> { row.iter().zip(&mean).map(|(v, m)| v - m).collect() };
    let rows = tuned.chunks(COLS).zip(decoded.chunks(COLS));
    let mut cosines: Vec<f64> = rows.map(|(a, b)| cosine(&center(a), &center(b))).collect();
    cosines.sort_by(f64::total_cmp);
    assert!(cosines[ROWS / 2] >= 0.999 - 1e-6, "{}", cosines[ROWS / 2]);
}

#[test]
fn the_stricter_of_both_goals_decides() {
    let pair = Pair::noise("layer.weight", Dtype::F32, 0.1);
    let bytes = |target, guard| {
        let rdo = RdoEncoder::new(Quality::Cosine(target));
        pair.trip(&rdo.delta_cosine(guard)).file.len()
    };
    // Half of the difference's energy is a 2000th of the tensor's.
    assert!(bytes(0.99, 0.9) < bytes(0.99, 0.99));
    assert!(bytes(0.99, 0.5) < bytes(0.9999, 0.5));
    assert_eq!(bytes(0.9, 0.9), bytes(0.99, 0.9));
}

#[test]
fn every_strategy_on_a_base_keeps_its_promise_or_ignores_it() {
    for dtype in [Dtype::F32, Dtype::BF16] {
        let pair = Pair::noise("layers.8.mlp.up_proj.weight", dtype, 0.1);
        for fragments in [1, 3] {
            for strategy in strategies(Preset::Viable, fragments) {
                let trip = pair.trip(&*strategy);
                let name = strategy.name();
                assert!(trip.file.len() <= pair.alone(&*strategy), "{name}");
                let ignores = ["uniform", "mixed"].contains(&name);
                assert_eq!(trip.label.contains("on base"), !ignores, "{name}");
                assert!(ignores || trip.delta_cosine >= 0.9, "{name}");
                assert!(trip.cosine > 0.98, "{name}: {}", trip.cosine);
            }
        }
        for strategy in strategies(Preset::Classic, 1) {
            let trip = pair.trip(&*strategy);
            let name = strategy.name();
            // The classic schemes stay as they were described.
            let on_base = matches!(trip.recipe, Recipe::Fragments { base: Some(_), .. });
            assert_eq!(on_base, name == "rdo", "{name}");
        }
    }
}

#[test]
fn fragments_refine_the_base_one_by_one() {
    let pair = Pair::noise("layer.weight", Dtype::BF16, 0.1);
    let rdo = RdoEncoder::new(Quality::Cosine(0.9999)).fragments(3);
    let trip = pair.trip(&rdo);
    let reader = HctReader::open(&trip.file[..]).unwrap();
    let reader = reader.with_base(Arc::new(InMemory(pair.base.clone())));
    let tuned = floats_of(&pair.tuned, Dtype::BF16);
    let mut last = cosine(&tuned, &floats_of(&pair.base, Dtype::BF16));
    for k in 1..=3 {
        let part = reader.tensor(0).unwrap().fragments(k).decode().unwrap();
        let reached = cosine(&tuned, &floats_of(&part, Dtype::BF16));
        assert!(reached > last, "{k}: {reached} after {last}");
        last = reached;
    }
}

#[test]
fn an_unchanged_tensor_is_its_record_under_every_strategy() {
    let mut pair = Pair::noise("layers.8.mlp.up_proj.weight", Dtype::BF16, 0.1);
    pair.tuned = pair.base.clone();
    let mut all = strategies(Preset::Viable, 1);
    all.extend(strategies(Preset::Classic, 2));
    all.push(Box::new(LosslessEncoder));
    for strategy in all {
        let trip = pair.trip(&*strategy);
        assert!(
            matches!(trip.recipe, Recipe::Unchanged(_)),
            "{}",
            trip.label
        );
        // The record twice, of which once in a recovery block.
        assert!(trip.file.len() < 400 && trip.label.contains("unchanged"));
        assert!(trip.decoded == pair.base);
    }
}

#[test]
fn a_merged_adapter_is_found_by_its_rank() {
    let (left, right) = (Rng(3).normals(ROWS * 4), Rng(4).normals(4 * COLS));
    let mut moved = vec![0.0; ROWS * COLS];
    hct_core::add_product(&mut moved, &left, &right, 4, COLS);
    let merged = Pair::of("layer.weight", Dtype::F32, 0.1, moved);
    let rdo = RdoEncoder::new(Quality::Cosine(0.999)).delta_cosine(0.95);
    let trip = merged.trip(&rdo);
    assert!(trip.cosine >= 0.999 - 1e-9 && trip.delta_cosine >= 0.95 - 1e-9);
    let noise = Pair::noise("layer.weight", Dtype::F32, 0.1).trip(&rdo);
    assert!(3 * trip.file.len() < noise.file.len(), "{}", trip.label);
    for strategy in [
        Box::new(SvdEncoder::new(16).quality(Quality::Cosine(0.999))) as Box<dyn Strategy>,
        Box::new(HybridEncoder::new(16, 0.9).quality(Quality::Cosine(0.999))),
    ] {
        let trip = merged.trip(&*strategy);
        assert!(3 * trip.file.len() < noise.file.len(), "{}", trip.label);
        assert!(trip.delta_cosine >= 0.9 - 1e-9);
    }
}

#[test]
fn an_unrelated_base_is_left_alone() {
    let mut pair = Pair::noise("layer.weight", Dtype::BF16, 0.1);
    let other: Vec<f32> = Kind::HeavyTails.values(ROWS, COLS, 99);
    for scale in [0.02, 1.0, 1e30] {
        let values: Vec<f32> = other.iter().map(|v| scale * v).collect();
        pair.base = bytes_of(&values, Dtype::BF16);
        for strategy in [
            Box::new(RdoEncoder::new(Quality::Cosine(0.995))) as Box<dyn Strategy>,
            Box::new(AdaptiveEncoder::new(0.99)),
            Box::new(LosslessEncoder),
        ] {
            let trip = pair.trip(&*strategy);
            assert!(!trip.label.contains("base"), "{scale}: {}", trip.label);
            assert_eq!(trip.file.len(), pair.alone(&*strategy));
        }
    }
}

#[test]
fn what_is_not_finite_is_coded_alone_or_bit_by_bit() {
    let rdo = RdoEncoder::new(Quality::Cosine(0.995));
    for dtype in [Dtype::F32, Dtype::BF16] {
        let mut pair = Pair::noise("layer.weight", dtype, 0.1);
        let last = pair.base.len() - 2;
        // The exponent of the last element of the base: a NaN or an infinity.
        pair.base[last..].copy_from_slice(&[0xc0, 0x7f]);
        let trip = pair.trip(&rdo);
        assert!(matches!(trip.recipe, Recipe::Fragments { base: None, .. }));
        assert!(trip.cosine >= 0.995 && trip.file.len() == pair.alone(&rdo));
        // Nearly the same bits: the difference of bits wins.
        let mut near = pair.base.clone();
        near[..2].copy_from_slice(&[1, 2]);
        near[last..].copy_from_slice(&[0x20, 0x3d]);
        pair.tuned = near;
        let trip = pair.trip(&rdo);
        assert!(matches!(trip.recipe, Recipe::Delta(..)), "{}", trip.label);
        assert!(trip.decoded == pair.tuned && trip.file.len() < 1000);
        // A tensor that is not finite is the lossless encoder's.
        std::mem::swap(&mut pair.base, &mut pair.tuned);
        let trip = pair.trip(&LosslessEncoder);
        assert!(matches!(trip.recipe, Recipe::Delta(..)), "{}", trip.label);
        assert!(trip.decoded == pair.tuned);
    }
    // Finite values whose difference is not.
    let mut pair = Pair::noise("layer.weight", Dtype::F32, 0.1);
    pair.tuned[..4].copy_from_slice(&3e38f32.to_le_bytes());
    pair.base[..4].copy_from_slice(&(-3e38f32).to_le_bytes());
    let trip = pair.trip(&rdo);
    assert!(!matches!(
        trip.recipe,
        Recipe::Fragments { base: Some(_), .. }
    ));
    assert!(trip.file.len() <= pair.alone(&rdo) && trip.cosine >= 0.995);
}

#[test]
fn differences_in_signs_of_zeros_and_lowest_bits_come_back() {
    let mut pair = Pair::noise("layer.weight", Dtype::BF16, 0.1);
    pair.base[..2].copy_from_slice(&[0, 0]);
    pair.tuned = pair.base.clone();
    pair.tuned[..2].copy_from_slice(&[0, 0x80]);
    let rdo = RdoEncoder::new(Quality::Cosine(0.995));
    let trip = pair.trip(&rdo);
    assert!(matches!(trip.recipe, Recipe::Delta(..)), "{}", trip.label);
    assert!(trip.decoded == pair.tuned && trip.file.len() < 1000);
    // A few steps of the dtype's grid here and there: no coarser difference keeps them.
    for i in (0..pair.tuned.len()).step_by(2 * 331) {
        pair.tuned[i] ^= 1;
    }
    let trip = pair.trip(&rdo);
    assert!(
        trip.delta_cosine >= 0.9 && trip.file.len() < 1500,
        "{}",
        trip.label
    );
}

#[test]
fn lossless_takes_the_smaller_of_both() {
    for dtype in [Dtype::F32, Dtype::BF16, Dtype::F16] {
        for share in [0.001, 0.05, 3.0] {
            let pair = Pair::noise("layer.weight", dtype, share);
            let trip = pair.trip(&LosslessEncoder);
            assert!(trip.decoded == pair.tuned);
            assert!(trip.file.len() <= pair.alone(&LosslessEncoder));
            if share < 0.01 {
                assert!(matches!(trip.recipe, Recipe::Delta(..)), "{}", trip.label);
            }
        }
    }
}

#[test]
fn a_base_of_another_size_is_an_error() {
    let pair = Pair::noise("layer.weight", Dtype::BF16, 0.1);
    let old = old();
    let view = TensorView {
        meta: &pair.meta,
        bytes: &pair.tuned,
        base: Some(BaseView {
            tensor: &old,
            bytes: &pair.base[2..],
        }),
    };
    let rdo = RdoEncoder::new(Quality::Cosine(0.99));
    assert!(rdo.encode(view).is_err());
    assert!(LosslessEncoder.encode(view).is_err());
}

#[test]
fn threads_make_the_same_bytes() {
    let pair = Pair::noise("embed_tokens.weight", Dtype::BF16, 0.1);
    let rdo = RdoEncoder::new(Quality::Cosine(0.999)).effort(Effort::Default);
    let file = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| pair.trip(&rdo).file)
    };
    assert!(file(1) == file(5));
}
