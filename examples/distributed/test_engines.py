"""Dask and Ray, from one bucket to another of an S3 server on loopback: the bytes of one machine, also
when a worker is killed half-way. ``check.sh`` runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("s3fs")
pytest.importorskip("moto")

import holotensor  # noqa: E402
import parts  # noqa: E402

SAMPLE = Path(__file__).parents[2] / "assets/sample/model.safetensors"
OPTIONS = {"quality": 0.999}


@pytest.fixture(scope="session")
def store():
    """An S3 server with a bucket ``models`` that has the sample in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.environ.update(
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        FSSPEC_S3_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        # Workers import what they run.
        PYTHONPATH=str(Path(__file__).parent),
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    fsspec.config.set_conf_env(fsspec.config.conf)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        system = fsspec.filesystem("s3")
        system.mkdir("models")
        system.put_file(str(SAMPLE), "models/model.safetensors")
        yield system
    finally:
        server.kill()


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """What one machine makes of the sample."""
    path = tmp_path_factory.mktemp("one") / "whole.hct"
    holotensor.compress(SAMPLE, path, **OPTIONS)
    return path.read_bytes()


@pytest.mark.parametrize("count", [1, 3])
def test_parts_of_one_process(store, expected, count):
    target = f"s3://models/alone-{count}.hct"
    coded = [
        parts.code_part("s3://models/model.safetensors", name, (number + 1, count), OPTIONS)
        for number, name in enumerate(parts.names(target, count))
    ]
    parts.join_parts(coded, target)
    assert store.cat_file(target) == expected
    assert store.glob(f"{target}.part-*") == []


@pytest.fixture()
def dask_client():
    """A cluster of two processes."""
    distributed = pytest.importorskip("dask.distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_three_parts_on_dask(store, expected, dask_client):
    import on_dask

    target = "s3://models/dask.hct"
    on_dask.compress(dask_client, "s3://models/model.safetensors", target, 3, OPTIONS)
    assert store.cat_file(target) == expected


def test_a_worker_that_is_killed_half_way_loses_nothing(store, expected, dask_client):
    import on_dask

    workers = dask_client.run(os.getpid)
    killed = threading.Event()

    def kill():
        # As soon as one has begun.
        while not any(dask_client.processing().values()):
            time.sleep(0.01)
        busy = next(name for name, keys in dask_client.processing().items() if keys)
        os.kill(workers[busy], signal.SIGKILL)
        killed.set()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    target = "s3://models/killed.hct"
    on_dask.compress(dask_client, "s3://models/model.safetensors", target, 3, OPTIONS)
    assert killed.wait(10)
    assert store.cat_file(target) == expected


def test_three_parts_on_ray(store, expected):
    ray = pytest.importorskip("ray")
    import on_ray

    folder = str(Path(__file__).parent)
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": folder}})
    try:
        target = "s3://models/ray.hct"
        on_ray.compress("s3://models/model.safetensors", target, 3, OPTIONS)
        assert store.cat_file(target) == expected
    finally:
        ray.shutdown()
