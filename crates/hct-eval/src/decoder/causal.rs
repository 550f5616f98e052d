//! Causal attention: no token sees a later one, and what it would see of them is not computed.

use candle_core::Tensor;

use crate::Error;
use crate::derivative;
use crate::exponential::exp;
use crate::rows::{by_rows, sum, total};

/// Tokens whose scores are computed together. All of them get scores for what the last one sees:
/// fewer waste less, more make larger products.
const BLOCK: usize = 128;

/// What attention is between: `queries`, key/value heads x query heads of each x new tokens x
/// dimension, scaled; `keys` and `values`, key/value heads x all tokens x dimension. The new tokens
/// are the last ones.
pub(super) struct Causal {
    pub queries: Tensor,
    pub keys: Tensor,
    pub values: Tensor,
}

/// How much of each value goes into each result, for some of the new tokens: key/value heads x
/// (query heads of each * tokens) x tokens that the last of them sees.
pub(super) struct Shares {
    first: usize,
    tokens: usize,
    shares: Tensor,
}

/// Gradients with respect to each part.
pub(super) struct CausalGradient {
    /// Query heads x tokens x dimension.
    pub queries: Tensor,
    pub keys: Tensor,
    pub values: Tensor,
}

impl Causal {
    /// Query heads x new tokens x dimension; and what it is made with.
    pub fn attend(&self) -> Result<(Tensor, Vec<Shares>), Error> {
        self.attend_in(BLOCK)
    }

    fn attend_in(&self, block: usize) -> Result<(Tensor, Vec<Shares>), Error> {
        let (kv_heads, group, new, dim) = self.queries.dims4()?;
        let seen = self.keys.dim(1)? - new;
        let (mut mixed, mut all) = (Vec::new(), Vec::new());
        for first in (0..new).step_by(block) {
            let tokens = block.min(new - first);
            let visible = seen + first + tokens;
            let keys = self.keys.narrow(1, 0, visible)?;
            let scores = self.queries_of(first, tokens)?.matmul(&keys.t()?)?;
            let shares = causal_softmax(&scores, tokens)?;
            let values = self.values.narrow(1, 0, visible)?;
            let part = shares.matmul(&values)?;
            mixed.push(part.reshape((kv_heads * group, tokens, dim))?);
            all.push(Shares {
                first,
                tokens,
                shares,
            });
        }
        Ok((Tensor::cat(&mixed, 1)?, all))
    }

    /// The gradients, given that with respect to what [`Self::attend`] gives when all tokens are
    /// new.
    pub fn backward(&self, shares: &[Shares], g: &Tensor) -> Result<CausalGradient, Error> {
        let (kv_heads, group, new, dim) = self.queries.dims4()?;
        let g = g.reshape(self.queries.shape())?;
        let (mut of_keys, mut of_values) = (self.keys.zeros_like()?, self.values.zeros_like()?);
        let mut of_queries = Vec::new();
        for block in shares {
            let Shares {
                first,
                tokens,
                shares,
            } = block;
            let visible = first + tokens;
            let of_mixed = rows_of(&g, *first, *tokens)?;
            let values = self.values.narrow(1, 0, visible)?;
            let of_shares = of_mixed.matmul(&values.t()?)?;
            let of_scores = derivative::softmax(shares, &of_shares)?;
            let keys = self.keys.narrow(1, 0, visible)?;
            let part = of_scores.matmul(&keys)?;
            of_queries.push(part.reshape((kv_heads * group, *tokens, dim))?);
            let queries = self.queries_of(*first, *tokens)?;
            let padded = |x: Tensor| x.pad_with_zeros(1, 0, new - visible);
            of_keys = sum(&of_keys, &padded(of_scores.t()?.matmul(&queries)?)?)?;
            of_values = sum(&of_values, &padded(shares.t()?.matmul(&of_mixed)?)?)?;
        }
        Ok(CausalGradient {
            queries: Tensor::cat(&of_queries, 1)?,
            keys: of_keys,
            values: of_values,
        })
    }

