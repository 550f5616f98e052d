//! SmolLM2, if it has been fetched. The expected numbers are what `tests/reference.py` prints: an
//! independent forward pass, in numpy, of the same weights and tokens.

use std::sync::LazyLock;

use hct_model::Checkpoint;

use super::{evaluation_text, fetched};
use crate::decoder::Cache;
use crate::metrics::{LogProbabilities, most_probable};
use crate::{LanguageModel, Model, ModelFiles, Reference, perplexity};

/// Loaded once for all tests.
static MODEL: LazyLock<Option<LanguageModel>> = LazyLock::new(|| {
    let dir = fetched("smollm2")?;
    let files = ModelFiles::read(&dir).unwrap();
    match Model::load(&files, &Checkpoint::open(&dir).unwrap()).unwrap() {
        Model::Language(model) => Some(model),
        Model::Sentence(_) => panic!("SmolLM2 was taken for an encoder"),
    }
});

#[test]
fn perplexity_is_that_of_numpy() {
    let Some(model) = &*MODEL else { return };
    let windows = model.windows(&evaluation_text(), 256, Some(512)).unwrap();
    let found = perplexity(model, &windows, &mut |_| ()).unwrap();
    assert_eq!(found.tokens, 510);
    // The issue asks for 1 %.
    assert!(
        (found.perplexity / 21.029451 - 1.0).abs() < 1e-4,
        "{found:?}"
    );
}

#[test]
fn log_probabilities_are_those_of_numpy() {
    let Some(model) = &*MODEL else { return };
    let tokens = model.tokenizer.encode("The capital of France is").unwrap();
    let hidden = model
        .decoder
        .hidden(&tokens, &mut Cache::default())
        .unwrap();
    let logits = model.decoder.head().logits(&hidden).unwrap();
    let last = &logits.to_vec2::<f32>().unwrap()[tokens.len() - 1];
    assert_eq!(most_probable::<5>(last), [7042, 260, 4528, 2250, 1315]);
    let found = LogProbabilities::of(last);
    for (token, expected) in [(7042, -0.25793), (260, -2.73663), (1315, -4.67775)] {
        assert!(
            (found.at(token) - expected).abs() < 1e-3,
            "{token}: {}",
            found.at(token)
        );
    }
}

#[test]
fn a_known_prompt_continues_sensibly() {
    let Some(model) = &*MODEL else { return };
    let text = model.generate("The capital of France is", 3).unwrap();
    assert!(text.starts_with(" Paris"), "{text:?}");
}

#[test]
fn against_itself_nothing_differs() {
    let Some(model) = &*MODEL else { return };
    let windows = model.windows(&evaluation_text(), 160, Some(240)).unwrap();
    let reference = Reference::new(model, windows, &mut |_| ()).unwrap();
    let report = reference.compare(model, &mut |_| ()).unwrap();
    assert_eq!((report.kld_mean, report.kld_p99), (0.0, 0.0));
    assert_eq!(
        (report.top1, report.top5, report.logit_cosine),
        (1.0, 1.0, 1.0)
    );
    assert_eq!((report.ppl_ratio, report.ppl_ratio_se), (1.0, 0.0));
    assert_eq!(
        (report.perplexity, report.tokens),
        (report.reference_perplexity, 238)
    );
}

#[test]
fn the_tokenizer_gives_the_text_back() {
    let Some(model) = &*MODEL else { return };
    let text = evaluation_text();
    let tokens = model.tokenizer.encode(&text).unwrap();
    // What assets/text/README.md says, and the 10 000 that evaluations need.
    assert_eq!(tokens.len(), 14776);
    assert!(model.tokenizer.decode(&tokens).unwrap() == text);
}
