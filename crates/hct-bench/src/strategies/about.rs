//! What the document says of itself.

use super::verdict::RULE;

/// The opening section.
pub fn about() -> String {
    [BEFORE, RULE, AFTER].concat()
}

const BEFORE: &str = "# Strategies compared

Made by `cargo xtask compare` (the sample), `cargo xtask compare --model PATH` (any checkpoint) or
`cargo xtask compare --all` (the sample and both models of `cargo xtask fetch`); each section is
regenerated on its own. The same numbers in full precision are in
[STRATEGIES.json](STRATEGIES.json). `cargo xtask compare --check` recomputes the section of the
sample and the low-rank matrix, and fails when a size or a quality differs. Sizes and qualities do
not depend on the machine or the number of threads; speeds do, and are for information only: they
were measured on a 2-core AVX-512 machine that had other work to do.

- **strategy**: as `hct compress --strategy` takes it. **preset**: `classic` is the scheme as first
  described in the containers of V3, `viable` the same idea under the rate–distortion engine. `rdo`
  is that engine alone: the row to beat.
- **bits per weight, matrices**: everything stored for the matrices (payload and records of the
  index), divided by their elements. The matrices are the tensors that lossy coding suits: floats
  of two or more dimensions with at least 4,096 elements. All other tensors are stored losslessly.
- **bits per weight, file**: the whole file, divided by the elements of all float tensors. Side
  files (configuration, tokenizer) are left out.
- **ratio**: bytes of the checkpoint's safetensors files to bytes of the HCT file; the heading
  names the type that the checkpoint stores its matrices in.
- **against `rdo`**: bits per weight of the matrices above those of `rdo` at the same cosine, which
  is taken between the points of its measured curve, bits being about linear in the logarithm of
  1 − cosine². A dash outside of the curve.
- **cosine**: cosine similarity of original and decoded weights, all matrices taken as one vector;
  cut, not rounded, to five digits.
- **rel. MSE**: ‖W − Ŵ‖² / ‖W‖², likewise over all matrices at once.
- **worst tensor**: the least cosine of a single matrix.
- **worst row**: the 1st percentile, over the rows of all embeddings among the matrices, of the
  cosine of a row after the mean row is subtracted from it. A dash without embeddings.
- **PPL ratio**, **KL mean**, **top-1**, **top-5**, **embedding cosine**, **Spearman**: the model in
  the measured file is run, and compared with the model as it was; [QUALITY.md](QUALITY.md) says what
  they are. Not for the sample, which is too little of a model, nor with `--no-model-quality`.
- **encode**: millions of weights per second, from the mapped checkpoint to the finished file.
- **decode**: millions of weights of the matrices per second, from the file to arrays in memory.
";

const AFTER: &str = "
Decoded values are rounded to the checkpoint's own type before they are compared.
";
