"""How long a large model takes to load, and how much memory, from an .hct file and by safetensors.

    python load.py FOLDER [--gib 1] [--runs 5] [--quality 0.9998] [--effort fast]

Makes a Llama-like checkpoint of bfloat16 in FOLDER, unless it is there, and an .hct file of it. Every run is a
process of its own, the files cached by the system; of each kind the fastest run counts. It takes torch and
safetensors.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WIDTH, HIDDEN, GROUPS = 2048, 8192, 512
MIB = 1 << 20


def shapes(weights: int) -> dict[str, tuple[int, int]]:
    """The matrices of a model of about so many weights."""
    layer = {"q": (WIDTH, WIDTH), "k": (GROUPS, WIDTH), "v": (GROUPS, WIDTH), "o": (WIDTH, WIDTH)}
    layer = {f"self_attn.{name}_proj": shape for name, shape in layer.items()}
    layer |= {f"mlp.{name}_proj": (HIDDEN, WIDTH) for name in ("gate", "up")}
    layer["mlp.down_proj"] = (WIDTH, HIDDEN)
    each = sum(rows * columns for rows, columns in layer.values())
    layers = max(1, weights // each)
    rest = max(1, (weights - layers * each) // WIDTH)
    found = {"model.embed_tokens.weight": (rest, WIDTH)}
    for number in range(layers):
        found |= {f"model.layers.{number}.{name}.weight": shape for name, shape in layer.items()}
    return found


def make(path: Path, size: int) -> None:
    """A checkpoint of `size` bytes, of bell-shaped weights."""
    header, end = {}, 0
    for name, (rows, columns) in shapes(size // 2).items():
        begin, end = end, end + 2 * rows * columns
        header[name] = {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    random = np.random.default_rng(1)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in header.values():
            values = random.standard_normal(tensor["shape"], dtype=np.float32) * np.float32(0.02)
            # The upper half of a float32 is a bfloat16.
            (values.view(np.uint32) >> 16).astype(np.uint16).tofile(file)
    partial.replace(path)


def memory(field: str) -> int:
    """Bytes of this process, by a field of the system's: VmRSS now, VmHWM at most so far."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def child(kind: str, path: str) -> None:
    """Does it once, and prints what that took."""
    import torch

    import holotensor.torch
    import safetensors.torch

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # VmHWM begins anew.
    before = memory("VmRSS")
    begin = time.perf_counter()
    tensors = {}
    match kind:
        case "safetensors":
            tensors = safetensors.torch.load_file(path)
        case "hct":
            tensors = holotensor.torch.load_file(path)
        case "decoder":
            assert holotensor.verify(path)["ok"]
    seconds = time.perf_counter() - begin
    # One element of every page: what was mapped is read now.
    pages = [tensor.view(torch.uint8).reshape(-1)[::4096].sum() for tensor in tensors.values()]
    touched = time.perf_counter() - begin
    assert len(pages) == len(tensors)
    size = sum(tensor.nbytes for tensor in tensors.values())
    peak = memory("VmHWM") - before
    print(json.dumps({"seconds": seconds, "touched": touched, "peak": peak, "size": size}))


def run(kind: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, str(path), "--child", kind]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quality", type=float, default=0.9998, help="cosine of every matrix")
    parser.add_argument("--effort", default="fast", help="of the encoder; decoding takes as long")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, os.fspath(arguments.folder))

    import holotensor

    arguments.folder.mkdir(parents=True, exist_ok=True)
    plain = arguments.folder / f"{arguments.gib:g}-gib.safetensors"
    coded = arguments.folder / f"{arguments.gib:g}-gib-{arguments.quality:g}-{arguments.effort}.hct"
    if not plain.exists():
        make(plain, int(arguments.gib * 1024 * MIB))
    if not coded.exists():
        holotensor.compress(plain, coded, cosine=arguments.quality, effort=arguments.effort, progress=True)
    files = {"safetensors": plain, "decoder": coded, "hct": coded}
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in files}
    for number in range(arguments.runs):
        for kind, path in files.items():
            runs[kind].append(run(kind, path))
        print(f"run {number + 1}:", *(f"{kind} {done[-1]['seconds']:.2f} s" for kind, done in runs.items()))

    best = {kind: min(done["seconds"] for done in all_runs) for kind, all_runs in runs.items()}
    touched = {kind: min(done["touched"] for done in all_runs) for kind, all_runs in runs.items()}
    peak = {kind: max(done["peak"] for done in all_runs) for kind, all_runs in runs.items()}
    size = runs["hct"][0]["size"]
    print(f"\n{size / MIB:.0f} MiB of tensors, {coded.stat().st_size / MIB:.0f} MiB as .hct, {os.cpu_count()} cores")
    print("| | seconds | read through | peak MiB | peak / tensors |\n| --- | ---: | ---: | ---: | ---: |")
    for kind, name in (
        ("safetensors", "safetensors.torch.load_file"),
        ("decoder", "decoder alone (holotensor.verify)"),
        ("hct", "holotensor.torch.load_file"),
    ):
        through = "" if kind == "decoder" else f"{touched[kind]:.2f}"
        print(f"| {name} | {best[kind]:.2f} | {through} | {peak[kind] / MIB:.0f} | {peak[kind] / size:.2f} |")
    print(f"\nload / (safetensors + decoder): {best['hct'] / (best['safetensors'] + best['decoder']):.2f}")
    both = touched["safetensors"] + best["decoder"]
    print(f"the same, all memory read through: {touched['hct'] / both:.2f}")


if __name__ == "__main__":
    main()
