//! A made-up sweep as its section.

use serde_json::{Value, json};

use super::report::Section;
use super::{plot, render};

fn predictions(kld: f64) -> Value {
    json!({
        "ppl_ratio": 1.0 + kld, "ppl_ratio_se": 0.01, "perplexity": 20.0, "kld_mean": kld,
        "kld_p99": 4.0 * kld, "top1": 0.9, "top5": 0.9, "logit_cosine": 0.99, "tokens": 4088,
    })
}

/// A row of 1,000 weights that loses `kld` on the handbook and twice, three and four times that
/// elsewhere.
fn row(name: &str, bytes: u64, kld: f64) -> Value {
    let mut quality = predictions(kld);
    quality["model"] = json!("language");
    quality["elsewhere"] = json!({
        "prose": predictions(2.0 * kld),
        "code": predictions(3.0 * kld),
        "languages": predictions(4.0 * kld),
    });
    quality["answers_asked"] = json!(5);
    quality["answers_right"] = json!(4);
    quality["sample"] = json!("a text");
    json!({
        "name": name, "setting": "a size", "bytes": bytes, "cosine": 0.99, "rel_mse": 0.02,
        "encode_seconds": 61.4, "quality": quality,
    })
}

fn section() -> Section {
    let settings = json!({ "max_tokens": 4096, "context": 512, "sentences": 400 });
    let rows = [
        row("rdo", 375, 1.0),
        row("rdo", 500, 0.1),
        row("mix", 250, 1.0),
        row("mix", 375, 0.1),
        row("mix", 500, 0.01),
    ];
    let section = json!({
        "curves": {
            "title": "A model", "dtype": "F16", "weights": 1000, "settings": settings, "rows": rows,
        },
        "ablation": { "of": "mix", "rows": [row("without rows", 375, 0.2)] },
    });
    serde_json::from_value(section).unwrap()
}

/// The cells of the row whose first cells are `first`, behind those.
fn cells<'t>(text: &'t str, first: &[&str]) -> Vec<&'t str> {
    let rows = text.lines().map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(str::trim).collect::<Vec<_>>()
    });
    let mut found = rows.filter(|cells| cells.starts_with(first));
    let cells = found
        .next()
        .unwrap_or_else(|| panic!("no {first:?} in {text}"));
    cells[first.len()..].to_vec()
}

#[test]
fn sizes_are_compared_at_equal_loss_on_every_kind() {
    let text = render::model("a-model", &section());
    // Ten times less for each bit.
    let levels = cells(&text, &["by", "kind of text"]);
    let at = |level: &str| levels.iter().position(|&l| l == level).unwrap();
    let (tenth, half) = (at("0.1"), at("0.5"));
    assert_eq!(cells(&text, &["rdo", "handbook"])[tenth], "4.00");
    assert_eq!(cells(&text, &["mix", "handbook"])[tenth], "3.00");
    assert_eq!(cells(&text, &["mix", "handbook"])[half], "2.30");
    assert_eq!(cells(&text, &["mix", "prose"])[tenth], "3.30");
    assert_eq!(cells(&text, &["mix", "mean but handbook"])[tenth], "3.48");
    assert_eq!(cells(&text, &["rdo", "languages"])[tenth], "–");
    assert!(text.contains("![Loss against size](calibration-a-model.svg)"));
    let losses = cells(&text, &["mix", "a size", "3.000"]);
    let mean = losses[..5].last();
    assert_eq!(losses[0], "0.10000");
    assert_eq!(mean, Some(&"0.30000"));
}

#[test]
fn what_a_part_is_worth_is_in_bits_of_the_whole() {
    let text = render::model("a-model", &section());
    let worth = cells(&text, &["without rows", "3.000"]);
    // Twice the loss is 0.301 bits, wherever the whole was measured.
    assert_eq!(worth[0], "0.20000 (+0.30)");
    assert_eq!(worth.len(), 5);
    assert!(
        worth.iter().all(|cell| cell.ends_with("(+0.30)")),
        "{worth:?}"
    );
    let mut alone = section();
    alone.ablation = None;
    assert!(!render::model("a-model", &alone).contains("What each part"));
}

#[test]
fn the_plot_has_every_way() {
    let svg = plot::svg("a-model", &section()).unwrap();
    for part in [
        "KL divergence, nats, handbook",
        "mean of other kinds",
        "rdo",
        "mix",
    ] {
        assert!(svg.contains(part), "{part}");
    }
}
