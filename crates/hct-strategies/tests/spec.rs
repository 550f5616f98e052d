//! Specs: every one that is accepted builds and codes, everything else is refused by name.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use hct_core::Dtype;
use hct_strategies::{
    Effort, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap, LayerStacks,
    MAX_FRAGMENTS, MAX_SPEC, MixedPrecisionEncoder, Plan, Preset, Quality, RdoEncoder, SpecError,
    SpecOption, Strategy, StrategyName, StrategySpec, UniformEncoder,
};
use serde_json::{Value, json};
use support::common::Kind;
use support::{Trip, tensor};

const NAME: &str = "model.layers.2.mlp.up_proj.weight";

fn spec(text: &str) -> StrategySpec {
    StrategySpec::from_json(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn error(text: &str) -> SpecError {
    StrategySpec::from_json(text).expect_err(text)
}

/// A strategy with one option.
fn with(strategy: StrategyName, option: SpecOption, value: Value) -> String {
    json!({"strategy": strategy.name(), option.name(): value}).to_string()
}

/// A value that the option may have.
fn valid(option: SpecOption) -> Value {
    match option {
        SpecOption::Preset => json!("classic"),
        SpecOption::Effort => json!("fast"),
        SpecOption::BitsPerWeight => json!(3.5),
        SpecOption::Rank | SpecOption::Fragments => json!(2),
        SpecOption::ImportanceMap => json!({"*": 0.5}),
        _ => json!(0.25),
    }
}

/// The bytes a strategy makes.
fn file(strategy: &dyn Strategy) -> Vec<u8> {
    let (meta, bytes) = tensor(NAME, Kind::HeavyTails, &[96, 80], Dtype::F32);
    Trip::of(strategy, &meta, &bytes).file
}

#[test]
fn every_strategy_builds_and_codes_by_its_defaults() {
    let (meta, bytes) = tensor(NAME, Kind::Gaussian, &[96, 80], Dtype::F32);
    for strategy in StrategyName::ALL {
        let spec = spec(&format!(r#"{{"strategy":"{strategy}"}}"#));
        assert_eq!(StrategySpec::builder(*strategy).finish().unwrap(), spec);
        assert_eq!(spec.strategy(), *strategy);
        let calibration = Arc::new(support::Inputs(80));
        let Plan::Strategy(built) = spec.plan([], Some(calibration)).unwrap() else {
            panic!("a size");
        };
        assert_eq!(built.name(), strategy.name());
        let trip = Trip::of(&*built, &meta, &bytes);
        assert!(trip.cosine() > 0.97, "{strategy}: {}", trip.cosine());
        assert_eq!(
            trip.bits_per_weight() > 20.0,
            *strategy == StrategyName::Lossless
        );
    }
}

#[test]
fn a_spec_builds_what_one_would_by_hand() {
    let names: Vec<String> = (0..6)
        .map(|i| format!("model.layers.{i}.mlp.up_proj.weight"))
        .collect();
    let names = || names.iter().map(String::as_str);
    let map = || ImportanceMap::from_json(r#"{"*.mlp.*": 0.9}"#).unwrap();
    let classic = Preset::Classic;
    let hands: [(&str, Box<dyn Strategy>); 7] = [
        (
            r#"{"strategy":"uniform","retention":0.5,"preset":"classic"}"#,
            Box::new(UniformEncoder::new(0.5).preset(classic)),
        ),
        (
            r#"{"strategy":"hybrid","rel_mse":0.02,"rank":7,"effort":"fast"}"#,
            Box::new(
                HybridEncoder::new(7, 0.98)
                    .quality(Quality::RelMse(0.02))
                    .effort(Effort::Fast),
            ),
        ),
        (
            r#"{"strategy":"mixed","preset":"classic"}"#,
            Box::new(MixedPrecisionEncoder::new(0.98, 0.1).preset(classic)),
        ),
        (
            r#"{"strategy":"mixed","fragments":3}"#,
            Box::new(MixedPrecisionEncoder::new(0.98, 0.002).fragments(3)),
        ),
        (
            r#"{"strategy":"importance","importance_map":{"*.mlp.*":0.9}}"#,
            Box::new(ImportanceEncoder::new(0.98, map())),
        ),
        (
            r#"{"strategy":"hybrid-layers","retention":0.6}"#,
            Box::new(HybridLayersEncoder::new(0.6, LayerStacks::of(names()))),
        ),
        (
            r#"{"strategy":"rdo","effort":"max","fragments":2}"#,
            Box::new(
                RdoEncoder::new(Quality::Cosine(0.9998))
                    .effort(Effort::Max)
                    .fragments(2),
            ),
        ),
    ];
    for (text, by_hand) in hands {
        let built = spec(text).build(names()).unwrap();
        assert!(file(&*built) == file(&*by_hand), "{text}");
    }
}

#[test]
fn json_comes_back_and_what_does_the_same_is_written_the_same() {
    let mut seen = BTreeSet::new();
    for &strategy in StrategyName::ALL {
        for &option in SpecOption::ALL {
            let Ok(spec) = StrategySpec::from_json(&with(strategy, option, valid(option))) else {
                continue;
            };
            let text = spec.to_json();
            assert_eq!(StrategySpec::from_json(&text).unwrap(), spec, "{text}");
            assert_eq!(serde_json::from_str::<StrategySpec>(&text).unwrap(), spec);
            assert!(seen.insert(text.clone()), "{text} for two");
        }
    }
    assert!(seen.len() > 40);
    for (short, long) in [
        (
            r#"{"strategy":"uniform"}"#,
            r#"{"strategy":"uniform","preset":"viable","retention":0.98,"fragments":1}"#,
        ),
        (
            r#" {"fragments": 1, "effort": "default", "strategy": "rdo"} "#,
            r#"{"strategy":"rdo","cosine":0.9998,"effort":"default","fragments":1}"#,
        ),
        (
            r#"{"strategy":"hybrid-layers","preset":"classic"}"#,
            r#"{"strategy":"hybrid-layers","preset":"classic","retention":0.7,"fragments":1}"#,
        ),
        (
            r#"{"importance_map":{},"strategy":"importance","retention":1}"#,
            r#"{"strategy":"importance","preset":"viable","retention":1.0,"effort":"default","fragments":1}"#,
        ),
        // Digits that a hasty parser gets wrong, and patterns in no order of the alphabet.
        (
            r#"{"strategy":"rdo","rel_mse":0.8444218515250481}"#,
            r#"{"strategy":"rdo","rel_mse":0.8444218515250481,"effort":"default","fragments":1}"#,
        ),
        (
            r#"{"strategy":"importance","bpw":3,"importance_map":{"z*":0.1,"/a/":1,"m":0.123456789012345678}}"#,
            r#"{"strategy":"importance","preset":"viable","bpw":3.0,"effort":"default","importance_map":{"z*":0.1,"/a/":1.0,"m":0.12345678901234568},"fragments":1}"#,
        ),
        (r#"{"strategy":"lossless"}"#, r#"{"strategy":"lossless"}"#),
    ] {
        assert_eq!(spec(short).to_json(), long);
        assert_eq!(spec(long), spec(short));
    }
}

#[test]
fn an_option_of_another_strategy_is_named_with_those_that_have_it() {
    for &option in SpecOption::ALL {
        for &strategy in StrategyName::ALL {
            let read = StrategySpec::from_json(&with(strategy, option, valid(option)));
            if option.strategies().contains(&strategy) {
                assert!(read.is_ok(), "{strategy} {option}: {read:?}");
                continue;
            }
            let error = read.unwrap_err();
            assert!(
                matches!(error, SpecError::OtherStrategy { option: o, strategy: s }
                if o == option && s == strategy)
            );
            let message = error.to_string();
            assert!(message.starts_with(option.name()), "{message}");
            assert!(message.contains(strategy.name()), "{message}");
            for owner in option.strategies() {
                assert!(message.contains(owner.name()), "{message}");
            }
        }
    }
}

#[test]
fn the_classic_preset_has_no_quality_to_steer() {
    for option in [
        SpecOption::Cosine,
        SpecOption::RelMse,
        SpecOption::BitsPerWeight,
        SpecOption::Effort,
    ] {
        for &strategy in option
            .strategies()
            .iter()
            .filter(|&&s| !matches!(s, StrategyName::Rdo | StrategyName::Calibrated))
        {
            let text = json!({
                "strategy": strategy.name(), "preset": "classic", option.name(): valid(option)
            });
            let read = StrategySpec::from_json(&text.to_string());
            // The share of the energy that classic adaptive keeps.
            if (strategy, option) == (StrategyName::Adaptive, SpecOption::Cosine) {
                assert!(read.is_ok());
                continue;
            }
            assert!(
                matches!(read, Err(SpecError::OtherPreset { option: o }) if o == option),
                "{text}"
            );
        }
    }
}

#[test]
fn two_qualities_are_one_too_many() {
    let given = [
        (SpecOption::Cosine, 0.9),
        (SpecOption::RelMse, 0.1),
        (SpecOption::BitsPerWeight, 3.0),
        (SpecOption::Retention, 0.9),
    ];
    for (i, (a, x)) in given.into_iter().enumerate() {
        for (b, y) in given.into_iter().skip(i + 1) {
            let text = json!({"strategy": "hybrid", a.name(): x, b.name(): y}).to_string();
            let error = error(&text);
            assert!(
                matches!(error, SpecError::Conflict { first, second } if (first, second) == (a, b))
            );
            assert!(error.to_string().contains(a.name()) && error.to_string().contains(b.name()));
        }
    }
}

#[test]
fn values_out_of_range_are_refused_with_advice() {
    let strange = [
        json!("0.5"),
        json!(null),
        json!([0.5]),
        json!(true),
        json!({}),
    ];
    let out = |numbers: &[f64]| -> Vec<Value> { numbers.iter().map(|&n| json!(n)).collect() };
    for (option, wrong) in [
        (SpecOption::Retention, out(&[0.0, -0.1, 1.0001])),
        (SpecOption::Cosine, out(&[0.0, 1.0, -1.0, 7.0])),
        (SpecOption::RelMse, out(&[0.0, 1.0, -1e-9])),
        (SpecOption::BitsPerWeight, out(&[0.0, 64.0, -3.0, 1e300])),
        (SpecOption::Rank, out(&[0.0, 65_537.0, 2.5, -1.0, 1e30])),
        (SpecOption::Fp16Ratio, out(&[-0.001, 1.001])),
        (
            SpecOption::Fragments,
            out(&[0.0, MAX_FRAGMENTS as f64 + 1.0, 1.5]),
        ),
    ] {
        let strategy = option.strategies()[0];
        for value in wrong.into_iter().chain(strange.clone()) {
            let error = error(&with(strategy, option, value));
            let message = error.to_string();
            assert!(
                matches!(error, SpecError::Value { option: o, .. } if o == option),
                "{message}"
            );
            assert!(message.contains(option.advice()), "{message}");
        }
    }
    assert!(
        SpecOption::Fragments
            .advice()
            .contains(&format!("to {MAX_FRAGMENTS},"))
    );
    for (option, most) in [
        (SpecOption::Rank, 65_536),
        (SpecOption::Fragments, MAX_FRAGMENTS),
    ] {
        spec(&with(StrategyName::Svd, option, json!(most)));
    }
    // What JSON cannot say, a builder can.
    for number in [f64::NAN, f64::INFINITY, -f64::INFINITY] {
        for finished in [
            StrategySpec::builder(StrategyName::Rdo)
                .cosine(number)
                .finish(),
            StrategySpec::builder(StrategyName::Rdo)
                .bits_per_weight(number)
                .finish(),
            StrategySpec::builder(StrategyName::Mixed)
                .fp16_ratio(number)
                .finish(),
            StrategySpec::builder(StrategyName::Mixed)
                .retention(number)
                .finish(),
        ] {
            assert!(matches!(finished, Err(SpecError::Value { .. })));
        }
    }
}

#[test]
fn defaults_are_in_the_help_text() {
    for &strategy in StrategyName::ALL {
        for preset in ["viable", "classic"] {
            let text = json!({"strategy": strategy.name(), "preset": preset}).to_string();
            let Ok(spec) = StrategySpec::from_json(&text) else {
                continue;
            };
            let written: Value = serde_json::from_str(&spec.to_json()).unwrap();
            for &option in SpecOption::ALL.iter().filter(|&&o| o != SpecOption::Preset) {
                if let Some(value) = written.get(option.name()) {
                    let value = value.as_str().map_or(value.to_string(), str::to_owned);
                    let summary = option.summary();
                    assert!(summary.contains(&value), "{strategy}: {value} in {summary}");
                }
            }
        }
    }
}

#[test]
fn a_size_needs_a_plan() {
    let spec = spec(r#"{"strategy":"adaptive","bpw":3.25}"#);
    assert_eq!(spec.bits_per_weight(), Some(3.25));
    assert!(matches!(spec.build([]), Err(SpecError::NeedsPlan)));
    let Plan::Rate(plan) = spec.plan([], None).unwrap() else {
        panic!("a size");
    };
    assert_eq!(plan.bits_per_weight(), 3.25);
    let (meta, bytes) = tensor(NAME, Kind::Gaussian, &[96, 80], Dtype::F32);
    for d in [0.05, 0.01] {
        let at = plan.strategy_at(f64::log2(d));
        let trip = Trip::of(&*at, &meta, &bytes);
        assert!(
            (trip.rel_mse() / d - 1.0).abs() < 0.05,
            "{}",
            trip.rel_mse()
        );
    }
}

#[test]
fn calibrated_needs_a_calibration() {
    for text in [
        r#"{"strategy":"calibrated"}"#,
        r#"{"strategy":"calibrated","bpw":3}"#,
    ] {
        assert!(matches!(
            spec(text).build([]),
            Err(SpecError::NeedsCalibration)
        ));
        assert!(
            spec(text)
                .plan([], Some(Arc::new(support::Inputs(80))))
                .is_ok()
        );
    }
}

#[test]
fn what_is_no_spec_is_an_error() {
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    for text in [
        "".to_owned(),
        "null".into(),
        "[]".into(),
        "\"rdo\"".into(),
        r#"{"strategy":"rdo""#.into(),
        r#"{"strategy":"rdo"} x"#.into(),
        r#"{"strategy":"rdo","cosine":NaN}"#.into(),
        r#"{"strategy":"rdo","cosine":1e999}"#.into(),
        r#"{"strategy":"importance","importance_map":7}"#.into(),
        format!(r#"{{"strategy":"rdo","cosine":{}}}"#, deep(10_000)),
        format!(
            r#"{{"strategy":"importance","importance_map":{{"a":{}}}}}"#,
            deep(10_000)
        ),
        deep(500_000),
    ] {
        let error = error(&text);
        assert!(matches!(error, SpecError::Json(_)), "{error}");
        assert!(error.to_string().contains(r#"{"strategy": "rdo""#));
    }
    let long = format!(r#"{{"strategy":"rdo"{}}}"#, " ".repeat(MAX_SPEC));
    assert!(matches!(error(&long), SpecError::TooLong { .. }));
    assert!(matches!(error("{}"), SpecError::NoStrategy));
    for name in ["Rdo", "", "rdo ", "\\u0000"] {
        let error = error(&format!(r#"{{"strategy":"{name}"}}"#));
        assert!(matches!(error, SpecError::Name(_)));
        assert!(error.to_string().contains("hybrid-layers"), "{error}");
    }
    for text in [
        r#"{"strategy":7}"#,
        r#"{"strategy":"rdo","effort":8}"#,
        r#"{"strategy":"svd","preset":[]}"#,
    ] {
        assert!(matches!(error(text), SpecError::Name(_)), "{text}");
    }
    let message = error(r#"{"strategy":"rdo","cosin":0.9}"#).to_string();
    assert!(
        message.contains("\"cosin\"") && message.contains("cosine"),
        "{message}"
    );
    for twice in ["strategy\":\"rdo", "effort\":\"max"] {
        let text = format!(r#"{{"strategy":"rdo","effort":"max","{twice}"}}"#);
        assert!(matches!(error(&text), SpecError::Repeated { name } if twice.starts_with(name)));
    }
    // A message is for people, whatever it is about.
    let huge = "x".repeat(100_000);
    for text in [
        format!(r#"{{"strategy":"{huge}"}}"#),
        format!(r#"{{"strategy":"rdo","{huge}":1}}"#),
        format!(r#"{{"strategy":"rdo","cosine":"{huge}"}}"#),
    ] {
        assert!(error(&text).to_string().len() < 500);
    }
}

#[test]
fn importance_maps_are_bounded() {
    let patterns = |n: usize, pattern: &str| {
        let entries: Vec<String> = (0..n).map(|i| format!("\"{pattern}{i}\":0.5")).collect();
        let map = entries.join(",");
        StrategySpec::from_json(&format!(
            r#"{{"strategy":"importance","importance_map":{{{map}}}}}"#
        ))
    };
    assert!(patterns(20_000, "layer.").is_ok());
    assert!(patterns(1024, "*.").is_ok());
    let many = patterns(1025, "*.").unwrap_err();
    assert!(matches!(many, SpecError::Map(_)), "{many}");
    let error = error(r#"{"strategy":"importance","importance_map":{"/(\\w{200}){200}/":0.5}}"#);
    assert!(matches!(error, SpecError::Map(_)), "{error}");
}
