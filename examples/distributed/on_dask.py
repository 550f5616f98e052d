"""Compresses a checkpoint on a Dask cluster, from an object store to an object store.

    python on_dask.py s3://models/my-model s3://models/my-model.hct --parts 8 [--scheduler tcp://host:8786]
        [--options '{"quality": 0.9998}']

Without a scheduler it starts workers on this machine. Whatever worker is lost, Dask gives its part to
another; the file is the one that a single machine makes, byte for byte.
"""

from __future__ import annotations

import argparse
import json

from dask.distributed import Client, LocalCluster

import parts


def compress(client: Client, source: str, target: str, count: int, options: dict) -> str:
    """Codes ``count`` parts wherever there is room, then joins them."""
    coded = [
        client.submit(parts.code_part, source, name, (number + 1, count), options, key=name, retries=3)
        for number, name in enumerate(parts.names(target, count))
    ]
    return client.submit(parts.join_parts, coded, target, retries=3, pure=False).result()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--scheduler", help="address of a cluster that is there")
    parser.add_argument("--options", type=json.loads, default={}, help="of holotensor.compress, as JSON")
    arguments = parser.parse_args()
    cluster = arguments.scheduler or LocalCluster(n_workers=2, threads_per_worker=1)
    with Client(cluster) as client:
        client.upload_file(parts.__file__)
        print(compress(client, arguments.source, arguments.target, arguments.parts, arguments.options))


if __name__ == "__main__":
    main()
