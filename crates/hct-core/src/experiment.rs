use crate::*;
use std::time::Instant;
fn load(path: &str) -> Vec<(String, Dtype, Vec<u64>, Vec<u8>)> {
    let b = std::fs::read(path).unwrap();
    let n = u64::from_le_bytes(b[..8].try_into().unwrap()) as usize;
    let h = String::from_utf8(b[8..8 + n].to_vec()).unwrap();
    let mut out = vec![];
    for part in h.split("},").collect::<Vec<_>>() {
        let Some(d) = part.find("\"dtype\"") else {
            continue;
        };
        let name = part[..d]
            .trim_matches(|c| "{}\":, ".contains(c))
            .to_string();
        let g = |k: &str| {
            let i = part.find(k).unwrap();
            let s = &part[i + k.len()..];
            let a = s.find('[').unwrap();
            let e = s.find(']').unwrap();
            s[a + 1..e]
                .split(',')
                .filter(|x| !x.is_empty())
                .map(|x| x.trim().parse::<u64>().unwrap())
                .collect::<Vec<_>>()
        };
        let dt = {
            let s = &part[d + 8..];
            let a = s.find('"').unwrap();
            let e = s[a + 1..].find('"').unwrap();
            s[a + 1..a + 1 + e].to_string()
        };
        let o = g("\"data_offsets\"");
        out.push((
            name,
            Dtype::from_name(&dt).unwrap(),
            g("\"shape\""),
            b[8 + n + o[0] as usize..8 + n + o[1] as usize].to_vec(),
        ));
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}
#[test]
fn real() {
    let path = std::env::var("ST").unwrap();
    let states: usize = std::env::var("S").map_or(8, |s| s.parse().unwrap());
    let classes: usize = std::env::var("C").map_or(16, |s| s.parse().unwrap());
    let filter = std::env::var("F").unwrap_or_default();
    let target: f64 = std::env::var("D").map_or(1.0 - 0.991f64.powi(2), |s| s.parse().unwrap());
    let tr = match std::env::var("T").as_deref() {
        Ok("dct2") => Transform::Dct2,
        Ok("cols") => Transform::DctCols,
        Ok("rows") => Transform::DctRows,
        _ => Transform::None,
    };
    let means = std::env::var("M").is_ok();
    let (mut tb, mut tn, mut te) = (0, 0, 0.0);
    for (name, dt, shape, bytes) in load(&path) {
        if shape.len() < 2 || !name.contains(&filter) || !dt.is_codable() {
            continue;
        }
        let (r, c) = fold(&shape).unwrap();
        let m = MatrixView::from_bytes(&bytes, dt, r, c).unwrap();
        let t0 = Instant::now();
        let mut st = TrellisSettings::new(states);
        st.max_classes = classes;
        if let Ok(l) = std::env::var("L") {
            st.lambda = Some(l.parse().unwrap())
        };
        if let Ok(l) = std::env::var("P") {
            st.passes = l.parse().unwrap()
        }
        let a = TrellisAnalysis::new(
            m,
            Preparation {
                transform: tr,
                whole: false,
                remove_means: means,
                tile: DEFAULT_TILE,
            },
            st,
        )
        .unwrap();
        let t1 = t0.elapsed().as_secs_f64();
        let mut vals = vec![0f32; m.len()];
        m.read(0, &mut vals);
        let e: f64 = vals.iter().map(|&v| (v as f64).powi(2)).sum::<f64>() / m.len() as f64;
        let mut step = (target * e * 6.0).sqrt() as f32;
        for _ in 0..3 {
            let est = a.estimate(step, 1 << 16);
            step *= (target * e / est.distortion).sqrt() as f32;
        }
        let t2 = t0.elapsed().as_secs_f64();
        let p = a.encode(step).unwrap();
        let t3 = t0.elapsed().as_secs_f64();
        let back = p.decode().unwrap();
        let t4 = t0.elapsed().as_secs_f64();
        let err: f64 = vals
            .iter()
            .zip(&back)
            .map(|(a, b)| ((a - b) as f64).powi(2))
            .sum();
        let rel = err / m.len() as f64 / e;
        let n = m.len();
        let bpw = p.payload_bytes() as f64 * 8.0 / n as f64;
        tb += p.payload_bytes();
        tn += n;
        te += err / m.len() as f64 / e * n as f64;
        if n > 10_000_000
            || name.contains(".0.")
            || name.contains("layers.15")
            || !filter.is_empty()
            || name.contains("embed")
        {
            println!(
                "{name} {r}x{c} bpw {bpw:.4} rel {rel:.5} (sse ratio {:.6}) gap {:.4} common {:.4} | {:.1} {:.1} {:.1} {:.1} M/s an/est/enc/dec",
                p.squared_error() / err,
                bpw - 0.5 * (1.0 / rel).log2(),
                p.common.len() as f64 * 8.0 / n as f64,
                n as f64 / t1 / 1e6,
                n as f64 / (t2 - t1) / 1e6,
                n as f64 / (t3 - t2) / 1e6,
                n as f64 / (t4 - t3) / 1e6
            );
        }
    }
    println!(
        "TOTAL {} bpw {:.4} mean rel {:.5} ADJ {:.4}",
        tn,
        tb as f64 * 8.0 / tn as f64,
        te / tn as f64,
        tb as f64 * 8.0 / tn as f64 + 0.5 * (te / tn as f64 / target).log2()
    );
}
mod tcq {
    use crate::quant::trellis::{Trellis, contexts::*, encode::*};
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
    pub fn gap(
        t: Trellis,
        v: &[f32],
        step: f32,
        lambda: f32,
        passes: usize,
        zero: bool,
    ) -> (f64, f64) {
        let q = t.quantizers();
        let classes = vec![0u8; v.len()];
        let tile = TileValues {
            values: v,
            classes: &classes,
        };
        let mut stats = Statistics::new(q);
        for &x in v {
            let a = x.abs() / step;
            stats.add(0, (a / 2.0).round() as usize, 0.0);
            let m = (a / 2.0) as usize + 1;
            stats.add(1, if zero && a < 0.5 { 0 } else { m }, 0.0);
        }
        let mut ctx = Contexts::from_statistics(&stats, q);
        let mut idx = vec![];
        for _ in 0..passes {
            let costs = ctx.costs(lambda);
            idx = quantize(t, 32, step, lambda, &costs, &tile);
            stats = Statistics::new(q);
            collect(t, 32, step, &tile, &idx, &mut stats);
            ctx = Contexts::from_statistics(&stats, q);
        }
        let d = squared_error(t, 32, step, &ctx, &tile, &idx) / v.len() as f64;
        let e: f64 = v.iter().map(|&x| (x as f64).powi(2)).sum::<f64>() / v.len() as f64;
        let bits: f64 = ctx
            .tables
            .iter()
            .zip(&stats.counts)
            .enumerate()
            .map(|(c, (table, counts))| {
                counts
                    .iter()
                    .enumerate()
                    .filter(|&(_, &k)| k > 0)
                    .map(|(m, &k)| k as f64 * f64::from(table.cost(2 * ctx.coded_magnitude(c, m))))
                    .sum::<f64>()
            })
            .sum();
        let r = bits / v.len() as f64;
        (r, r - 0.5 * (e / d).log2())
    }
    #[test]
    fn machine() {
        let v = gauss(1 << 20);
        for states in [8usize] {
            let t = Trellis::new(states).unwrap();
            for s in [0.18f32, 0.27, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0] {
                for l in [0.2, 0.3, 0.4, 0.5] {
                    for p in [1, 2, 3, 5] {
                        for z in [false, true] {
                            let (r, g) = gap(t, &v, s, l, p, z);
                            print!("[{p} {} {r:.4} {g:.4}] ", z as u8);
                        }
                    }
                    println!("S={states} {s} {l}");
                }
                if false {
                    let (p, r, g, l) = (0, 0, 0, 0);
                    println!("S={states} {s} {l} p{p}: {r:.4} {g:.4}");
                }
            }
        }
    }
}
