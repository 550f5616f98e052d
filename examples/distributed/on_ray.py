"""Compresses a checkpoint on a Ray cluster, from an object store to an object store.

    python on_ray.py s3://models/my-model s3://models/my-model.hct --parts 8 [--address auto]
        [--options '{"quality": 0.9998}']

Without an address it starts Ray on this machine. Whatever worker is lost, Ray gives its part to another;
the file is the one that a single machine makes, byte for byte.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import ray

import parts


def compress(source: str, target: str, count: int, options: dict) -> str:
    """Codes ``count`` parts wherever there is room, then joins them."""
    code = ray.remote(max_retries=3)(parts.code_part)
    join = ray.remote(max_retries=3)(lambda target, *coded: parts.join_parts(list(coded), target))
    coded = [
        code.remote(source, name, (number + 1, count), options)
        for number, name in enumerate(parts.names(target, count))
    ]
    return ray.get(join.remote(target, *coded))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--address", help="of a cluster that is there")
    parser.add_argument("--options", type=json.loads, default={}, help="of holotensor.compress, as JSON")
    arguments = parser.parse_args()
    ray.init(
        address=arguments.address,
        # Workers import what they run.
        runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}},
        include_dashboard=False,
    )
    print(compress(arguments.source, arguments.target, arguments.parts, arguments.options))


if __name__ == "__main__":
    main()
