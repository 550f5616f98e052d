"""What a worker does, whichever engine runs it: parts of a checkpoint from one object store to another.

Checkpoints and files are named by URLs of fsspec (``s3://bucket/model``, ``/folder/model``). A task is a
pure function of its arguments, so that an engine may run it again wherever a worker was lost; an object
appears only when it is complete, so that nothing is ever half there.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import fsspec

import holotensor


def fetch(source: str, folder: Path) -> Path:
    """A copy of the checkpoint ``source``, a folder or a file, in ``folder``."""
    system, path = fsspec.core.url_to_fs(source)
    target = folder / Path(path).name
    system.get(path, str(target), recursive=system.isdir(path))
    return target


def put(file: Path, target: str) -> str:
    """Uploads ``file``; the object appears when all of it is there."""
    system, path = fsspec.core.url_to_fs(target)
    # On a disk a rename makes it appear; an object store does so by itself.
    local = "file" in system.protocol
    system.put_file(str(file), f"{path}.{os.getpid()}" if local else path)
    if local:
        os.replace(f"{path}.{os.getpid()}", path)
    return target


def exists(target: str) -> bool:
    """Whether there is such an object."""
    system, path = fsspec.core.url_to_fs(target)
    return system.exists(path)


def code_part(source: str, target: str, part: tuple[int, int], options: dict[str, Any]) -> str:
    """Codes one part of ``source`` to the object ``target``, unless an earlier run did; gives ``target``.

    ``options`` are those of ``holotensor.compress``. A size of the whole goes by ``plan``, which
    ``hct plan merge`` makes.
    """
    if exists(target):
        return target
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = fetch(source, Path(folder))
        file = Path(folder) / "part.hct"
        holotensor.compress(checkpoint, file, part=part, **options)
        return put(file, target)


def join_parts(parts: list[str], target: str) -> str:
    """Joins all parts to the object ``target``, and removes them; gives ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        local = []
        for number, part in enumerate(parts):
            system, path = fsspec.core.url_to_fs(part)
            local.append(Path(folder) / f"{number}.hct")
            system.get_file(path, str(local[-1]))
        merged = Path(folder) / "merged.hct"
        holotensor.merge(local, merged)
        put(merged, target)
    for part in parts:
        system, path = fsspec.core.url_to_fs(part)
        system.rm_file(path)
    return target


def names(target: str, parts: int) -> list[str]:
    """Where the parts of ``target`` are kept until they are joined."""
    return [f"{target}.part-{number + 1}-of-{parts}" for number in range(parts)]
