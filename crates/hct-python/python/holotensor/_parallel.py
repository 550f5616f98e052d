"""Several tensors at a time: small ones have one tile each, which one thread decodes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator, Sequence, TypeVar

T = TypeVar("T")


def in_parallel(get: Callable[[str], T], names: Sequence[str]) -> Iterator[T]:
    """What ``get`` gives for each name, in order. The GIL is released meanwhile."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(get, name) for name in names]
        try:
            for future in futures:
                yield future.result()
        finally:
            # After an error, or Ctrl-C, nothing more is begun.
            for future in futures:
                future.cancel()
