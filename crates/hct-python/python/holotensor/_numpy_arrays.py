"""Arrays of NumPy, and of ``ml_dtypes`` where NumPy has no such type."""

from __future__ import annotations

from mmap import mmap
from typing import Any

import numpy as np

from ._frameworks import unsupported

_NUMPY = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
}
_ML_DTYPES = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
_NAMES = {np.dtype(descr): name for name, descr in _NUMPY.items()}
_ML_NAMES = {theirs: name for name, theirs in _ML_DTYPES.items()}


def numpy_dtype(dtype: str, name: str) -> np.dtype:
    """NumPy's type for a safetensors dtype of tensor ``name``."""
    if dtype in _NUMPY:
        return np.dtype(_NUMPY[dtype])
    if dtype not in _ML_DTYPES:
        raise unsupported(dtype, name, "NumPy has no such type")
    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        raise unsupported(
            dtype, name, "NumPy has it from the package ml_dtypes; install that, or use framework='pt'"
        ) from error
    found = getattr(ml_dtypes, _ML_DTYPES[dtype], None)
    if found is None:
        raise unsupported(dtype, name, "this version of ml_dtypes lacks it; update it")
    return np.dtype(found)


def safetensors_dtype(array: np.ndarray, name: str) -> str:
    """The safetensors dtype of an array."""
    found = _NAMES.get(array.dtype.newbyteorder("<")) or _ML_NAMES.get(array.dtype.name)
    if found is None:
        raise unsupported(str(array.dtype), name, "HCT files have no such type")
    return found


def little_endian_bytes(array: np.ndarray) -> bytes:
    """The elements in row-major order, little-endian."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return array.tobytes()


class NumpyFramework:
    """Makes arrays of NumPy."""

    def array(self, data: bytearray | mmap, dtype: str, shape: tuple[int, ...], name: str) -> np.ndarray:
        """The array whose memory ``data`` is, which can be written to."""
        return np.frombuffer(data, dtype=numpy_dtype(dtype, name)).reshape(shape)

    def taken(self, rows: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
        """``rows[index]``, copied where it is only a part."""
        # One axis after the other: two lists do not go together as NumPy has it.
        part = rows
        axis = 0
        for one in index:
            part = part[(slice(None),) * axis + (one,)]
            axis += not isinstance(one, int)
        part = np.asarray(part)
        return part if part.size == rows.size and part.flags.c_contiguous else part.copy()
