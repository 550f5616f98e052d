//! Which spec codes which tensor: what a plan says, and an editor may change.

use std::collections::BTreeMap;
use std::sync::Arc;

use hct_core::Result as CodecResult;
use serde::{Deserialize, Serialize};

use crate::{Calibration, Coded, Plan, SpecError, Strategy, StrategySpec, TensorView};

/// Most bytes of JSON that an allocation may take: 64 MiB, for a million tensors.
pub const MAX_ALLOCATION: usize = 64 << 20;

/// A spec for each tensor by name, and one for all others.
///
/// As JSON it is `{"default": SPEC, "tensors": {NAME: {"spec": SPEC, …}, …}}`. Whatever else is said of
/// a tensor, such as how many bits it took, is passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// Of tensors that are not named.
    pub default: StrategySpec,
    /// Of those that are.
    pub tensors: BTreeMap<String, AllocationEntry>,
}

/// What is said of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationEntry {
    /// How it is coded.
    pub spec: StrategySpec,
}

/// Why an allocation is none, or not one of this checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AllocationError {
    /// Not JSON, or of another shape, or a spec in it is wrong.
    #[error(
        "the plan is not a JSON object with \"default\" and \"tensors\", as `hct plan --export` \
         writes it"
    )]
    Json(#[source] serde_json::Error),
    /// More text than any plan needs.
    #[error("the plan takes {bytes} bytes; at most {most} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        most: usize,
    },
    /// It names a tensor that the checkpoint does not have.
    #[error("the plan has {tensor:?}, which the checkpoint has not; take it out")]
    NoSuchTensor {
        /// The name.
        tensor: String,
    },
    /// The spec of a tensor cannot be used.
    #[error("the plan cannot be followed for {tensor:?}")]
    Tensor {
        /// The name, or `default`.
        tensor: String,
        /// Why not.
        #[source]
        error: SpecError,
    },
}

impl Allocation {
    /// Reads an allocation from JSON.
    ///
    /// # Errors
    /// When the text is none, or a spec in it is wrong.
    pub fn from_json(text: &str) -> Result<Self, AllocationError> {
        if text.len() > MAX_ALLOCATION {
            return Err(AllocationError::TooLong {
                bytes: text.len(),
                most: MAX_ALLOCATION,
            });
        }
        serde_json::from_str(text).map_err(AllocationError::Json)
    }

    /// The strategy that codes each tensor of a checkpoint with tensors of these names by its spec.
    ///
    /// # Errors
    /// When a tensor is not among `names`, or a spec asks for the size of a file or needs a
    /// calibration that is not given.
    pub fn build(
        &self,
        names: &[&str],
        calibration: Option<Arc<dyn Calibration>>,
    ) -> Result<Box<dyn Strategy + Send>, AllocationError> {
        let of = |tensor: &str, spec: &StrategySpec| {
            let plan = spec.plan(names.iter().copied(), calibration.clone());
            let strategy = plan.and_then(|plan| match plan {
                Plan::Strategy(strategy) => Ok(Arc::from(strategy)),
                Plan::Rate(_) => Err(SpecError::NeedsPlan),
            });
            strategy.map_err(|error| AllocationError::Tensor {
                tensor: tensor.to_owned(),
                error,
            })
        };
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        // Many tensors have the same spec as a rule.
        let mut made: BTreeMap<String, Shared> = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        for (tensor, entry) in &self.tensors {
            if sorted.binary_search(&&tensor[..]).is_err() {
                return Err(AllocationError::NoSuchTensor {
                    tensor: tensor.clone(),
                });
            }
            let key = entry.spec.to_json();
            let strategy = match made.get(&key) {
                Some(strategy) => Arc::clone(strategy),
                None => of(tensor, &entry.spec)?,
            };
            made.insert(key, Arc::clone(&strategy));
            tensors.insert(tensor.clone(), strategy);
        }
        Ok(Box::new(Allocated {
            default: of("default", &self.default)?,
            tensors,
        }))
    }
}

type Shared = Arc<dyn Strategy + Send>;

/// Codes each tensor by a strategy of its own.
struct Allocated {
    default: Shared,
    tensors: BTreeMap<String, Shared>,
}

impl Strategy for Allocated {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn encode(&self, tensor: TensorView<'_>) -> CodecResult<Coded> {
        let own = self.tensors.get(&tensor.meta.name);
        own.unwrap_or(&self.default).encode(tensor)
    }
}
