"""Times ZipNN on files of weights: a worker that takes orders as lines of JSON."""

import hashlib
import json
import sys
import time
import types
from unittest import mock

try:
    import torch  # noqa: F401
except ImportError:
    # ZipNN imports PyTorch, but needs it for tensors only, not for bytes.
    sys.modules["torch"] = mock.MagicMock()
    sys.modules["safetensors"] = types.ModuleType("safetensors")
    sys.modules["safetensors.torch"] = mock.MagicMock()

from zipnn import ZipNN

# Answers alone go where the driver reads.
answers, sys.stdout = sys.stdout, sys.stderr

NAMES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
LEAST_SECONDS = 0.1
MOST_SECONDS = 1.0


def timed(make, run):
    """Mean seconds of some passes, and what the last one gave, as our own coders are timed (timed.rs); what `make`
    does is not timed."""

    def once():
        arguments = make()
        start = time.perf_counter()
        result = run(arguments)
        return time.perf_counter() - start, result

    first, result = once()
    if first >= MOST_SECONDS:
        return first, result
    seconds, passes = 0.0, 0
    while seconds < LEAST_SECONDS:
        result = None
        taken, result = once()
        seconds += taken
        passes += 1
    return seconds / passes, result


def measure(dtype, path):
    with open(path, "rb") as file:
        given = file.read()
    coder = ZipNN(input_format="byte", bytearray_dtype=NAMES[dtype], threads=1)
    # It may write to what it is given.
    encode, packed = timed(lambda: bytearray(given), coder.compress)
    packed = bytes(packed)
    decode, restored = timed(lambda: packed, coder.decompress)
    if bytes(restored) != given:
        raise ValueError("bits came back changed")
    digest = hashlib.sha256(packed).digest()
    return {
        "encode": encode,
        "decode": decode,
        "bytes": len(packed),
        "rel_mse": 0.0,
        "hash": int.from_bytes(digest[:8], "little"),
    }


for line in sys.stdin:
    order = json.loads(line)["coder"]
    dtype = order["dtype"]
    try:
        answer = {"Ok": measure(dtype, sys.argv[1] + "/" + dtype)}
    except Exception as error:
        answer = {"Err": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
