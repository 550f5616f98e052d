"""GGUF files that llama.cpp itself reads: what it makes of them is what ``hct eval`` makes of them.

It takes llama-cpp-python, the command line (HCT_CLI) and SmolLM2 of `cargo xtask fetch`. Of what is measured with
``-s``, the package's README has the figures.
"""

import json
import math
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")

import holotensor
CONTEXT, TOKENS = 128, 512
TEXT = Path(__file__).parents[3] / "assets/text/prose.txt"


@pytest.fixture(scope="module")
def smollm2():
    cache = os.environ.get("HCT_CACHE") or Path.home() / ".cache/hct"
    folder = Path(cache) / "smollm2"
    if not (folder / "model.safetensors").exists():
        pytest.skip("SmolLM2 is not there: cargo xtask fetch")
    return folder


def opened(path):
    # Keys and values in float32, as `hct eval` has them.
    # One thread: several wait for each other in loops, which takes forever where others want the cores.
    one = {"n_threads": 1, "n_threads_batch": 1}
    sizes = {"n_ctx": CONTEXT, "n_batch": CONTEXT}
    return llama_cpp.Llama(str(path), logits_all=True, verbose=False, type_k=0, type_v=0, **sizes, **one)


def perplexity(model, tokens):
    """That of windows of CONTEXT tokens, each token but the first scored."""
    total, scored = 0.0, 0
    for at in range(0, len(tokens), CONTEXT):
        window = tokens[at : at + CONTEXT]
        if len(window) < 2:
            continue
        model.reset()
        model.eval(window)
        logits = np.asarray(model.scores[: len(window) - 1], dtype=np.float64)
        top = logits.max(axis=1)
        norm = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
        total += (norm - logits[np.arange(len(window) - 1), window[1:]]).sum()
        scored += len(window) - 1
    return math.exp(total / scored)


def said_by_hct(hct, smollm2, path):
    """What ``hct eval`` says of the weights in a file."""
    command = [hct, "eval", str(smollm2), "--against", str(path), "--text", str(TEXT), "--json"]
    command += ["--context", str(CONTEXT), "--max-tokens", str(TOKENS)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


# llama.cpp multiplies blocks with activations that are themselves rounded to 8 bits, and others with some in float16.
@pytest.mark.parametrize("kind,most", [("f16", 0.0005), ("bf16", 0.0005), ("q8_0", 0.01), ("q4_0", 0.01)])
def test_an_exported_model_predicts_as_hct_eval_says(hct, smollm2, tmp_path, kind, most):
    file, gguf = tmp_path / "m.hct", tmp_path / "m.gguf"
    holotensor.compress(smollm2, file, quality="lossless", verify=False)
    holotensor.export(file, gguf, type=kind)
    model = opened(gguf)
    # By its own tokenizer, which is that of the exported file.
    tokens = model.tokenize(TEXT.read_bytes(), add_bos=False, special=False)[:TOKENS]
    ours, theirs = said_by_hct(hct, smollm2, gguf)["perplexity"], perplexity(model, tokens)
    print(f"\n{kind}: perplexity {ours:.4f} by hct eval, {theirs:.4f} by llama.cpp, {theirs / ours - 1:+.4%}")
    assert abs(theirs / ours - 1) < most
    restored = tmp_path / "restored.gguf"
    coded = tmp_path / "g.hct"
    holotensor.compress(gguf, coded, quality="lossless", verify=False)
    holotensor.decompress(coded, restored)
    assert restored.read_bytes() == gguf.read_bytes()


def test_it_writes_what_hct_generate_writes(hct, smollm2, tmp_path):
    prompt = "The capital of France is"
    holotensor.export(smollm2, tmp_path / "m.gguf", type="f16")
    model = opened(tmp_path / "m.gguf")
    theirs = model.create_completion(prompt, max_tokens=16, temperature=0)["choices"][0]["text"]
    command = [hct, "generate", str(smollm2), "--prompt", prompt, "-n", "16"]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    print(f"\n{theirs!r}")
    assert theirs.strip() in said
