//! A model given on the command line, loaded so that it can be run.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use hct_core::Limits;
use hct_eval::{Model, ModelFiles};
use hct_model::{AsCheckpoint, Base, HctFile, Opened, TensorSource};

use crate::failure::usage;
use crate::opened::on_base;

/// An open model with its configuration and tokenizer.
pub struct Runnable {
    opened: Opened,
    files: ModelFiles,
    needs_base: bool,
}

impl Runnable {
    /// Opens a folder or an HCT file that has its own configuration and tokenizer.
    pub fn open(path: &Path, base: Option<&Arc<Base>>, limits: Limits) -> anyhow::Result<Runnable> {
        let (opened, needs_base) = on_base(Opened::open_within(path, limits)?, base)?;
        let found = Found::of(path, &opened)?;
        let missing = found.missing().join(" and no ");
        match found.complete() {
            Some(files) => Ok(Runnable {
                opened,
                files,
                needs_base,
            }),
            None => bail!("{}", lacking(path, &opened, &missing)),
        }
    }

    /// Opens the same, or weights alone, a GGUF file too, to be run as `reference` is.
    pub fn open_like(
        path: &Path,
        reference: &Runnable,
        base: Option<&Arc<Base>>,
        limits: Limits,
    ) -> anyhow::Result<Runnable> {
        let (opened, needs_base) = on_base(Opened::open_within(path, limits)?, base)?;
        let own = Found::of(path, &opened)?.complete();
        let files = own.unwrap_or_else(|| ModelFiles {
            config: reference.files.config.clone(),
            tokenizer: reference.files.tokenizer.clone(),
        });
        Ok(Runnable {
            opened,
            files,
            needs_base,
        })
    }

    /// Whether it is coded against a base.
    pub fn needs_base(&self) -> bool {
        self.needs_base
    }

    /// Its tensors.
    pub fn source(&self) -> &dyn TensorSource {
        self.opened.source()
    }

    /// The HCT file that it is, if it is one.
    pub fn hct_file(&self) -> Option<&HctFile> {
        match &self.opened {
            Opened::Hct(model) => Some(model),
            Opened::Checkpoint(_) => None,
        }
    }

    /// Decodes the weights.
    pub fn load(&self, path: &Path) -> anyhow::Result<Model> {
        self.load_with(path, |model, _| Ok(model))
    }

    /// Decodes the weights and does `work` with the model and with its tensors as they were loaded: of
    /// the same numbers as [`Self::source`]'s, by the names that the model has for them.
    pub fn load_with<T>(
        &self,
        path: &Path,
        work: impl FnOnce(Model, &dyn TensorSource) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        hct_eval::keep_freed_memory();
        let source = self.opened.source();
        let load = |source: &dyn TensorSource| {
            Model::load(&self.files, source).map_err(|error| match error {
                // These name the file.
                hct_eval::Error::Read(error) => error.into(),
                error => {
                    anyhow::Error::new(error).context(format!("{} cannot be run", path.display()))
                }
            })
        };
        match self.opened.gguf_header()? {
            Some(header) => {
                let named = AsCheckpoint::new(source, &header);
                let named = named.with_context(|| format!("{} cannot be run", path.display()))?;
                work(load(&named)?, &named)
            }
            None => work(load(source)?, source),
        }
    }
}

/// The error of running a model, as this binary reports it.
pub fn failed(error: hct_eval::Error) -> anyhow::Error {
    match error {
        hct_eval::Error::Read(error) => error.into(),
        error @ hct_eval::Error::Context { .. } => usage(error.to_string()),
        error => error.into(),
    }
}

/// What a model has of what it takes to run it.
struct Found {
    config: Option<Vec<u8>>,
    tokenizer: Option<Vec<u8>>,
}

impl Found {
    fn of(path: &Path, opened: &Opened) -> anyhow::Result<Found> {
        let file = |name: &str| match opened {
            Opened::Hct(model) => Ok(model.side_file(name)?),
            Opened::Checkpoint(_) if path.is_dir() => read_if_there(&path.join(name)),
            Opened::Checkpoint(_) => Ok(None),
        };
        Ok(Found {
            config: file("config.json")?,
            tokenizer: file("tokenizer.json")?,
        })
    }

    fn missing(&self) -> Vec<&'static str> {
        let config = self.config.is_none().then_some("config.json");
        let tokenizer = self.tokenizer.is_none().then_some("tokenizer.json");
        config.into_iter().chain(tokenizer).collect()
    }

    fn complete(self) -> Option<ModelFiles> {
        Some(ModelFiles {
            config: self.config?,
            tokenizer: self.tokenizer?,
        })
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    // Opening a pipe would wait for a writer.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        bail!("{}: not a regular file", path.display());
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn lacking(path: &Path, opened: &Opened, missing: &str) -> String {
    let path_shown = path.display();
    match opened {
        Opened::Hct(_) => format!(
            "{path_shown} carries no {missing}, without which it cannot be run; compress the \
             folder of the checkpoint, or pass that folder as MODEL and this file with --against"
        ),
        Opened::Checkpoint(_) if path.is_dir() => format!(
            "{path_shown} has no {missing}, without which it cannot be run; put it beside the \
             weights"
        ),
        Opened::Checkpoint(_) => format!(
            "{path_shown} holds weights alone, no {missing}; give the folder with all of them"
        ),
    }
}
