//! What is wrong with a spec.

use super::options::SpecOption;
use crate::{ImportanceMapError, StrategyName, UnknownName};

/// Why options describe no strategy. Messages name options as JSON has them and say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Not JSON, or JSON of another shape.
    #[error(
        "the spec is not a JSON object of options; write it like {{\"strategy\": \"rdo\", \"cosine\": 0.995}}"
    )]
    Json(#[source] serde_json::Error),
    /// More text than any spec needs.
    #[error("the spec takes {bytes} bytes; at most {most} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        most: usize,
    },
    /// It does not say which strategy.
    #[error("the spec names no strategy; add \"strategy\"")]
    NoStrategy,
    /// There is no such strategy, preset or effort.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// No strategy has such an option.
    #[error(
        "there is no option {name:?}; options are {}",
        list(SpecOption::ALL, ", ")
    )]
    UnknownOption {
        /// The name, cut short where it is long.
        name: String,
    },
    /// An option is there twice.
    #[error("{name} is there twice; remove one of the two")]
    Repeated {
        /// The option.
        name: &'static str,
    },
    /// A value is out of range or of the wrong type.
    #[error("{option} is {value}; give {}", option.advice())]
    Value {
        /// The option.
        option: SpecOption,
        /// The value as JSON or as the user wrote it, cut short where it is long.
        value: String,
    },
    /// The strategy does not have the option.
    #[error(
        "{option} belongs to the strategies {}, not to {strategy}; leave one of them out",
        list(option.strategies(), ", ")
    )]
    OtherStrategy {
        /// The option.
        option: SpecOption,
        /// The strategy it was given to.
        strategy: StrategyName,
    },
    /// The classic preset does not have the option.
    #[error("{option} belongs to the preset viable; leave one of them out")]
    OtherPreset {
        /// The option.
        option: SpecOption,
    },
    /// Two options say how good the result is to be.
    #[error("{first} and {second} both set the quality; leave one of them out")]
    Conflict {
        /// One.
        first: SpecOption,
        /// The other.
        second: SpecOption,
    },
    /// The importance map is not one.
    #[error("importance_map is no importance map")]
    Map(#[from] ImportanceMapError),
    /// The strategy goes by a calibration, and there is none.
    #[error("calibrated needs the calibration of the model; give one, or another strategy")]
    NeedsCalibration,
    /// One strategy was wanted of a spec that needs several tries to hit a size.
    #[error("bpw asks for a size, which takes more than one strategy; use the spec's plan")]
    NeedsPlan,
}

/// Names one after another.
pub(super) fn list<T: ToString>(items: &[T], between: &str) -> String {
    let names: Vec<String> = items.iter().map(T::to_string).collect();
    names.join(between)
}
