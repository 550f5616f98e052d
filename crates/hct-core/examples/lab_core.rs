//! lab
use hct_core::*;
fn main() {
    let (rows, cols): (usize, usize) = (std::env::args().nth(1).unwrap().parse().unwrap(), std::env::args().nth(2).unwrap().parse().unwrap());
    let mut s = 1u64;
    let mut u = || { s ^= s << 13; s ^= s >> 7; s ^= s << 17; (s >> 11) as f64 / (1u64 << 53) as f64 };
    let n = rows * cols;
    let w: Vec<f32> = (0..n).map(|_| ((-2.0 * u().max(1e-300).ln()).sqrt() * (6.283185307 * u()).cos()) as f32).collect();
    let zeros = vec![0.0; cols * cols];
    let gains = vec![0; cols];
    for step in [0.1f32, 0.3, 0.5, 0.8, 1.1] {
        let m = MatrixView::from_values(&w, rows, cols).unwrap();
        let settings = TrellisSettings { lambda: Some(0.4), ..TrellisSettings::new(8) };
        let a = TrellisAnalysis::new(m, Preparation::tiled(Transform::None), settings).unwrap();
        let t = std::time::Instant::now();
        let tr = a.train(step, 1 << 18);
        let p = a.encode(step, &tr).unwrap();
        let t1 = t.elapsed().as_secs_f64();
        let f = ErrorFeedback { coefficients: &zeros, column_gains: &gains, row_gains: &[] };
        let t = std::time::Instant::now();
        let b = FeedbackAnalysis::new(m, Dtype::F32, f, settings).unwrap();
        let tr = b.train(step).unwrap();
        let q = b.encode(step, &tr).unwrap();
        let t2 = t.elapsed().as_secs_f64();
        let gap = |p: &EncodedPlane| { let d = p.squared_error() / n as f64; let r = p.payload_bytes() as f64 * 8.0 / n as f64; (r, d, r + 0.5 * d.log2()) };
        println!("step {step} trellis {:?} {t1:.2}s feedback {:?} {t2:.2}s", gap(&p), gap(&q.plane));
    }
}
