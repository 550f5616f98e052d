//! JSON that is nested without end, wherever JSON is read: an error, not an overflow of the stack.

use hct_model::{BaseMap, Header};
use hct_strategies::{Allocation, ImportanceMap, StrategySpec};

use crate::common::{blob, folder, open_error};

/// Nested more deeply than any stack holds, and than parsers are to follow.
fn deep() -> [String; 2] {
    let n = 100_000;
    [
        "[".repeat(n) + &"]".repeat(n),
        "{\"a\":".repeat(n) + "1" + &"}".repeat(n),
    ]
}

#[test]
fn in_headers_of_safetensors_files() {
    for json in deep() {
        for text in [
            json.clone(),
            format!(r#"{{"__metadata__":{json}}}"#),
            format!(r#"{{"a":{json}}}"#),
            format!(r#"{{"a":{{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{json}}}}}"#),
        ] {
            let parsed = Header::parse(text.clone().into_bytes(), 1);
            // What is not looked at may be anything.
            assert_eq!(parsed.is_ok(), text.contains("\"x\""), "{}", &text[..60]);
        }
    }
}

#[test]
fn in_the_index_of_a_folder() {
    for json in deep() {
        let index = format!(r#"{{"weight_map":{json}}}"#);
        let dir = folder(&[("model.safetensors.index.json", index.as_bytes())]);
        let error = open_error(dir.path());
        assert!(
            matches!(error, hct_model::Error::IndexJson { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn in_specs_plans_importance_maps_and_maps_of_names() {
    for json in deep() {
        assert!(StrategySpec::from_json(&json).is_err());
        let spec = format!(r#"{{"strategy":"importance","importance_map":{json}}}"#);
        assert!(StrategySpec::from_json(&spec).is_err());
        let spec = format!(r#"{{"strategy":"rdo","cosine":{json}}}"#);
        assert!(StrategySpec::from_json(&spec).is_err());
        assert!(ImportanceMap::from_json(&json).is_err());
        assert!(ImportanceMap::from_json(&format!(r#"{{"a":{json}}}"#)).is_err());
        assert!(Allocation::from_json(&json).is_err());
        assert!(Allocation::from_json(&format!(r#"{{"default":{json}}}"#)).is_err());
        assert!(BaseMap::from_json(&json).is_err());
        assert!(BaseMap::from_json(&format!(r#"{{"a":{json}}}"#)).is_err());
    }
}

#[test]
fn in_the_metadata_of_a_calibration() {
    for json in deep() {
        let text = serde_json::to_string(&json).unwrap();
        let header =
            format!(r#"{{"__metadata__":{{"hct.calibration":"1","info":{text},"groups":"[]"}}}}"#);
        let error = hct_model::CalibrationFile::new("c.safetensors", blob(&header, &[]))
            .err()
            .unwrap();
        let hct_model::Error::Calibration { .. } = error else {
            panic!("{error:?}");
        };
    }
}
