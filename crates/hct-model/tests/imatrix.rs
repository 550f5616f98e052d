//! Importance matrices of llama.cpp, written here as it writes them.

use hct_model::{Error, Imatrix};
use hct_strategies::{Calibration, Moments};

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

struct Tensor<'a> {
    name: &'a str,
    shape: &'a [u64],
    values: &'a [f32],
}

/// A GGUF file of this `general.type` and these tensors.
fn gguf(kind: &str, tensors: &[Tensor]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend(4u64.to_le_bytes());
    text(&mut out, "general.type");
    out.extend(8u32.to_le_bytes());
    text(&mut out, kind);
    text(&mut out, "imatrix.datasets");
    out.extend(9u32.to_le_bytes());
    out.extend(8u32.to_le_bytes());
    out.extend(1u64.to_le_bytes());
    text(&mut out, "some text.txt");
    text(&mut out, "imatrix.chunk_size");
    out.extend(4u32.to_le_bytes());
    out.extend(512u32.to_le_bytes());
    text(&mut out, "general.alignment");
    out.extend(4u32.to_le_bytes());
    out.extend(64u32.to_le_bytes());
    let mut data = Vec::new();
    for Tensor {
        name,
        shape,
        values,
    } in tensors
    {
        text(&mut out, name);
        out.extend((shape.len() as u32).to_le_bytes());
        out.extend(shape.iter().flat_map(|n| n.to_le_bytes()));
        out.extend(0u32.to_le_bytes());
        out.extend((data.len() as u64).to_le_bytes());
        data.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        data.resize(data.len().next_multiple_of(64), 0);
    }
    out.resize(out.len().next_multiple_of(64), 0);
    out.extend(data);
    out
}

fn two_tensors() -> Vec<u8> {
    let tensor = |name, shape, values| Tensor {
        name,
        shape,
        values,
    };
    gguf(
        "imatrix",
        &[
            tensor("blk.1.attn_q.weight.in_sum2", &[3, 1], &[8.0, 0.0, 2.0]),
            tensor("blk.1.attn_q.weight.counts", &[1, 1], &[4.0]),
            tensor("blk.0.ffn_down.weight.in_sum2", &[2, 2], &[1.0; 4]),
            tensor("blk.0.ffn_down.weight.counts", &[1, 2], &[4.0; 2]),
        ],
    )
}

fn legacy(entries: &[(&str, i32, &[f32])]) -> Vec<u8> {
    let mut out = (entries.len() as i32).to_le_bytes().to_vec();
    for (name, calls, values) in entries {
        out.extend((name.len() as i32).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(calls.to_le_bytes());
        out.extend((values.len() as i32).to_le_bytes());
        out.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    }
    out.extend(7i32.to_le_bytes());
    out.extend(4i32.to_le_bytes());
    out.extend(b"text");
    out
}

fn open(bytes: &[u8]) -> Result<Imatrix, Error> {
    Imatrix::new("x", &bytes)
}

fn squares(imatrix: &Imatrix, name: &str) -> Option<Vec<f32>> {
    let statistics = imatrix.statistics(name).unwrap()?;
    assert_eq!((&statistics.rows, &statistics.weighted), (&None, &None));
    match statistics.inputs {
        Moments::Diagonal(squares) => Some(squares),
        Moments::Full(_) => panic!("an imatrix has no matrices"),
    }
}

#[test]
fn gguf_files_give_means_of_squares() {
    let imatrix = open(&two_tensors()).unwrap();
    let name = "model.layers.1.self_attn.q_proj.weight";
    assert_eq!(squares(&imatrix, name).unwrap(), [2.0, 0.0, 0.5]);
    assert_eq!(imatrix.statistics(name).unwrap().unwrap().tokens, 4);
    assert_eq!(
        squares(&imatrix, "model.layers.0.self_attn.q_proj.weight"),
        None
    );
    // Of two matrices, which are not told apart here.
    assert_eq!(
        squares(&imatrix, "model.layers.0.mlp.down_proj.weight"),
        None
    );
}

#[test]
fn older_files_give_means_of_squares() {
    let bytes = legacy(&[
        ("blk.0.ffn_up.weight", 4, &[8.0, 2.0]),
        ("output.weight", 1, &[3.0]),
    ]);
    let imatrix = open(&bytes).unwrap();
    assert_eq!(
        squares(&imatrix, "model.layers.0.mlp.up_proj.weight").unwrap(),
        [2.0, 0.5]
    );
    assert_eq!(squares(&imatrix, "lm_head.weight").unwrap(), [3.0]);
}

#[test]
fn files_that_are_cut_or_lie_are_refused() {
    let whole = two_tensors();
    // The last tensor is not needed whole, nor is what fills up after it.
    let needed = whole.len() - 4 * 64;
    for len in 0..needed {
        assert!(open(&whole[..len]).is_err(), "cut to {len}");
    }
    let old = legacy(&[("blk.0.ffn_up.weight", 4, &[8.0, 2.0])]);
    for len in 0..old.len() - 12 {
        assert!(open(&old[..len]).is_err(), "cut to {len}");
    }
    assert!(open(&gguf("model", &[])).is_err());
    assert!(open(&gguf("imatrix", &[])).is_err());
    fn tensor<'a>(name: &'a str, values: &'a [f32]) -> Tensor<'a> {
        Tensor {
            name,
            shape: &[1, 1],
            values,
        }
    }
    let sums = |sum: f32| {
        let sum = [sum];
        gguf(
            "imatrix",
            &[tensor("a.in_sum2", &sum), tensor("a.counts", &[1.0])],
        )
    };
    assert!(open(&sums(1.0)).is_ok());
    for sum in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(open(&sums(sum)).is_err(), "{sum}");
    }
    assert!(open(&gguf("imatrix", &[tensor("a.in_sum2", &[1.0])])).is_err());
    let twice = [("a", 1, &[1.0f32][..]), ("a", 1, &[1.0])];
    assert!(open(&legacy(&twice)).is_err());
    assert!(open(&legacy(&[("a", -1, &[1.0])])).is_err());
    // Lengths that no file has.
    let huge = Tensor {
        name: "a.in_sum2",
        shape: &[u64::MAX, 1],
        values: &[],
    };
    assert!(open(&gguf("imatrix", &[huge, tensor("a.counts", &[1.0])])).is_err());
    let mut wrong = whole.clone();
    wrong[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(open(&wrong).is_err());
}
