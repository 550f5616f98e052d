"""Compresses a sentence encoder and compares its embeddings before and after.

    python embeddings.py MODEL [--quality 0.9998] [--plot similarity.png]

MODEL is a folder with a BERT layout, such as ~/.cache/hct/minilm of `cargo xtask fetch`. It takes
torch and transformers, and matplotlib for the plot.
"""

# %% What to do
import argparse
import tempfile
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

import holotensor
import holotensor.transformers as hct

SENTENCES = """\
The cat sleeps on the warm windowsill.
A kitten is dozing in the sun by the window.
The stock market fell sharply on Monday.
Shares lost much of their value at the beginning of the week.
She plays the violin in an orchestra.
He repaired the engine of an old tractor.
Bread is baked from flour, water, salt and yeast.
The recipe needs two cups of flour and a little salt.
The river flooded the lower part of the town.
Heavy rain made the stream burst its banks.
Our train to Vienna leaves at seven.
The telescope found a planet outside the solar system.
""".splitlines()

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model", type=Path)
parser.add_argument("--quality", type=float, default=0.9998, help="cosine of every matrix")
parser.add_argument("--plot", type=Path, help="image of the similarities to write")
arguments = parser.parse_args()


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
    file = Path(folder) / "model.hct"
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
