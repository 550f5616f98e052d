"""Tensors of PyTorch."""

from __future__ import annotations

from mmap import mmap
from typing import Any

import torch

from ._frameworks import unsupported

_TORCH = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
# Those of safetensors that this version of PyTorch has, by their names there.
DTYPES = {name: getattr(torch, theirs) for name, theirs in _TORCH.items() if hasattr(torch, theirs)}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def safetensors_dtype(dtype: torch.dtype, name: str) -> str:
    """The safetensors dtype of the elements of tensor ``name``."""
    found = _NAMES.get(dtype)
    if found is None:
        raise unsupported(str(dtype), name, "HCT files have no such type")
    return found


def tensor_bytes(tensor: torch.Tensor) -> bytes:
    """The elements in row-major order."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


class TorchFramework:
    """Makes tensors of PyTorch on a device."""

    def __init__(self, device: Any) -> None:
        # A number is that of a GPU, as safetensors has it.
        self._device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)

    def array(
        self, data: bytearray | mmap, dtype: str, shape: tuple[int, ...], name: str
    ) -> torch.Tensor:
        """The tensor whose memory ``data`` is, or a copy of it on another device."""
        theirs = DTYPES.get(dtype)
        if theirs is None:
            raise unsupported(dtype, name, "this version of PyTorch has no such type")
        if not data:
            return torch.empty(shape, dtype=theirs, device=self._device)
        tensor = torch.frombuffer(data, dtype=torch.uint8).view(theirs).reshape(shape)
        return tensor.to(self._device)

    def taken(self, rows: torch.Tensor, index: tuple[Any, ...]) -> torch.Tensor:
        """``rows[index]``, copied where it is only a part."""
        part = rows
        axis = 0
        for one in index:
            if isinstance(one, slice) and (one.step or 1) < 0:
                # PyTorch has no slices backwards.
                numbers = list(range(*one.indices(part.shape[axis])))
                one = torch.tensor(numbers, dtype=torch.long, device=part.device)
            part = part[(slice(None),) * axis + (one,)]
            axis += not isinstance(one, int)
        return part if part.numel() == rows.numel() and part.is_contiguous() else part.clone()
