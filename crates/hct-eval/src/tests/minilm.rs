//! MiniLM, if it has been fetched. The expected numbers are what `tests/reference.py` prints: an
//! independent forward pass, in numpy, of the same weights and tokens.

use hct_model::Checkpoint;

use super::{evaluation_text, fetched};
use crate::statistics::cosine;
use crate::{
    Model, ModelFiles, RivalFormat, RivalModel, SentenceEncoder, SentenceReference, sentences,
};

fn load(files: &ModelFiles, source: &dyn hct_model::TensorSource) -> SentenceEncoder {
    match Model::load(files, source).unwrap() {
        Model::Sentence(encoder) => encoder,
        Model::Language(_) => panic!("MiniLM was taken for a decoder"),
    }
}

#[test]
fn vectors_are_those_of_numpy() {
    let Some(dir) = fetched("minilm") else { return };
    let checkpoint = Checkpoint::open(&dir).unwrap();
    let encoder = load(&ModelFiles::read(&dir).unwrap(), &checkpoint);
    let embed = |sentence| encoder.embed(sentence).unwrap();
    let a = embed("A man is eating a piece of bread.");
    let b = embed("Someone has some food.");
    let c = embed("The stock market fell sharply on Monday.");
    let expected = [0.05251841, 0.05524134, -0.01118822, -0.00574545];
    for (found, expected) in a.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    assert!((cosine(&a, &b) - 0.518092).abs() < 1e-4);
    assert!((cosine(&a, &c) - 0.050947).abs() < 1e-4);
}

#[test]
fn against_itself_nothing_differs_and_against_rivals_little() {
    let Some(dir) = fetched("minilm") else { return };
    let checkpoint = Checkpoint::open(&dir).unwrap();
    let files = ModelFiles::read(&dir).unwrap();
    let encoder = load(&files, &checkpoint);
    let some = sentences(&evaluation_text(), 40);
    let reference = SentenceReference::new(&encoder, some, &mut |_| ()).unwrap();
    let same = reference.compare(&encoder, &mut |_| ()).unwrap();
    assert_eq!((same.cosine_mean, same.cosine_worst), (1.0, 1.0));
    assert_eq!((same.similarity_spearman, same.sentences), (1.0, 40));

    let mut last = 1.0;
    for (format, least) in [(RivalFormat::Q8_0, 0.9995), (RivalFormat::Q4_0, 0.94)] {
        let rival = RivalModel::new(&checkpoint, format).unwrap();
        let report = reference
            .compare(&load(&files, &rival), &mut |_| ())
            .unwrap();
        assert!((least..last).contains(&report.cosine_mean), "{report:?}");
        assert!((report.cosine_worst..1.0).contains(&report.cosine_mean));
        last = report.cosine_mean;
    }
}
