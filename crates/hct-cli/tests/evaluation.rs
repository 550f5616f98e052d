//! Running models, on a small made-up Llama checkpoint.
#![cfg(feature = "eval")]

mod common;

use std::fs;

use common::llama::make;
use common::{hct, put, succeed};
use serde_json::{Value, json};
use tempfile::TempDir;

fn number(report: &Value, key: &str) -> f64 {
    let value = report[key].as_f64();
    value.unwrap_or_else(|| panic!("no number {key:?} in {report}"))
}

fn assert_same(report: &Value) {
    for (key, value) in [
        ("kld_mean", 0.0),
        ("kld_p99", 0.0),
        ("top1", 1.0),
        ("top5", 1.0),
        ("logit_cosine", 1.0),
        ("ppl_ratio", 1.0),
        ("ppl_ratio_se", 0.0),
    ] {
        assert_eq!(number(report, key), value, "{key}");
    }
    assert_eq!(report["perplexity"], report["reference_perplexity"]);
}

#[test]
fn a_model_is_like_itself_and_like_its_lossless_form() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let eval = "eval m --text text.txt --context 32 --json";
    let alone = succeed(dir, eval).json();
    // 200 words in windows of 32, whose first words are not predicted.
    assert_eq!(alone["tokens"], 193);
    assert!(number(&alone, "perplexity") > 1.0);
    assert_eq!(alone.as_object().unwrap().len(), 2);

    let same = succeed(dir, &format!("{eval} --against m --threads 1")).json();
    assert_same(&same);
    // The same sum in another order.
    let ratio = number(&same, "perplexity") / number(&alone, "perplexity");
    assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");

    succeed(dir, "compress m -o lossless.hct --strategy lossless");
    assert_same(&succeed(dir, &format!("{eval} --against lossless.hct")).json());
    let from_hct = "eval lossless.hct --text text.txt --context 32 --json";
    assert_eq!(succeed(dir, from_hct).json(), alone);
    // Weights alone are run as MODEL is.
    let bare = succeed(dir, &format!("{eval} --against m/model.safetensors"));
    assert_same(&bare.json());
    let short = succeed(dir, &format!("{eval} --max-tokens 40")).json();
    assert_eq!(short["tokens"], 38);
}

#[test]
fn what_was_compressed_with_loss_differs_and_more_so_with_fewer_bits() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let mut last = 0.0;
    for cosine in ["0.9999", "0.99"] {
        let compress = "compress m -o c.hct --force --strategy rdo --no-side-files --cosine";
        succeed(dir, &format!("{compress} {cosine}"));
        let eval = "eval m --against c.hct --text text.txt --context 32";
        let report = succeed(dir, &format!("{eval} --json")).json();
        assert_eq!(report.as_object().unwrap().len(), 10, "{report}");
        let kld = number(&report, "kld_mean");
        assert!(kld > last && number(&report, "kld_p99") >= kld, "{report}");
        assert!(number(&report, "logit_cosine") < 1.0);
        last = kld;
        let table = succeed(dir, eval);
        assert!(table.stdout.contains("top five shared"), "{}", table.stdout);
        assert_eq!(table.stderr, "", "no progress bar where nobody looks");
    }
}

#[test]
fn each_of_several_texts_is_evaluated_as_it_is_alone() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let other: String = (0..90).map(|i| format!("w{} ", i * i * i % 83)).collect();
    put(dir, "other.txt", other.as_bytes());
    succeed(
        dir,
        "compress m -o c.hct --strategy rdo --no-side-files --cosine 0.99",
    );
    for model in ["m", "m --against c.hct"] {
        let eval = format!("eval {model} --context 32 --max-tokens 80");
        let both = format!("{eval} --text other.txt --text text.txt");
        let report = succeed(dir, &format!("{both} --json")).json();
        let report = report.as_array().expect("an array");
        assert_eq!(report.len(), 2);
        let table = succeed(dir, &both).stdout;
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 3, "{table}");
        for ((text, row), found) in ["other.txt", "text.txt"].iter().zip(&rows[1..]).zip(report) {
            let alone = succeed(dir, &format!("{eval} --text {text} --json")).json();
            let mut named = alone.clone();
            named["text"] = json!(text);
            assert_eq!(*found, named);
            let perplexity = format!("{:.4}", number(&alone, "perplexity"));
            assert!(
                row.starts_with(text) && row.contains(&perplexity),
                "{table}"
            );
        }
        assert_ne!(report[0]["perplexity"], report[1]["perplexity"]);
    }
    put(dir, "empty.txt", b"");
    let empty = "eval m --context 32 --text text.txt --text empty.txt";
    hct(dir, empty).fails(1, &["the text empty.txt", "tokens"]);
}

