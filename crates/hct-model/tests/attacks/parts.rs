//! Parts of a checkpoint that lie; that they do not belong together is in `tests/parts.rs`.

use hct_core::Limited;
use hct_model::{HctModel, merge};

use crate::bombs::limit;
use crate::made::{Made, U8, ZERO_BYTES};

/// A part with the header of a file of a tensor, which is in it, or not.
fn part(header: &str, unpacked: u64, with_tensor: bool) -> HctModel<Vec<u8>> {
    let mut made = Made::new();
    let at = made.stored(header.as_bytes());
    made.carried_at(0, "m.safetensors", 0, unpacked, &at);
    if with_tensor {
        let mut recipe = vec![0];
        crate::made::varint(&mut recipe, 1 << 24);
        crate::made::chunk(&mut recipe, ZERO_BYTES);
        made.tensor("a", U8, &[1 << 20], 1, &recipe);
        made.stored(ZERO_BYTES);
    }
    HctModel::new("part.hct", made.finish()).unwrap()
}

const HEADER: &str = r#"{"a":{"dtype":"U8","shape":[1048576],"data_offsets":[0,1048576]}}"#;

#[test]
fn honest_ones_are_joined() {
    let len = HEADER.len() as u64;
    let parts = [part(HEADER, len, false), part(HEADER, len, true)];
    let joined = merge(&parts, Vec::new(), None, &()).unwrap();
    let model = HctModel::new("m.hct", joined).unwrap();
    model.check_layout().unwrap();
}

#[test]
fn one_with_a_header_of_gigabytes() {
    let parts = [part(HEADER, 1 << 32, false), part(HEADER, 1 << 32, true)];
    let error = merge(&parts, Vec::new(), None, &()).unwrap_err();
    assert_eq!(limit(&error).what, Limited::Unpacked);
}

#[test]
fn a_header_that_names_another_tensor() {
    let other = HEADER.replace("\"a\"", "\"b\"");
    let len = HEADER.len() as u64;
    let parts = [part(&other, len, true)];
    let error = merge(&parts, Vec::new(), None, &()).unwrap_err();
    assert!(matches!(error, hct_model::Error::Part { .. }), "{error:?}");
}
