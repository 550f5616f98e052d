//! The process that measures, one order at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hct_core::{Dtype, HctReader};
use hct_model::{Checkpoint, TensorSource};
use hct_strategies::{
    LosslessEncoder, Strategy, StrategyName, StrategySpec, TensorView, lossless_reason,
};
use rayon::prelude::*;

use super::entrants::{Entrant, entrants};
use super::order::{Answer, Measured, Order};
use super::tensors::Pool;
use super::timed::timed;
use crate::contestant::Ours;
use crate::model::meta;
use crate::weights::Weights;

/// Rows and columns of the weights that coders are compared on.
pub const SHAPE: (usize, usize) = (2048, 2048);

/// Follows the orders on standard input until that ends.
pub fn work() -> Result<()> {
    let mut worker = Worker {
        entrants: entrants(),
        weights: HashMap::new(),
        pool: Pool::default(),
    };
    let mut out = io::stdout();
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let answer: Answer = worker.measure(&order).map_err(|e| format!("{e:#}"));
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

struct Worker {
    entrants: Vec<Entrant>,
    weights: HashMap<&'static str, Weights>,
    pool: Pool,
}

impl Worker {
    fn measure(&mut self, order: &Order) -> Result<Measured> {
        match order {
            Order::Coder { name, dtype } => self.coder(name, dtype),
            Order::Size {
                exact,
                tensors,
                weights,
            } => self.pool.measure(*exact, *tensors, *weights),
            Order::Stage { stage } => {
                let weights = weights(&mut self.weights, Dtype::BF16)?;
                Ok(Measured {
                    encode: stage.measure(weights)?,
                    ..Measured::default()
                })
            }
            Order::File { path } => file(path),
            Order::Checkpoint { path, exact } => checkpoint(path, *exact),
        }
    }

    fn coder(&mut self, name: &str, dtype: &str) -> Result<Measured> {
        let mut entrants = self.entrants.iter();
        let entrant = entrants
            .find(|e| e.name == name && e.dtype.name() == dtype)
            .with_context(|| format!("no coder is called {name} on {dtype}"))?;
        let weights = weights(&mut self.weights, entrant.dtype)?;
        measure(entrant, weights)
    }
}

/// The weights of a type, made once.
fn weights<'a>(made: &'a mut HashMap<&'static str, Weights>, dtype: Dtype) -> Result<&'a Weights> {
    Ok(match made.entry(dtype.name()) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(Weights::gaussian(SHAPE.0, SHAPE.1, dtype)?),
    })
}

fn measure(entrant: &Entrant, weights: &Weights) -> Result<Measured> {
    let contestant = &entrant.contestant;
    let (encode, coded) = timed(|| contestant.encode(weights))?;
    let (decode, decoded) = timed(|| contestant.decode(&coded, weights))?;
    if entrant.exact {
        ensure!(weights.same(&decoded), "bits came back changed");
    }
    let (rel_mse, decoded_hash) = weights.compare(&decoded)?;
    let mut hasher = DefaultHasher::new();
    decoded_hash.hash(&mut hasher);
    if let Ok(bytes) = coded.bytes() {
        bytes.hash(&mut hasher);
    }
    Ok(Measured {
        encode,
        decode,
        bytes: coded.size() as u64,
        rel_mse,
        hash: hasher.finish(),
        ..Measured::default()
    })
}

/// Decodes all tensors of a file, as many at once as there are threads.
fn file(path: &str) -> Result<Measured> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
    let start = Instant::now();
    let reader = HctReader::open(&bytes)?;
    let tensors = 0..reader.index().tensors.len();
    let decoded = tensors
        .into_par_iter()
        .map(|i| reader.decode(i).map(|decoded| decoded.len() as u64))
        .try_reduce(|| 0, |a, b| Ok(a + b))?;
    let decode = start.elapsed().as_secs_f64();
    ensure!(decoded > 0, "{path} has no tensors");
    Ok(Measured {
        decode,
        bytes: bytes.len() as u64,
        hash: decoded,
        ..Measured::default()
    })
}

/// Codes all tensors of a checkpoint, as many at once as there are threads.
fn checkpoint(path: &str, exact: bool) -> Result<Measured> {
    let checkpoint = Checkpoint::open(path)?;
    let infos = checkpoint.tensors();
    let tensors = (0..infos.len()).map(|i| Ok(checkpoint.read(i)?.into_owned()));
    let tensors: Vec<Vec<u8>> = tensors.collect::<Result<_>>()?;
    let strategy = match exact {
        true => StrategyName::Lossless,
        false => StrategyName::default(),
    };
    let names = infos.iter().map(|info| info.name.as_str());
    let ours = Ours::specified_for(String::new(), StrategySpec::builder(strategy), names);
    let start = Instant::now();
    let coded = infos.par_iter().zip(&tensors).map(|(info, bytes)| {
        let tensor = TensorView {
            meta: &meta(info),
            bytes,
            base: None,
        };
        let coded = match lossless_reason(tensor)? {
            Some(_) => LosslessEncoder.encode(tensor)?,
            None => ours.encoder().encode(tensor)?,
        };
        Ok(coded.tensor.payload_bytes())
    });
    let bytes = coded.try_reduce(|| 0, |a, b| Ok::<_, anyhow::Error>(a + b))?;
    let encode = start.elapsed().as_secs_f64();
    ensure!(bytes > 0, "{path} has no tensors");
    Ok(Measured {
        encode,
        bytes: bytes as u64,
        ..Measured::default()
    })
}
