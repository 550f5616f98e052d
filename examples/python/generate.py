"""Compresses a language model and lets what comes of it write.

    python generate.py MODEL [--quality 0.9998] [--prompt TEXT]

MODEL is a folder such as ~/.cache/hct/smollm2 of `cargo xtask fetch`. It takes torch and transformers.
"""

import argparse
import tempfile
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

import holotensor
import holotensor.transformers as hct

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model", type=Path)
parser.add_argument("--quality", type=float, default=0.9998, help="cosine of every matrix")
parser.add_argument("--prompt", default="The capital of France is")
arguments = parser.parse_args()

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "model.hct"
    report = holotensor.compress(arguments.model, file, cosine=arguments.quality, progress=True)
    print(f"{report['bits_per_weight']:.3f} bits per weight, {report['ratio']:.2f}x smaller")
    model = hct.from_pretrained(AutoModelForCausalLM, file).eval()
    tokenizer = hct.from_pretrained(AutoTokenizer, file)

tokens = tokenizer(arguments.prompt, return_tensors="pt")
written = model.generate(**tokens, max_new_tokens=30, do_sample=False)
print(tokenizer.decode(written[0], skip_special_tokens=True))