#[test]
fn calibrations_are_the_same_from_either_form_and_can_be_merged() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let calibrate = "calibrate m --text text.txt --text text.txt --context 16 --tokens 100";
    let report = succeed(dir, &format!("{calibrate} -o a.hctcal --json")).json();
    assert_eq!(
        (&report["tokens"], &report["windows"]),
        (&json!(100), &json!(7))
    );
    let file = fs::read(dir.join("a.hctcal")).unwrap();
    assert_eq!(report["output_bytes"], file.len());
    assert!(!dir.join("a.hctcal.partial").exists());
    hct(dir, &format!("{calibrate} -o a.hctcal")).fails(2, &["already exists"]);
    let again = succeed(dir, &format!("{calibrate} -o a.hctcal --force --threads 1"));
    assert!(again.stdout.contains("in 7 windows"), "{}", again.stdout);
    assert!(fs::read(dir.join("a.hctcal")).unwrap() == file);
    succeed(dir, "compress m -o m.hct --strategy lossless");
    succeed(
        dir,
        &format!("{} -o b.hctcal", calibrate.replace(" m ", " m.hct ")),
    );
    assert!(fs::read(dir.join("b.hctcal")).unwrap() == file);

    succeed(
        dir,
        "calibrate m --self-text 50 --context 16 -o own.hctcal --json",
    );
    let merged = succeed(
        dir,
        "calibrate --merge a.hctcal own.hctcal -o c.hctcal --json",
    )
    .json();
    assert_eq!(
        (&merged["tokens"], &merged["windows"]),
        (&json!(150), &json!(11))
    );
    let merge = "calibrate --merge a.hctcal m/model.safetensors -o d.hctcal";
    hct(dir, merge).fails(1, &["m/model.safetensors", "hct calibrate"]);
    hct(
        dir,
        "calibrate --merge a.hctcal c.hctcal -o a.hctcal --force",
    )
    .fails(2, &["replace"]);
    assert!(fs::read(dir.join("a.hctcal")).unwrap() == file);
}

#[test]
fn calibrations_without_text_are_refused() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    hct(dir, "calibrate m -o a.hctcal").fails(2, &["--text"]);
    hct(dir, "calibrate m --text none.txt -o a.hctcal").fails(1, &["none.txt"]);
    let long = "calibrate m --text text.txt --context 65 -o a.hctcal";
    hct(dir, long).fails(2, &["64"]);
    assert!(!dir.join("a.hctcal").exists() && !dir.join("a.hctcal.partial").exists());
}

#[test]
fn text_is_written_from_either_form() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    succeed(dir, "compress m -o m.hct --strategy lossless");
    let json = succeed(dir, "generate m --prompt w7 -n 5 --json").json();
    assert_eq!(json["prompt"], "w7");
    let text = json["text"].as_str().unwrap();
    assert_eq!(text.split_whitespace().count(), 5, "{text:?}");
    let plain = succeed(dir, "generate m.hct --prompt w7 -n 5").stdout;
    assert_eq!(plain, format!("w7{text}\n"));
}

#[test]
fn what_is_missing_is_named() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    succeed(dir, "compress m -o bare.hct --no-side-files");
    hct(dir, "eval bare.hct --text text.txt").fails(1, &["carries no config.json", "tokenizer"]);
    hct(dir, "generate bare.hct --prompt w1").fails(1, &["carries no config.json"]);
    hct(dir, "generate m/model.safetensors --prompt w1").fails(1, &["weights alone", "folder"]);
    hct(dir, "eval m --text none.txt").fails(1, &["none.txt"]);
    hct(dir, "eval m --text text.txt --against none.hct").fails(1, &["none.hct", "hint: "]);
    hct(dir, "eval m --text text.txt").fails(2, &["512", "64"]);
    hct(dir, "generate m --prompt w1 -n 70").fails(2, &["71", "64"]);
    fs::remove_file(dir.join("m/tokenizer.json")).unwrap();
    hct(dir, "eval m --text text.txt").fails(1, &["has no tokenizer.json"]);
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let path = dir.join("m/model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let (len, rest) = bytes.split_first_chunk::<8>().unwrap();
    let len = u64::from_le_bytes(*len) as usize;
    let header: Value = serde_json::from_slice(&rest[..len]).unwrap();
    let offsets = &header["model.norm.weight"]["data_offsets"];
    let range = [0, 1].map(|side| 8 + len + offsets[side].as_u64().unwrap() as usize);
    // A NaN of any width.
    bytes[range[0]..range[1]].fill(0xff);
    fs::create_dir(dir.join("broken")).unwrap();
    for file in fs::read_dir(dir.join("m")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.join("broken").join(file.file_name())).unwrap();
    }
    fs::write(dir.join("broken/model.safetensors"), bytes).unwrap();
    let text = "--text text.txt --context 32";
    for (args, who) in [
        (format!("eval broken {text}"), "the logits of the model"),
        (
            format!("eval broken --against m {text}"),
            "the logits of the reference",
        ),
        (
            format!("eval m --against broken {text} --json"),
            "the logits of the model compared",
        ),
        (
            "generate broken --prompt w1 -n 4".into(),
            "the logits of the model",
        ),
    ] {
        hct(dir, &args).fails(1, &[who, "not finite numbers"]);
    }
}
