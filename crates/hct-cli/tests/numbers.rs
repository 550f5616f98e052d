//! `hct diff` against the same numbers worked out here, from the decompressed file.

mod common;

use std::fs;

use common::{copy_sample, succeed};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tempfile::TempDir;

fn f16(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        e => (1024.0 + mantissa) * 2f64.powi(e - 25),
    };
    if bits >> 15 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

fn values(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let view = file.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F16);
    let pairs = view.data().chunks_exact(2);
    pairs
        .map(|b| f16(u16::from_le_bytes([b[0], b[1]])))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

fn rel_mse(a: &[f64], b: &[f64]) -> f64 {
    let err: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    dot(&err, &err) / dot(a, a)
}

fn close(found: &Value, wanted: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found - wanted).abs() <= 1e-10 * wanted.abs().max(1e-3),
        "{found} is not {wanted}"
    );
}

/// Rows of both, less the mean row of A.
fn centred_cosines(a: &[f64], b: &[f64], cols: usize) -> Vec<f64> {
    let rows = a.len() / cols;
    let mean: Vec<f64> = (0..cols)
        .map(|c| a.iter().skip(c).step_by(cols).sum::<f64>() / rows as f64)
        .collect();
    let less = |row: &[f64]| -> Vec<f64> { row.iter().zip(&mean).map(|(x, m)| x - m).collect() };
    let mut out: Vec<f64> = a
        .chunks(cols)
        .zip(b.chunks(cols))
        .map(|(a, b)| cosine(&less(a), &less(b)))
        .collect();
    out.sort_by(f64::total_cmp);
    out
}

#[test]
fn diff_is_right_about_the_sample() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    succeed(
        dir,
        "compress sample.safetensors -o s.hct --strategy uniform --retention 0.7",
    );
    succeed(dir, "decompress s.hct -o back.safetensors");
    let info = succeed(dir, "info s.hct --json").json();
    let diff = succeed(dir, "diff sample.safetensors s.hct --json").json();
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    let (bytes_a, bytes_b) = (read("sample.safetensors"), read("back.safetensors"));
    let a = SafeTensors::deserialize(&bytes_a).unwrap();
    let b = SafeTensors::deserialize(&bytes_b).unwrap();

    let (mut all_a, mut all_b) = (vec![], vec![]);
    let (mut matrices_a, mut matrices_b, mut matrix_bytes) = (vec![], vec![], 0);
    let tensors = diff["tensors"].as_array().unwrap();
    assert_eq!(tensors.len(), a.len());
    for (tensor, record) in tensors.iter().zip(info["tensors"].as_array().unwrap()) {
        let name = tensor["name"].as_str().unwrap();
        assert_eq!(record["name"], name);
        let shape = a.tensor(name).unwrap().shape().to_vec();
        let (x, y) = (values(&a, name), values(&b, name));
        close(&tensor["cosine"], cosine(&x, &y));
        close(&tensor["rel_mse"], rel_mse(&x, &y));
        let worst = x.iter().zip(&y).map(|(x, y)| (x - y).abs());
        close(&tensor["max_abs_err"], worst.fold(0.0, f64::max));
        let cols = shape[shape.len() - 1];
        let rows = x.chunks(cols).zip(y.chunks(cols));
        let rows = rows.map(|(x, y)| cosine(x, y));
        close(&tensor["min_row_cosine"], rows.fold(2.0, f64::min));
        let bpw = record["bytes"].as_f64().unwrap() * 8.0 / x.len() as f64;
        close(&tensor["bits_per_weight"], bpw);
        if shape.len() == 2 {
            let rows = centred_cosines(&x, &y, cols);
            let quantile = |q: f64| {
                let at = q * (rows.len() - 1) as f64;
                let (i, part) = (at as usize, at.fract());
                rows[i] * (1.0 - part) + rows[(i + 1).min(rows.len() - 1)] * part
            };
            close(&tensor["median_row_cosine"], quantile(0.5));
            close(&tensor["p1_row_cosine"], quantile(0.01));
            let gap = bpw - 0.5 * (1.0 / rel_mse(&x, &y)).log2();
            close(&tensor["shannon_gap"], gap);
            matrix_bytes += record["bytes"].as_u64().unwrap();
            matrices_a.extend_from_slice(&x);
            matrices_b.extend_from_slice(&y);
        } else {
            assert_eq!(tensor["median_row_cosine"], Value::Null);
            assert_eq!(tensor["shannon_gap"], Value::Null);
        }
        all_a.extend(x);
        all_b.extend(y);
    }
    let file = fs::metadata(dir.join("s.hct")).unwrap().len() as f64;
    for (summary, a, b, bytes) in [
        (&diff["total"], all_a, all_b, file),
        (
            &diff["matrices"],
            matrices_a,
            matrices_b,
            matrix_bytes as f64,
        ),
    ] {
        let n = a.len() as f64;
        assert_eq!(summary["elements"], a.len());
        close(&summary["cosine"], cosine(&a, &b));
        close(&summary["rel_mse"], rel_mse(&a, &b));
        close(&summary["bits_per_weight"], 8.0 * bytes / n);
        let gap = 8.0 * bytes / n + 0.5 * rel_mse(&a, &b).log2();
        close(&summary["shannon_gap"], gap);
    }
}
