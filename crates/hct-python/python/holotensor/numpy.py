"""Files of NumPy arrays, with the functions of ``safetensors.numpy``.

bfloat16 and the floats of 8 bits are arrays of the package ``ml_dtypes``, which has to be there for
them.
"""

from __future__ import annotations

import os
from typing import Any, Mapping

import numpy as np

from . import _hct
from ._numpy_arrays import little_endian_bytes, safetensors_dtype
from ._safe_open import Bases, Path, safe_open
from ._saving import Progress, Quality, in_order, listener, pairs_of, spec_json

__all__ = ["load", "load_file", "save", "save_file"]


def load_file(filename: Path, *, base: Bases = None) -> dict[str, np.ndarray]:
    """All tensors of an ``.hct`` file by name, each decoded into the memory of its array.

    ``base`` is what the file is coded against, if it is. Raises what :class:`holotensor.safe_open` and
    its ``get_tensor`` raise.
    """
    with safe_open(filename, framework="np", base=base) as file:
        return file.get_tensors()


def load(data: bytes, *, base: Bases = None) -> dict[str, np.ndarray]:
    """The same of a file that is in memory."""
    return safe_open._of_bytes(data, "np", "cpu", base).get_tensors()


def save_file(
    tensor_dict: Mapping[str, np.ndarray],
    filename: Path,
    metadata: Mapping[str, str] | None = None,
    *,
    quality: Quality = None,
    strategy: str | None = None,
    overwrite: bool = True,
    threads: int | None = None,
    progress: Progress = None,
    **options: Any,
) -> int:
    """Codes arrays to an ``.hct`` file, which appears when it is complete; gives its bytes.

    ``quality`` is the cosine that every matrix reaches, 0.9998 unless given, or ``"lossless"``.
    ``strategy`` and further options are those of :func:`holotensor.compress`. Norms, biases, integers
    and small tensors stay as they are, bit for bit. ``metadata`` is carried as safetensors does.

    Raises :class:`OptionError`, :class:`UnsupportedDtypeError`, :class:`OutputExistsError` unless
    ``overwrite``, and ``OSError``.
    """
    infos = _infos(tensor_dict)
    spec = spec_json(strategy, quality, options)
    tell, end = listener(progress, "compressing")
    try:
        return _hct.save_file(
            infos,
            lambda name: little_endian_bytes(tensor_dict[name]),
            pairs_of(metadata),
            spec,
            os.fspath(filename),
            overwrite,
            threads,
            tell,
        )
    finally:
        end()


def save(
    tensor_dict: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
    *,
    quality: Quality = None,
    strategy: str | None = None,
    threads: int | None = None,
    progress: Progress = None,
    **options: Any,
) -> bytes:
    """The bytes of the file that :func:`save_file` writes."""
    spec = spec_json(strategy, quality, options)
    tell, end = listener(progress, "compressing")
    try:
        return _hct.save(
            _infos(tensor_dict),
            lambda name: little_endian_bytes(tensor_dict[name]),
            pairs_of(metadata),
            spec,
            threads,
            tell,
        )
    finally:
        end()


def _infos(tensor_dict: Mapping[str, np.ndarray]) -> list[tuple[str, str, list[int]]]:
    for name, array in tensor_dict.items():
        if not isinstance(name, str):
            raise TypeError(f"tensors are named by texts, not by {name!r}")
        if not isinstance(array, (np.ndarray, np.generic)):
            raise TypeError(f"{name!r} is no array of NumPy but {type(array).__name__}")
    return in_order(
        [(name, safetensors_dtype(a, name), list(a.shape)) for name, a in tensor_dict.items()]
    )
