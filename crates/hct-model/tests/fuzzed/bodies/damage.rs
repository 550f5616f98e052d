//! Files that are whole, of which all is known, and what bytes do to them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hct_core::Dtype;
use hct_model::{
    CompressOptions, HctModel, Safetensors, TensorInfo, TensorSource, encode, restore,
};
use hct_strategies::{LosslessEncoder, Plan, StrategyName, StrategySpec};

use super::PLAIN;
use super::round_trip::safetensors_of;

/// Damages that no checksum is made to fit. CRC-32 is no protection from who makes use of more.
const MOST_FOUND: usize = 4;
/// Those of others.
const MOST_HIDDEN: usize = 32;

/// A short file of joint numbers, put together by hand.
const JOINT: &[u8] = include_bytes!("../../../../../fuzz/seeds/hct/lossless_joint_short");

/// A file that is whole, and what it restores to.
pub struct Whole {
    pub file: Vec<u8>,
    /// Whether the writer of this crate put it together, which puts recovery blocks where it always does.
    pub ours: bool,
    /// Every tensor by its name.
    pub tensors: BTreeMap<String, Vec<u8>>,
    /// Every file that is carried, by its path: of those with tensors the header.
    pub carried: BTreeMap<String, Vec<u8>>,
    /// Every file of the checkpoint by its path; none where it is no complete one.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Whole {
    fn of(file: Vec<u8>) -> Whole {
        let ours = file != JOINT;
        let model = HctModel::new("whole", &file[..]).unwrap();
        let names = model.tensors().iter().enumerate();
        let tensors = names.map(|(i, t)| (t.name.clone(), model.read(i).unwrap().into_owned()));
        let tensors = tensors.collect();
        let carried = model.index().files.iter();
        let carried = carried.map(|f| (f.path.clone(), model.carried(f).unwrap()));
        let carried = carried.collect();
        let mut files = BTreeMap::new();
        if model.check_layout().is_ok() {
            restore(&model, &mut files, &()).unwrap();
        }
        Whole {
            file,
            ours,
            tensors,
            carried,
            files,
        }
    }
}

/// Recipes of all kinds, most in several tiles, and checkpoints of several files.
pub static WHOLE: LazyLock<Vec<Whole>> = LazyLock::new(|| {
    macro_rules! shown {
        ($($name:literal)+) => {
            [$(&include_bytes!(concat!("../../../../hct-core/tests/vectors/", $name, ".hct"))[..]),+]
        };
    }
    let shown = shown!(
        "blocks_two_tiles" "columns8_means_tiles" "columns_sum" "files" "half_keep_0.5"
        "int8_keep_0.05" "lossless_dtypes" "product" "sum_of_two"
        "trellis8_dct2_tiles" "trellis8_pieces"
    );
    let mut files: Vec<Vec<u8>> = shown.iter().map(|file| file.to_vec()).collect();
    files.push(JOINT.to_vec());
    files.push(lossless());
    for name in [StrategyName::Uniform, StrategyName::Rdo, StrategyName::Svd] {
        files.push(lossy(name));
    }
    files.into_iter().map(Whole::of).collect()
});

/// A file of matrices of 64 rows.
fn shard(tensors: &[(&str, u64)], seed: u64) -> Vec<u8> {
    let infos = tensors.iter().map(|&(name, columns)| TensorInfo {
        name: name.into(),
        dtype: Dtype::F32,
        shape: vec![64, columns],
    });
    let infos: Vec<_> = infos.collect();
    let mut state = seed;
    let values = tensors.iter().map(|(_, columns)| 64 * columns).sum();
    let values = (0..values).flat_map(|_: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 40) as f32 / (1 << 24) as f32 - 0.5).to_le_bytes()
    });
    safetensors_of(&infos, &values.collect::<Vec<u8>>())
}

/// Two files of matrices, with hashes, side files and several recovery blocks.
fn lossless() -> Vec<u8> {
    let one = shard(&[("a", 300), ("b", 20)], 1);
    let two = shard(&[("c", 300), ("d", 5)], 2);
    let source = Safetensors::new("whole", [("1.safetensors", one), ("2.safetensors", two)]);
    let source = { source.unwrap() }
        .with_side_file("config.json", b"{\"a\": [1, 2, 3]}".to_vec())
        .unwrap();
    let options = CompressOptions {
        hashes: true,
        provenance: Some("{\"made\":\"by a test\"}"),
        ..PLAIN
    };
    encode(&source, Vec::new(), &LosslessEncoder, options, &())
        .unwrap()
        .0
}

/// A file of three matrices.
fn lossy(name: StrategyName) -> Vec<u8> {
    let names = ["up", "gate", "down"].map(|n| format!("model.layers.0.mlp.{n}_proj.weight"));
    let file = shard(&[(&names[0], 40), (&names[1], 64), (&names[2], 33)], 3);
    let source = Safetensors::new("whole", [("m.safetensors", &file[..])]).unwrap();
    let spec = StrategySpec::builder(name).finish().unwrap();
    let Ok(Plan::Strategy(strategy)) = spec.plan([], None) else {
        panic!("{name:?} takes more than a matrix");
    };
    encode(&source, Vec::new(), &*strategy, PLAIN, &())
        .unwrap()
        .0
}

/// A file that bytes have damaged.
pub struct Damaged {
    pub of: &'static Whole,
    pub file: Vec<u8>,
    /// Whether checksums are to be made to fit; nothing is known of what decodes then.
    pub hidden: bool,
    /// Whether something is in the place of what is written.
    pub replaces: bool,
}

impl Damaged {
    /// Which file, how, and damages of six bytes each: what, where in four, and a value.
    pub fn of(data: &[u8]) -> Option<Damaged> {
        let ([which, how], damages) = data.split_first_chunk()?;
        let of = &WHOLE[usize::from(*which) % WHOLE.len()];
        let hidden = how & 1 == 1;
        let most = if hidden { MOST_HIDDEN } else { MOST_FOUND };
        let mut file = of.file.clone();
        for damage in damages.as_chunks::<6>().0.iter().take(most) {
            let [what, a, b, c, d, value] = *damage;
            let place = u32::from_le_bytes([a, b, c, d]) as usize;
            if file.is_empty() {
                break;
            }
            let at = place % file.len();
            match what % 8 {
                0 => file.truncate(at),
                1 => file.insert(at, value),
                2 => drop(file.remove(at)),
                3 => {
                    let run = at..file.len().min(at + usize::from(value));
                    file[run].fill(0);
                }
                4 | 5 => file[at] = value,
                _ => file[at] ^= value,
            }
        }
        Some(Damaged {
            of,
            file,
            hidden,
            replaces: how & 2 == 2,
        })
    }
}
