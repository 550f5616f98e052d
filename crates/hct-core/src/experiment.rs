use crate::quant::trellis::{Trellis, contexts::*, decode, encode::*};
use crate::scale_model::*;
pub fn gauss(n: usize) -> Vec<f32> {
    let mut s = 0x9E3779B97F4A7C15u64;
    let mut u = || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        (s >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n)
        .map(|_| {
            let (a, b) = (u().max(1e-300), u());
            ((-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()) as f32
        })
        .collect()
}
#[test]
fn gaps() {
    let v = gauss(1 << 20);
    let classes = vec![0u8; v.len()];
    for states in [8usize, 32] {
        let t = Trellis::new(states).unwrap();
        let q = t.quantizers();
        for (step, lambda) in [
            (0.19f32, 0.2f32),
            (0.19, 0.3),
            (0.19, 0.4),
            (0.185, 0.5),
            (0.3, 0.2),
            (0.29, 0.3),
            (0.28, 0.4),
            (0.55, 0.2),
            (0.55, 0.25),
            (0.53, 0.3),
            (0.51, 0.4),
            (0.75, 0.1),
            (0.75, 0.15),
            (0.75, 0.2),
            (0.72, 0.3),
            (0.7, 0.4),
            (1.0, 0.1),
            (1.0, 0.15),
            (1.0, 0.2),
            (1.0, 0.3),
        ] {
            let (step, lambda) = if states == 1 {
                (step * 0.85, 0.4)
            } else {
                (step, lambda)
            };
            let tile = TileValues {
                values: &v,
                classes: &classes,
            };
            // initial: laplace guess
            let mut stats = Statistics::new(q);
            for c in 0..q {
                for m in 0..100 {
                    stats.counts[c][m] =
                        (1e6 * (-(m as f64) * 2.0 * step as f64 * 1.2).exp()) as u64;
                }
            }
            let mut ctx = Contexts::from_statistics(&stats, q);
            let mut idx = vec![];
            let t0 = std::time::Instant::now();
            for _ in 0..6 {
                let costs = ctx.costs(lambda);
                idx = quantize(t, 32, step, lambda, &costs, &tile);
                let mut stats = Statistics::new(q);
                collect(t, 32, step, &tile, &idx, &mut stats);
                ctx = Contexts::from_statistics(&stats, q);
            }
            let el = t0.elapsed().as_secs_f64() / 6.0;
            let d = squared_error(t, 32, step, &ctx, &tile, &idx) / v.len() as f64;
            let e: f64 = v.iter().map(|&x| (x as f64).powi(2)).sum::<f64>() / v.len() as f64;
            let t1 = std::time::Instant::now();
            let coded = code(t, 32, &ctx, &classes, &idx);
            let el2 = t1.elapsed().as_secs_f64();
            let tables = decode::Tables::new(t, step, &ctx);
            let mut out = vec![0f32; v.len()];
            let t2 = std::time::Instant::now();
            decode::decode(
                &tables,
                32,
                &classes,
                &coded.stream,
                &coded.patches,
                &mut out,
            )
            .unwrap();
            let el3 = t2.elapsed().as_secs_f64();
            let d2: f64 = v
                .iter()
                .zip(&out)
                .map(|(&a, &b)| ((a - b) as f64).powi(2))
                .sum::<f64>()
                / v.len() as f64;
            let mut enc = crate::entropy::binary::Encoder::new();
            ctx.write(&mut enc);
            let tb = enc.finish().len();
            let bpw = (coded.stream.len() + coded.patches.len() + tb) as f64 * 8.0 / v.len() as f64;
            println!(
                "S={states} step={step} lam={lambda} bpw {bpw:.4} gap {:.4} D {d:.6} {d2:.6} tables {tb} patches {} | {:.1} M/s quant {:.1} M/s code {:.1} M/s decode",
                bpw - 0.5 * (e / d).log2(),
                coded.patches.len(),
                v.len() as f64 / el / 1e6,
                v.len() as f64 / el2 / 1e6,
                v.len() as f64 / el3 / 1e6
            );
        }
    }
}
