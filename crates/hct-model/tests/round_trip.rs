//! Checkpoints to HCT files and back.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use common::{assert_says, blob, bytes_file, chain, entry, folder, header, index, put};
use hct_core::FileKind;
use hct_model::{
    Checkpoint, CheckpointSource, CompressOptions, CompressReport, Error, HctFile, Progress,
    TensorSource, compress, decompress, diff, verify,
};
use hct_strategies::{LosslessEncoder, Strategy, UniformEncoder};

const OPTIONS: CompressOptions = CompressOptions {
    side_files: true,
    provenance: None,
    base: None,
    hashes: false,
};

fn pack(input: &Path, output: &Path, strategy: &dyn Strategy) -> Result<CompressReport, Error> {
    compress(
        &Checkpoint::open(input)?,
        output,
        false,
        strategy,
        OPTIONS,
        &(),
    )
}

/// A file with a matrix, a vector and integers, in an order of its own.
fn small_model() -> Vec<u8> {
    let wave = |n: usize, step: f32| (0..n).map(move |i| (i as f32 * step).sin());
    let mut entries = vec![r#""__metadata__":{"format":"pt","b":"ü"}"#.to_owned()];
    entries.push(entry("z.matrix", "F32", &[80, 64], 1600, 22080));
    entries.push(entry("vector", "F32", &[400], 0, 1600));
    entries.push(entry("ids", "I32", &[7], 22080, 22108));
    let floats = wave(400, 0.3).chain(wave(80 * 64, 0.7));
    let mut data: Vec<u8> = floats.flat_map(f32::to_le_bytes).collect();
    data.extend(0..28);
    blob(&(header(&entries) + "   "), &data)
}

#[test]
fn a_file_comes_back_byte_for_byte() {
    let dir = folder(&[("m.safetensors", &small_model())]);
    let at = |name: &str| dir.path().join(name);
    let report = pack(&at("m.safetensors"), &at("m.hct"), &LosslessEncoder).unwrap();
    assert_eq!(report.input_bytes, small_model().len() as u64);
    assert_eq!(report.output_bytes, at("m.hct").metadata().unwrap().len());
    assert_eq!(report.weights, 400 + 80 * 64);
    let model = HctFile::open(at("m.hct")).unwrap();
    let report = decompress(&model, &at("back.safetensors"), false, &()).unwrap();
    assert_eq!(report.output_bytes, small_model().len() as u64);
    assert!(fs::read(at("back.safetensors")).unwrap() == small_model());
    // A folder gets the file under its old name.
    decompress(&model, &at("back"), false, &()).unwrap();
    assert!(fs::read(at("back/m.safetensors")).unwrap() == small_model());
}

#[test]
fn shards_and_side_files_come_back() {
    let map = index(&[("a", "1.safetensors"), ("b", "2.safetensors")]);
    let files: [(&str, &[u8]); 5] = [
        ("in/1.safetensors", &bytes_file(&[("a", 5000)])),
        ("in/2.safetensors", &bytes_file(&[("b", 0)])),
        ("in/model.safetensors.index.json", &map),
        ("in/config.json", b"{}"),
        ("in/deep/er/merges.txt", &[b'x'; 5000]),
    ];
    let dir = folder(&files);
    let at = |name: &str| dir.path().join(name);
    let uniform = UniformEncoder::new(0.5);
    let report = pack(&at("in"), &at("m.hct"), &uniform).unwrap();
    let input: usize = files.iter().map(|f| f.1.len()).sum();
    assert_eq!(report.input_bytes, input as u64);
    assert_eq!(report.weights, 0);
    let model = HctFile::open(at("m.hct")).unwrap();
    decompress(&model, &at("out"), false, &()).unwrap();
    for (name, bytes) in files {
        let name = name.strip_prefix("in/").unwrap();
        assert!(fs::read(at("out").join(name)).unwrap() == bytes, "{name}");
    }
    assert_eq!(model.side_file("config.json").unwrap().unwrap(), b"{}");
    assert_eq!(model.side_file("nothing").unwrap(), None);
    let error = decompress(&model, &at("one.safetensors"), false, &()).unwrap_err();
    assert!(matches!(error, Error::ManyShards { shards: 2, .. }));

    let checkpoint = Checkpoint::open(at("in")).unwrap();
    let options = CompressOptions {
        side_files: false,
        ..OPTIONS
    };
    let report = compress(&checkpoint, &at("bare.hct"), false, &uniform, options, &()).unwrap();
    assert_eq!(report.input_bytes, checkpoint.total_bytes());
    let bare = HctFile::open(at("bare.hct")).unwrap();
    assert!(bare.index().files.iter().all(|f| f.kind == FileKind::Shard));
}

#[test]
fn how_it_was_made_is_in_the_index_alone_and_counted() {
    let dir = folder(&[("m.safetensors", &small_model())]);
    let at = |name: &str| dir.path().join(name);
    let checkpoint = Checkpoint::open(at("m.safetensors")).unwrap();
    let uniform = UniformEncoder::new(0.98);
    let text = r#"{"made":"by a test"}"#;
    let options = CompressOptions {
        provenance: Some(text),
        ..OPTIONS
    };
    let silent = compress(
        &checkpoint,
        &at("silent.hct"),
        false,
        &uniform,
        OPTIONS,
        &(),
    )
    .unwrap();
    let said = compress(&checkpoint, &at("said.hct"), false, &uniform, options, &()).unwrap();
    // The index has it, and the last recovery block.
    let more = 2 * (1 + text.len() as u64);
    assert_eq!(said.output_bytes, silent.output_bytes + more);
    let models = ["silent.hct", "said.hct"].map(|name| HctFile::open(at(name)).unwrap());
    assert_eq!(models[0].index().provenance, None);
    assert_eq!(models[1].index().provenance.as_deref(), Some(text));
    let [silent, said] = models.map(|model| model.index().tensors.clone());
    assert_eq!(silent, said);

    let options = CompressOptions {
        provenance: Some(""),
        ..OPTIONS
    };
    let error = compress(&checkpoint, &at("x.hct"), false, &uniform, options, &()).unwrap_err();
    assert_says(&chain(&error), &["x.hct", "provenance"]);
    assert!(!at("x.hct").exists());
}

#[test]
fn existing_outputs_are_kept() {
    let dir = folder(&[("m.safetensors", &small_model()), ("taken", b"old")]);
    let (input, taken) = (dir.path().join("m.safetensors"), dir.path().join("taken"));
    let error = pack(&input, &taken, &LosslessEncoder).unwrap_err();
    assert!(matches!(error, Error::OutputExists { .. }));
    assert_says(&error, &["taken"]);
    let hct = dir.path().join("m.hct");
    pack(&input, &hct, &LosslessEncoder).unwrap();
    let model = HctFile::open(&hct).unwrap();
    let error = decompress(&model, &taken, false, &()).unwrap_err();
    assert!(matches!(error, Error::OutputExists { .. }));
    // A file does not become a folder, even if it may be replaced.
    let error = decompress(&model, &taken, true, &()).unwrap_err();
    assert!(matches!(error, Error::NotReplaceable { .. }));
    assert_eq!(fs::read(&taken).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn threads_do_not_change_a_byte() {
    let dir = folder(&[("m.safetensors", &small_model())]);
    let made = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let output = dir.path().join(format!("{threads}.hct"));
        let input = dir.path().join("m.safetensors");
        let uniform = UniformEncoder::new(0.9);
        let packed = || pack(&input, &output, &uniform).unwrap();
        pool.build().unwrap().install(packed);
        fs::read(output).unwrap()
    });
    assert!(made[0] == made[1]);
}

#[test]
fn what_is_decoded_is_what_was_predicted() {
    let dir = folder(&[("m.safetensors", &small_model())]);
    let at = |name: &str| dir.path().join(name);
    pack(
        &at("m.safetensors"),
        &at("m.hct"),
        &UniformEncoder::new(0.98),
    )
    .unwrap();
    let model = HctFile::open(at("m.hct")).unwrap();
    let checkpoint = Checkpoint::open(at("m.safetensors")).unwrap();
    let report = diff(&checkpoint, &model, &()).unwrap();
    for tensor in &report.tensors {
        if tensor.name == "z.matrix" {
            assert!(tensor.agreement.cosine > 0.98 && tensor.agreement.rel_mse > 0.0);
        } else {
            assert_eq!(tensor.agreement.rel_mse, 0.0, "{}", tensor.name);
        }
    }
    let names = |s: &dyn TensorSource| s.tensors().to_vec();
    assert_eq!(names(&checkpoint), names(&model));
    for (i, record) in model.index().tensors.iter().enumerate() {
        model.verify(i).unwrap();
        let sections = model.sections(i).unwrap();
        assert_eq!(sections.bytes.iter().sum::<u64>(), record.stored_bytes());
    }
}

/// Adds up what it is told.
#[derive(Default)]
struct Sum(Mutex<(u64, Vec<String>)>);

impl Progress for Sum {
    fn advance(&self, bytes: u64, tensor: &str) {
        let mut sum = self.0.lock().unwrap();
        sum.0 += bytes;
        sum.1.push(tensor.to_owned());
    }
}

#[test]
fn progress_adds_up() {
    let dir = folder(&[("m.safetensors", &small_model())]);
    let at = |name: &str| dir.path().join(name);
    let checkpoint = Checkpoint::open(at("m.safetensors")).unwrap();
    let strategy = LosslessEncoder;
    let sums: [Sum; 3] = Default::default();
    compress(
        &checkpoint,
        &at("m.hct"),
        false,
        &strategy,
        OPTIONS,
        &sums[0],
    )
    .unwrap();
    let model = HctFile::open(at("m.hct")).unwrap();
    decompress(&model, &at("out"), false, &sums[1]).unwrap();
    diff(&checkpoint, &model, &sums[2]).unwrap();
    for sum in sums {
        let (bytes, names) = sum.0.into_inner().unwrap();
        assert_eq!(bytes, 22108);
        assert_eq!(names, ["vector", "z.matrix", "ids"]);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let dir = folder(&[
        ("in/model.safetensors", &small_model()),
        ("in/config.json", b"{\"a\":1}"),
    ]);
    let path = dir.path().join("m.hct");
    pack(&dir.path().join("in"), &path, &UniformEncoder::new(0.3)).unwrap();
    let whole = fs::read(&path).unwrap();
    let intact = || HctFile::open(&path).is_ok_and(|model| verify(&model, &()).is_empty());
    assert!(intact());
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        put(dir.path(), "m.hct", &bytes);
        assert!(!intact(), "byte {at} changed, and nobody noticed");
    }
    for len in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        put(dir.path(), "m.hct", &whole[..len]);
        assert!(matches!(HctFile::open(&path), Err(Error::Hct { .. })));
    }
}
