//! The sums of linear layers that share an input.

use hct_model::{GroupTensor, StatisticsGroup};
use rayon::prelude::*;

use super::reliability::{Halves, Pooled};
use super::sums::ProductSums;
use crate::Error;
use crate::passage::Passage;
use crate::rows::values;

/// Sums over the tokens of some windows.
pub(crate) struct GroupSums {
    inputs: ProductSums,
    /// For each linear layer.
    outputs: Vec<OutputSums>,
}

struct OutputSums {
    /// Of the inputs, each token weighted by the sum of the squares of its gradient.
    weighted: ProductSums,
    /// Of the squares of each output's gradient.
    rows: Vec<f64>,
}

impl GroupSums {
    /// Adds a passage to `sums`; the first one says how large they are.
    pub fn add(sums: &mut Option<GroupSums>, passage: &Passage) -> Result<(), Error> {
        let size = passage.input.dim(1)?;
        let sums = match sums {
            Some(sums) => sums,
            None => {
                let mut outputs = Vec::new();
                for gradient in &passage.gradients {
                    outputs.push(OutputSums {
                        weighted: ProductSums::new(size),
                        rows: vec![0.0; gradient.dim(1)?],
                    });
                }
                sums.insert(GroupSums {
                    inputs: ProductSums::new(size),
                    outputs,
                })
            }
        };
        sums.inputs.add(&passage.input)?;
        for (sums, gradient) in sums.outputs.iter_mut().zip(&passage.gradients) {
            let weights = sums.add_squares(&values(gradient)?);
            sums.weighted.add_weighted(&passage.input, &weights)?;
        }
        Ok(())
    }

    /// Sums over no tokens, of the same sizes.
    fn nothing(&self) -> GroupSums {
        let outputs = self.outputs.iter().map(|output| OutputSums {
            weighted: ProductSums::new(output.weighted.size),
            rows: vec![0.0; output.rows.len()],
        });
        GroupSums {
            inputs: ProductSums::new(self.inputs.size),
            outputs: outputs.collect(),
        }
    }

    /// The statistics of the matrices `names`, in the order of the passage's gradients.
    pub fn finish(
        halves: [Option<GroupSums>; 2],
        tokens: [u64; 2],
        names: Vec<String>,
    ) -> Result<StatisticsGroup, Error> {
        let (a, b) = match halves {
            [Some(a), Some(b)] => (a, b),
            // A half without windows.
            [Some(one), None] | [None, Some(one)] => {
                let nothing = one.nothing();
                if tokens[1] == 0 {
                    (one, nothing)
                } else {
                    (nothing, one)
                }
            }
            [None, None] => {
                return Err(Error::TextTooShort {
                    what: "tokens",
                    found: 0,
                    least: 2,
                });
            }
        };
        let pool = |a: ProductSums, b: ProductSums| {
            let sums = [a, b];
            Halves { sums, tokens }.pooled()
        };
        let all = tokens[0] + tokens[1];
        let inputs = pool(a.inputs, b.inputs)?;
        let outputs: Vec<_> = a.outputs.into_iter().zip(b.outputs).zip(names).collect();
        let tensors = outputs.into_par_iter().map(|((a, b), name)| {
            let rows = a.rows.iter().zip(&b.rows);
            let rows = rows.map(|(a, b)| ((a + b) / all as f64) as f32).collect();
            let Pooled {
                moments,
                reliability,
            } = pool(a.weighted, b.weighted)?;
            Ok(GroupTensor {
                name,
                weighted: Some(hct_strategies::Moments::Full(moments)),
                weighted_reliability: reliability,
                rows: Some(rows),
            })
        });
        let tensors = tensors.collect::<Result<Vec<_>, Error>>()?;
        Ok(StatisticsGroup {
            tokens: all,
            reliability: inputs.reliability,
            inputs: inputs.into_moments(),
            tensors,
        })
    }
}

impl OutputSums {
    /// Adds the squares of each column of `gradients`; gives the sum over each row.
    fn add_squares(&mut self, gradients: &[f32]) -> Vec<f32> {
        let width = self.rows.len();
        for row in gradients.chunks_exact(width) {
            for (sum, g) in self.rows.iter_mut().zip(row) {
                *sum += f64::from(g * g);
            }
        }
        let rows = gradients.par_chunks_exact(width).with_min_len(64);
        rows.map(|row| row.iter().map(|g| g * g).sum()).collect()
    }
}
