//! Models run before and after coding, apart from everything else: what they are run on, what is
//! measured, and how it reads in tables.

mod columns;
mod evaluator;
mod model_quality;
mod on_texts;
mod questions;
mod settings;
#[cfg(test)]
mod tests;
mod texts;

pub use evaluator::Evaluator;
pub use model_quality::{LanguageQuality, ModelQuality};
pub use on_texts::OnTexts;
pub use questions::{QUESTIONS, SAMPLE};
pub use settings::Settings;
