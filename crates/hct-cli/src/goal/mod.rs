//! Compressing until a model predicts as well as asked.

mod args;
mod judge;
mod search;

pub use args::{Goal, GoalArgs};
pub use judge::{Judge, JudgeTexts, Measured};
pub use search::{Dial, search};
