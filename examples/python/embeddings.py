"""Compresses a sentence encoder and compares its embeddings before and after.

    python embeddings.py MODEL [--quality 0.9998] [--plot similarity.png] [--keep model.hct]

MODEL is a folder with a BERT layout, such as ~/.cache/hct/minilm of `cargo xtask fetch`. It takes
torch and transformers, and matplotlib for the plot. `hct eval MODEL --against model.hct --text
sentences.txt` gives the same cosines.
"""

# %% What to do
import argparse
import tempfile
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

import holotensor
import holotensor.transformers as hct

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model", type=Path)
parser.add_argument("--quality", type=float, default=0.9998, help="cosine of every matrix")
parser.add_argument("--plot", type=Path, help="image of the similarities to write")
parser.add_argument("--keep", type=Path, metavar="FILE", help="where the .hct file is to stay")
parser.add_argument(
    "--text", type=Path, default=Path(__file__).with_name("sentences.txt"), help="sentences, blank lines between them"
)
arguments = parser.parse_args()
SENTENCES = [" ".join(lines.split()) for lines in arguments.text.read_text().split("\n\n") if lines.strip()]


# %% Sentences to vectors
def embed(model: torch.nn.Module, tokenizer) -> torch.Tensor:
    """Means of the last hidden states, of length 1: one row a sentence."""
    tokens = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    means = (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(means, dim=1)


# %% Compress, load, compare
with tempfile.TemporaryDirectory() as folder:
    file = arguments.keep or Path(folder) / "model.hct"
    report = holotensor.compress(arguments.model, file, cosine=arguments.quality, progress=True)
    print(f"{report['bits_per_weight']:.3f} bits per weight, {report['ratio']:.2f}x smaller")
    tokenizer = hct.from_pretrained(AutoTokenizer, file)
    after = embed(hct.from_pretrained(AutoModel, file).eval(), tokenizer)
before = embed(AutoModel.from_pretrained(arguments.model).eval(), tokenizer)

cosines = (before * after).sum(1)
print(f"cosine of embeddings: mean {cosines.mean():.6f}, worst {cosines.min():.6f}")
similarities = [vectors @ vectors.T for vectors in (before, after)]
print(f"largest change of a similarity: {(similarities[0] - similarities[1]).abs().max():.6f}")

# %% Plot
if arguments.plot:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
    for axis, title, similarity in zip(axes, ("before", "after"), similarities):
        image = axis.imshow(similarity, vmin=0, vmax=1)
        axis.set_title(title)
    figure.colorbar(image, ax=axes, label="cosine similarity")
    figure.savefig(arguments.plot)