    fn queries_of(&self, first: usize, tokens: usize) -> Result<Tensor, Error> {
        rows_of(&self.queries, first, tokens)
    }
}

/// Some tokens of key/value heads x query heads of each x tokens x dimension, the query heads laid
/// end to end so that keys and values need no copies.
fn rows_of(x: &Tensor, first: usize, tokens: usize) -> Result<Tensor, Error> {
    let (kv_heads, group, _, dim) = x.dims4()?;
    let part = x.narrow(2, first, tokens)?;
    Ok(part.reshape((kv_heads, group * tokens, dim))?)
}

/// The softmax of each row over what its token sees: rows go through `tokens` again and again, of
/// which the last sees the whole row.
fn causal_softmax(scores: &Tensor, tokens: usize) -> Result<Tensor, Error> {
    let [shares] = by_rows([scores], |row, [scores], [out]| {
        let visible = scores.len() + 1 + row % tokens - tokens;
        let scores = &scores[..visible];
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let out = &mut out[..visible];
        for (out, score) in out.iter_mut().zip(scores) {
            *out = exp(score - most);
        }
        let scale = 1.0 / total(out);
        for out in out {
            *out *= scale;
        }
    })?;
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn made_up(shape: &[usize], seed: u32) -> Tensor {
        let count: usize = shape.iter().product();
        let values = (0..count as u32).map(|i| {
            let hash = (i ^ seed.rotate_left(16)).wrapping_mul(2_654_435_761) >> 8;
            hash as f32 / (1 << 23) as f32 - 1.0
        });
        Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
    }

    fn of(new: usize, seen: usize) -> Causal {
        Causal {
            queries: made_up(&[2, 3, new, 4], 1),
            keys: made_up(&[2, seen + new, 4], 2),
            values: made_up(&[2, seen + new, 4], 3),
        }
    }

    fn assert_near(a: &Tensor, b: &Tensor) {
        assert_eq!(a.dims(), b.dims());
        let (a, b) = (a.flatten_all().unwrap(), b.flatten_all().unwrap());
        let (a, b) = (a.to_vec1::<f32>().unwrap(), b.to_vec1::<f32>().unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn blocks_change_nothing() {
        for seen in [0, 5] {
            let causal = of(7, seen);
            let (whole, one) = causal.attend_in(7).unwrap();
            assert_eq!(one.len(), 1);
            for block in [1, 2, 3] {
                let (mixed, shares) = causal.attend_in(block).unwrap();
                assert_eq!(shares.len(), 7usize.div_ceil(block));
                assert_near(&mixed, &whole);
                if seen == 0 {
                    let g = made_up(&[6, 7, 4], 4);
                    let whole = causal.backward(&one, &g).unwrap();
                    let own = causal.backward(&shares, &g).unwrap();
                    assert_near(&own.queries, &whole.queries);
                    assert_near(&own.keys, &whole.keys);
                    assert_near(&own.values, &whole.values);
                }
            }
        }
    }

    #[test]
    fn nothing_later_is_seen() {
        let causal = of(5, 0);
        let (before, _) = causal.attend_in(2).unwrap();
        let last = made_up(&[2, 1, 4], 9);
        let changed = |x: &Tensor| Tensor::cat(&[&x.narrow(1, 0, 4).unwrap(), &last], 1).unwrap();
        let causal = Causal {
            keys: changed(&causal.keys),
            values: changed(&causal.values),
            queries: causal.queries,
        };
        let (after, _) = causal.attend_in(2).unwrap();
        let first = |x: &Tensor| x.narrow(1, 0, 4).unwrap().contiguous().unwrap();
        assert_near(&first(&before), &first(&after));
        let rest = (before - after).unwrap().abs().unwrap().sum_all().unwrap();
        assert!(rest.to_scalar::<f32>().unwrap() > 0.01);
    }
}
