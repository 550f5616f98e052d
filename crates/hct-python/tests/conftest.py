"""What the tests have in common."""

import json
import shutil
import struct

import numpy as np
import pytest

from holotensor.numpy import save_file

ROWS, COLUMNS = 512, 256


def gaussian(*shape, seed=1, scale=0.02):
    """Weights as trained ones are: bell-shaped, small."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def write_safetensors(path, tensors, metadata=None):
    """A safetensors file, written by hand."""
    names = {"float32": "F32", "float16": "F16", "int64": "I64", "uint8": "U8"}
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        begin = len(data)
        data += array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, len(data)],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def tensors():
    """A matrix that is coded with loss, and tensors that are not."""
    return {
        "embed.weight": gaussian(ROWS, COLUMNS),
        "norm.weight": 1 + gaussian(COLUMNS, seed=2),
        "ids": np.arange(12, dtype=np.int64).reshape(3, 4),
        "scale": np.array(0.5, dtype=np.float32),
        "nothing": np.zeros((0, 3), dtype=np.float32),
    }


@pytest.fixture
def file(tensors, tmp_path):
    """An exact file of them."""
    path = tmp_path / "exact.hct"
    save_file(tensors, path, metadata={"format": "np"}, strategy="lossless")
    return path


@pytest.fixture
def checkpoint(tensors, tmp_path):
    """A folder with a checkpoint."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", tensors, {"format": "pt"})
    (folder / "config.json").write_text('{"model_type": "none"}')
    return folder


@pytest.fixture
def hct():
    """The path of the command line, to compare with."""
    import os

    path = os.environ.get("HCT_CLI") or shutil.which("hct")
    if not path:
        pytest.skip("no hct command: set HCT_CLI to it")
    return path
