"""GGUF files, in and out."""

import json
import subprocess

import numpy as np
import pytest

import holotensor
from holotensor.numpy import load_file

from conftest import gaussian, write_safetensors

WIDTH, INNER, WORDS = 64, 96, 98


@pytest.fixture
def llama(tmp_path):
    """A folder with a small Llama model of float32."""
    folder = tmp_path / "llama"
    folder.mkdir()
    shapes = {"model.embed_tokens.weight": (WORDS, WIDTH), "model.norm.weight": (WIDTH,)}
    layer = "model.layers.0."
    shapes |= {layer + f"self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qo"}
    shapes |= {layer + f"self_attn.{name}_proj.weight": (WIDTH // 2, WIDTH) for name in "kv"}
    shapes |= {layer + f"mlp.{name}_proj.weight": (INNER, WIDTH) for name in ("gate", "up")}
    shapes[layer + "mlp.down_proj.weight"] = (WIDTH, INNER)
    shapes |= {layer + f"{name}_layernorm.weight": (WIDTH,) for name in ("input", "post_attention")}
    tensors = {name: gaussian(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items())}
    write_safetensors(folder / "model.safetensors", tensors, {"format": "pt"})
    config = {
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "vocab_size": WORDS,
    }
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = {
        "added_tokens": [{"id": WORDS - 1, "content": "<s>", "special": True}],
        "pre_tokenizer": {"type": "ByteLevel", "use_regex": True},
        "model": {"type": "BPE", "vocab": {f"w{i}": i for i in range(WORDS - 1)}, "merges": ["w 1", "w 2"]},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.mark.parametrize("kind,most", [("f16", 1e-7), ("bf16", 1e-5), ("q8_0", 1e-4), ("q4_0", 1e-2)])
def test_a_model_is_exported_and_its_file_comes_back_byte_for_byte(llama, tmp_path, kind, most):
    gguf, file = tmp_path / "a.gguf", tmp_path / "a.hct"
    report = holotensor.export(llama, gguf, type=kind)
    assert report == {"tensors": 11, "output_bytes": gguf.stat().st_size}
    assert holotensor.diff(llama, gguf)["total"]["rel_mse"] < most
    holotensor.compress(gguf, file, quality="lossless")
    assert holotensor.diff(gguf, file)["total"]["rel_mse"] == 0
    assert holotensor.diff(llama, file)["total"]["rel_mse"] < most
    holotensor.decompress(file, tmp_path / "back.gguf")
    assert (tmp_path / "back.gguf").read_bytes() == gguf.read_bytes()


def test_an_hct_file_is_exported_as_the_folder_is(llama, tmp_path):
    holotensor.compress(llama, tmp_path / "llama.hct", quality="lossless")
    for name, source in (("a.gguf", llama), ("b.gguf", tmp_path / "llama.hct")):
        holotensor.export(source, tmp_path / name, type="q8_0")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_the_bytes_are_those_of_the_command_line(hct, llama, tmp_path):
    ours, theirs = tmp_path / "ours.gguf", tmp_path / "theirs.gguf"
    report = holotensor.export(llama, ours, type="q4_0")
    done = subprocess.run(
        [hct, "export", llama, "-o", theirs, "--type", "q4_0", "--json"], capture_output=True, check=True
    )
    said = json.loads(done.stdout)
    assert {**report, "seconds": said["seconds"]} == said
    assert ours.read_bytes() == theirs.read_bytes()


def test_blocks_are_coded_as_numbers_where_asked_for(llama, tmp_path):
    gguf, file = tmp_path / "a.gguf", tmp_path / "a.hct"
    holotensor.export(llama, gguf, type="q8_0")
    holotensor.compress(gguf, file, dequantize="f32", quality="lossless")
    assert holotensor.diff(gguf, file)["total"]["rel_mse"] == 0
    found = load_file(file)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    holotensor.compress(gguf, file, dequantize="f16", cosine=0.99, overwrite=True)
    assert 0.989 < holotensor.diff(gguf, file)["total"]["cosine"] < 0.9999


def test_what_cannot_be_exported_is_said_and_leaves_nothing(llama, checkpoint, tmp_path):
    out = tmp_path / "a.gguf"
    with pytest.raises(holotensor.CheckpointError, match="llama and qwen2"):
        holotensor.export(checkpoint, out)
    with pytest.raises(holotensor.OptionError, match="q5_1"):
        holotensor.export(llama, out, type="q5_1")
    (llama / "tokenizer.json").unlink()
    with pytest.raises(holotensor.CheckpointError, match="tokenizer.json"):
        holotensor.export(llama, out)
    assert not out.exists()
    out.write_bytes(b"mine")
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.export(llama, out)
    assert out.read_bytes() == b"mine"
