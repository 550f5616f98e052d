"""How much memory loading a model with transformers takes at most, by the ways there are.

    python peak.py MODEL [--quality 0.9998] [--auto AutoModelForCausalLM]

MODEL is a folder such as ~/.cache/hct/smollm2 of `cargo xtask fetch`. Every way is a process of its own. It takes
torch and transformers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from load import MIB, memory

WAYS = {
    "plain": "transformers, from safetensors",
    "file": "holotensor.transformers.from_pretrained",
    "folder": "transformers, from a folder with an .hct file",
}


def child(way: str, path: str, auto: str) -> None:
    import torch
    import transformers

    import holotensor.transformers as hct

    auto_class = getattr(transformers, auto)
    # What is imported on the way is no part of a model.
    with torch.device("meta"):
        auto_class.from_config(transformers.AutoConfig.from_pretrained(without_weights(path)))
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # VmHWM begins anew.
    before = memory("VmRSS")
    load = hct.from_pretrained if way == "file" else lambda a, p, **o: a.from_pretrained(p, **o)
    model = load(auto_class, path, dtype="auto")
    peak = memory("VmHWM") - before
    # What safetensors mapped counts once it is read.
    parameters = list(model.parameters()) + list(model.buffers())
    for parameter in parameters:
        parameter.detach().view(torch.uint8).reshape(-1)[::4096].sum()
    peak = max(peak, memory("VmHWM") - before)
    sizes = [parameter.nbytes for parameter in parameters]
    print(json.dumps({"peak": peak, "model": sum(sizes), "largest": max(sizes)}))


def without_weights(path: str) -> str:
    """A folder with the configuration."""
    import holotensor.transformers as hct

    if not Path(path).is_file():
        return path
    folder = tempfile.mkdtemp(prefix="hct-peak-")
    hct.unpack(path, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--quality", type=float, default=0.9998, help="cosine of every matrix")
    parser.add_argument("--auto", default="AutoModelForCausalLM")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, str(arguments.model), arguments.auto)

    import transformers

    import holotensor.transformers as hct

    with tempfile.TemporaryDirectory() as folder:
        loaded = getattr(transformers, arguments.auto).from_pretrained(arguments.model, dtype="auto")
        hct.save_pretrained(loaded, folder, quality=arguments.quality, effort="fast", progress=True)
        paths = {"plain": arguments.model, "file": Path(folder, "model.hct"), "folder": folder}
        print("| | peak MiB | less the model | largest tensor |\n| --- | ---: | ---: | ---: |")
        for way, path in paths.items():
            command = [sys.executable, __file__, str(path), "--auto", arguments.auto, "--child", way]
            done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            peak, model, largest = (done[key] / MIB for key in ("peak", "model", "largest"))
            print(f"| {WAYS[way]} | {peak:.0f} | {peak - model:.0f} | {largest:.0f} |", flush=True)
        print(f"the model: {model:.0f} MiB")


if __name__ == "__main__":
    main()
