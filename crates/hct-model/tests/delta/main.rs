//! Checkpoints coded against others: a file for each promise.

mod bands;
mod chain;
mod choice;
mod names;
mod rate;
mod support;
mod wrong_base;
