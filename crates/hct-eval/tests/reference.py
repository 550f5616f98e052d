"""The numbers that src/tests/smollm2.rs and src/tests/minilm.rs expect, from another implementation:
both forward passes in numpy, which share nothing with this crate but the tokenizers.

    pip install numpy tokenizers
    python3 crates/hct-eval/tests/reference.py ~/.cache/hct

The weights are those that `cargo xtask fetch` makes. Recorded with numpy 2 and tokenizers 0.23.
"""

import json
import math
import pathlib
import sys

import numpy as np
from tokenizers import Tokenizer

CACHE = pathlib.Path(sys.argv[1]).expanduser()
TEXT = pathlib.Path(__file__).parents[3] / "assets/text/evaluation.txt"
DTYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8"}


class Model:
    def __init__(self, name):
        folder = CACHE / name
        self.config = json.loads((folder / "config.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        raw = (folder / "model.safetensors").read_bytes()
        start = 8 + int.from_bytes(raw[:8], "little")
        self.raw, self.header, self.start = raw, json.loads(raw[8:start]), start

    def __getitem__(self, name):
        info = self.header[name]
        begin, end = (self.start + offset for offset in info["data_offsets"])
        values = np.frombuffer(self.raw[begin:end], DTYPES[info["dtype"]])
        return values.reshape(info["shape"]).astype(np.float32)

    def linear(self, x, name, bias):
        y = x @ self[name + ".weight"].T
        return y + self[name + ".bias"] if bias else y


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def split(x, dim):
    return x.reshape(len(x), -1, dim).swapaxes(0, 1)


def llama_log_probabilities(m, ids):
    c = m.config
    dim = c["hidden_size"] // c["num_attention_heads"]
    share = c["num_attention_heads"] // c["num_key_value_heads"]
    steps = c["rope_theta"] ** (-np.arange(0, dim, 2) / dim)
    angles = np.tile(np.outer(np.arange(len(ids)), steps), 2)
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    future = np.triu(np.full((len(ids), len(ids)), -np.inf, np.float32), 1)

    def norm(x, name):
        scale = np.sqrt((x * x).mean(-1, keepdims=True) + c["rms_norm_eps"])
        return x / scale * m[name + ".weight"]

    def rotate(x):
        return x * cos + np.concatenate([-x[..., dim // 2 :], x[..., : dim // 2]], -1) * sin

    x = m["model.embed_tokens.weight"][ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        h = norm(x, p + "input_layernorm")
        q = rotate(split(m.linear(h, p + "self_attn.q_proj", False), dim))
        k = rotate(split(m.linear(h, p + "self_attn.k_proj", False), dim)).repeat(share, 0)
        v = split(m.linear(h, p + "self_attn.v_proj", False), dim).repeat(share, 0)
        a = softmax(q @ k.swapaxes(1, 2) / math.sqrt(dim) + future) @ v
        a = a.swapaxes(0, 1).reshape(len(ids), -1)
        x = x + m.linear(a, p + "self_attn.o_proj", False)
        h = norm(x, p + "post_attention_layernorm")
        gate = m.linear(h, p + "mlp.gate_proj", False)
        up = m.linear(h, p + "mlp.up_proj", False)
        x = x + m.linear(gate / (1 + np.exp(-gate)) * up, p + "mlp.down_proj", False)
    logits = (norm(x, "model.norm") @ m["model.embed_tokens.weight"].T).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def bert_embedding(m, text):
    c = m.config
    m.tokenizer.no_padding()
    ids = m.tokenizer.encode(text).ids
    dim = c["hidden_size"] // c["num_attention_heads"]
    erf = np.vectorize(math.erf)

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(-1, keepdims=True) + c["layer_norm_eps"])
        return centred / scale * m[name + ".weight"] + m[name + ".bias"]

    e = "embeddings."
    x = m[e + "word_embeddings.weight"][ids] + m[e + "position_embeddings.weight"][: len(ids)]
    x = norm(x + m[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
    for i in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        parts = ("query", "key", "value")
        q, k, v = (split(m.linear(x, f"{p}attention.self.{n}", True), dim) for n in parts)
        a = softmax(q @ k.swapaxes(1, 2) / math.sqrt(dim)) @ v
        a = a.swapaxes(0, 1).reshape(len(ids), -1)
        a = m.linear(a, p + "attention.output.dense", True)
        x = norm(x + a, p + "attention.output.LayerNorm")
        h = m.linear(x, p + "intermediate.dense", True)
        h = h * 0.5 * (1 + erf(h / math.sqrt(2)))
        x = norm(x + m.linear(h, p + "output.dense", True), p + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main():
    smollm2 = Model("smollm2")
    ids = smollm2.tokenizer.encode(TEXT.read_text(encoding="utf-8")).ids
    loss, scored = 0.0, 0
    for start in (0, 256):
        window = ids[start : start + 256]
        rows = llama_log_probabilities(smollm2, window)
        loss -= rows[np.arange(255), window[1:]].sum()
        scored += 255
    print(f"perplexity of {scored} tokens: {math.exp(loss / scored):.6f}")
    prompt = smollm2.tokenizer.encode("The capital of France is").ids
    last = llama_log_probabilities(smollm2, prompt)[-1]
    top = np.argsort(-last)[:5]
    print("after the prompt:", [(int(t), round(float(last[t]), 5)) for t in top])

    minilm = Model("minilm")
    a = bert_embedding(minilm, "A man is eating a piece of bread.")
    b = bert_embedding(minilm, "Someone has some food.")
    c = bert_embedding(minilm, "The stock market fell sharply on Monday.")
    print("a[:4] =", a[:4].tolist())
    print(f"a·b = {a @ b:.6f}, a·c = {a @ c:.6f}")


if __name__ == "__main__":
    main()
