//! What a failed decode leaves is never handed out, and what is handed out is what was coded.

mod written;

use std::ops::Range;

use hct_core::ReadAt;
use hct_model::{GgufType, HctModel, TensorSource};

use super::damage::{Damaged, Whole};
use super::repair::repaired;
pub use written::folder;

/// A damaged file, read and written in every way. Where no checksum was made to fit, all that is handed
/// out is as it was; where they were, every way gives the same, whatever was in the memory before.
pub fn handed_out(data: &[u8]) {
    let Some(Damaged {
        of,
        file,
        hidden,
        replaces,
    }) = Damaged::of(data)
    else {
        return;
    };
    let (model, original) = match hidden {
        true => (repaired(&file), None),
        false => (HctModel::new("damaged", file).ok(), Some(of)),
    };
    let Some(model) = model else {
        return;
    };
    for number in 0..model.tensors().len() {
        read(&model, number, original);
    }
    written::written(&model, original, replaces);
}

/// Tensor `number` in whole and in rows.
fn read<R: ReadAt>(model: &HctModel<R>, number: usize, original: Option<&Whole>) {
    let info = &model.tensors()[number];
    let original = original.map(|whole| &whole.tensors[&info.name][..]);
    let whole = model.read(number).ok();
    assert!(whole.is_none() || original.is_none_or(|o| whole.as_deref() == Some(o)));
    let rows = info.shape.first().copied().unwrap_or(1);
    let parts = [
        0..rows,
        0..rows.min(1),
        rows / 3..rows - rows / 3,
        rows..rows,
    ];
    for part in parts {
        let read = part_of(model, number, part.clone());
        let row = |bytes: &[u8]| {
            let row = bytes.len() / rows.max(1) as usize;
            bytes[part.start as usize * row..part.end as usize * row].to_vec()
        };
        match (&read, original, &whole) {
            (Some(read), Some(original), _) => assert!(*read == row(original), "{}", info.name),
            // What is whole has all of its parts, but for those that are not whole bytes.
            (Some(read), None, Some(whole)) => assert!(*read == row(whole), "{}", info.name),
            (None, _, Some(_)) => assert!(info.dtype.bits() < 8, "{}", info.name),
            _ => {}
        }
    }
}

/// These rows, if they decode: the same into new memory, into used memory, and as numbers.
fn part_of<R: ReadAt>(model: &HctModel<R>, number: usize, rows: Range<u64>) -> Option<Vec<u8>> {
    let part = model.tensor(number).ok()?.rows(rows).ok()?;
    let new = part.decode().ok();
    let len = part.byte_len() as usize;
    for before in [0x55, 0xaa] {
        let mut used = vec![before; len];
        let read = part.decode_into(&mut used).is_ok();
        assert!(new.as_deref() == read.then_some(&used[..]));
    }
    // A wrong length is not written to at all.
    let mut long = vec![0x55; len + 1];
    assert!(part.decode_into(&mut long).is_err() && long.iter().all(|&b| b == 0x55));

    let dtype = model.tensors()[number].dtype;
    for before in [f32::NAN, 1.0] {
        let mut values = vec![before; part.elements() as usize];
        if part.decode_f32(&mut values).is_err() {
            assert!(new.is_none() || !dtype.is_codable());
            continue;
        }
        let same = GgufType::Plain(dtype)
            .dequantize(new.as_ref().unwrap())
            .unwrap();
        let same = values.iter().zip(&same).all(|(a, b)| {
            let nan = a.is_nan() && b.is_nan();
            nan || a.to_bits() == b.to_bits()
        });
        assert!(same, "other numbers than bytes");
    }
    new
}
