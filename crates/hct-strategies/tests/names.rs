//! Roles and layer positions of the names in real checkpoints.
//!
//! Each file of `names/` is one checkpoint. A line is a name, its role and, for a tensor in a
//! layer, the layer's number and how many its stack has.

use std::fs;
use std::path::PathBuf;

use hct_strategies::{LayerStacks, role};

struct Tensor {
    name: String,
    role: String,
    position: Option<(usize, usize)>,
}

fn tensor(line: &str) -> Tensor {
    let fields: Vec<&str> = line.split(' ').collect();
    let (name, role, position) = match fields[..] {
        [name, role] => (name, role, None),
        [name, role, position] => (name, role, position.split_once('/')),
        _ => panic!("not a name, a role and a position: {line:?}"),
    };
    Tensor {
        name: name.to_owned(),
        role: role.to_owned(),
        position: position.map(|(i, n)| (i.parse().unwrap(), n.parse().unwrap())),
    }
}

/// The lists, by file name.
fn checkpoints() -> Vec<(String, Vec<Tensor>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/names");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (file, lines.map(tensor).collect())
        })
        .collect()
}

#[test]
fn every_family_is_there() {
    let mut found: Vec<String> = checkpoints().into_iter().map(|(file, _)| file).collect();
    found.sort();
    for family in [
        "llama",
        "qwen1",
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "mistral",
        "mixtral",
        "gemma",
        "gemma2",
        "gemma3",
        "gpt2",
        "gpt_neox",
        "bert",
        "vit",
        "vit_timm",
        "whisper",
        "whisper_openai",
    ] {
        assert!(
            found.iter().any(|f| f == family),
            "{family} not in {found:?}"
        );
    }
}

#[test]
fn names_of_real_checkpoints_have_their_roles() {
    for (file, tensors) in checkpoints() {
        assert!(tensors.len() > 10, "{file} is nearly empty");
        for tensor in tensors {
            let found = format!("{:?}", role(&tensor.name));
            assert_eq!(found, tensor.role, "{file}: {}", tensor.name);
        }
    }
}

#[test]
fn names_of_real_checkpoints_have_their_positions() {
    for (file, tensors) in checkpoints() {
        let stacks = LayerStacks::of(tensors.iter().map(|tensor| tensor.name.as_str()));
        assert!(
            tensors.iter().any(|tensor| tensor.position.is_some()),
            "{file} has no layers"
        );
        for tensor in tensors {
            let found = stacks.position(&tensor.name);
            assert_eq!(found, tensor.position, "{file}: {}", tensor.name);
        }
    }
}

#[test]
fn prefixes_change_nothing() {
    for (file, tensors) in checkpoints() {
        let wrapped = |name: &str| format!("_orig_mod.base_model.{name}");
        let names: Vec<String> = tensors.iter().map(|tensor| wrapped(&tensor.name)).collect();
        let stacks = LayerStacks::of(names.iter().map(String::as_str));
        for (tensor, name) in tensors.iter().zip(&names) {
            // `output` alone is a head only where no prefix makes it the output of something.
            if tensor.name != "output.weight" {
                assert_eq!(format!("{:?}", role(name)), tensor.role, "{file}: {name}");
            }
            assert_eq!(stacks.position(name), tensor.position, "{file}: {name}");
        }
    }
}

#[test]
fn hostile_names_are_other_and_in_no_layer() {
    let long = "layers.".repeat(100_000);
    let largest = format!("layers.{}.w", usize::MAX);
    for name in [
        "",
        ".",
        "....",
        "/",
        "layers",
        "layers.",
        "layers..",
        "layers.99999999999999999999.w",
        "layers.-1.w",
        "layers.１.w",
        "слой.0.вес",
        "層.0.重み",
        "🦀.🦀",
        "layers.\u{0}.w",
        "İ.ẞ.weight",
        &largest,
        &long,
    ] {
        assert_eq!(format!("{:?}", role(name)), "Other", "{name:?}");
        assert_eq!(LayerStacks::of([name]).position(name), None, "{name:?}");
    }
    // The largest number that still can be counted up to.
    let name = format!("層.layers.{}", usize::MAX - 1);
    let stacks = LayerStacks::of([name.as_str()]);
    assert_eq!(stacks.position(&name), Some((usize::MAX - 1, usize::MAX)));
}
