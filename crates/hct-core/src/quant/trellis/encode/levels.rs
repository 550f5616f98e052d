//! Search, entropy coding and decoding at every SIMD level, with every machine and lane count.

use super::distortion::Points;
use super::tile::{TileCoder, TileValues};
use crate::kernels::trellis::Machine;
use crate::kernels::viterbi::Rates;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::decode::{self, Tables};
use crate::quant::trellis::tile::Tile;
use crate::simd::same_at_every_level;
use crate::simd::tests::generate::{Kind, Rng};

/// Search, entropy coding and decoding of one tile in the given lanes.
fn tile(coder: TileCoder, values: &[f32], classes: &[u8], contexts: usize) -> Vec<u8> {
    // Rates of a rough geometric distribution, other ones in every context.
    let rate = |c: usize, m: usize| 0.2 * (1.0 + (c % 7) as f32) * m.min(40) as f32;
    let rows = (0..contexts).map(|c| std::array::from_fn(|m| rate(c, m)));
    let rates = Rates::new(rows.collect());
    let tile = TileValues { values, classes };
    let quantized = coder.quantize(&rates, &tile);
    let stats = coder.statistics(values, &quantized, contexts);
    let fitted = Contexts::from_statistics(&stats, coder.trellis.quantizers);
    let (mut errors, of) = (
        Vec::new(),
        (&quantized.indices[..], &quantized.contexts[..]),
    );
    Points::new(&coder, &fitted).squared_errors(values, of, (16, &[]), &mut errors);
    let coded = coder.code(&fitted, &quantized);
    let tables = Tables::new(coder.trellis, coder.step, &fitted);
    let mut out = vec![0.0; values.len()];
    let tile = Tile {
        cols: values.len(),
        classes: classes.to_vec(),
        gains: Vec::new(),
        column_order: false,
        patches: Vec::new(),
        symbols: &coded.stream,
    };
    decode::decode(&tables, coder.lanes, &tile, &[], &mut out).expect("what was encoded");
    let mut all: Vec<u8> = [coded.stream, coded.patches, quantized.contexts].concat();
    let indices = quantized.indices.iter().flat_map(|i| i.to_le_bytes());
    all.extend(indices);
    all.extend(out.iter().flat_map(|v| v.to_le_bytes()));
    all.extend(errors.iter().flat_map(|v| v.to_le_bytes()));
    all
}

#[test]
fn tiles_of_every_machine_and_lane_count_are_the_same() {
    let mut rng = Rng(9);
    for states in [1, 4, 8, 16, 32, 64, 128, 256, 512] {
        let trellis = Machine::of(states).expect("a machine");
        for lanes in [8, 32] {
            // Fewer values than lanes, whole steps, ragged last steps, a renormalized search.
            for (n, classes) in [(1, 1), (7, 3), (32, 3), (33, 32), (500, 1), (4099, 20)] {
                let values = Kind::HeavyTails.values(1, n, rng.next());
                let count = classes * trellis.quantizers;
                let classes: Vec<u8> = (0..n).map(|_| rng.below(classes) as u8).collect();
                for step in [0.6, 0.002] {
                    let coder = TileCoder {
                        trellis,
                        lanes,
                        step,
                    };
                    same_at_every_level(|| tile(coder, &values, &classes, count));
                }
            }
        }
    }
}
