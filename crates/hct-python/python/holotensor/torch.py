"""Files of PyTorch's tensors and modules, with the functions of ``safetensors.torch``."""

from __future__ import annotations

import os
from typing import Any, Mapping

import torch

from . import _hct
from ._errors import OptionError
from ._safe_open import Bases, Path, safe_open
from ._saving import Progress, Quality, in_order, listener, pairs_of, spec_json
from ._shared import duplicates, shared
from ._torch_arrays import safetensors_dtype, tensor_bytes

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]


def load_file(
    filename: Path, device: Any = "cpu", *, base: Bases = None
) -> dict[str, torch.Tensor]:
    """All tensors of an ``.hct`` file by name, on ``device``; on the CPU each is decoded into the
    memory of its tensor.

    ``base`` is what the file is coded against, if it is. Raises what :class:`holotensor.safe_open` and
    its ``get_tensor`` raise.
    """
    with safe_open(filename, framework="pt", device=device, base=base) as file:
        return file.get_tensors()


def load(data: bytes, *, base: Bases = None) -> dict[str, torch.Tensor]:
    """The same of a file that is in memory, on the CPU."""
    return safe_open._of_bytes(data, "pt", "cpu", base).get_tensors()


def save_file(
    tensors: Mapping[str, torch.Tensor],
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
    """Codes tensors to an ``.hct`` file, which appears when it is complete; gives its bytes.

    Options and errors are those of :func:`holotensor.numpy.save_file`. Tensors on other devices are
    copied to the CPU one at a time. Raises ``RuntimeError`` where tensors share memory, as tied
    weights do: :func:`save_model` stores them once.
    """
    infos = _infos(tensors)
    spec = spec_json(strategy, quality, options)
    tell, end = listener(progress, "compressing")
    try:
        return _hct.save_file(
            infos,
            lambda name: tensor_bytes(tensors[name]),
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
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str] | None = None,
    *,
    quality: Quality = None,
    strategy: str | None = None,
    threads: int | None = None,
    progress: Progress = None,
    **options: Any,
) -> bytes:
    """The bytes of the file that :func:`save_file` writes."""
    infos = _infos(tensors)
    spec = spec_json(strategy, quality, options)
    tell, end = listener(progress, "compressing")
    try:
        read = lambda name: tensor_bytes(tensors[name])  # noqa: E731
        return _hct.save(infos, read, pairs_of(metadata), spec, threads, tell)
    finally:
        end()


def save_model(
    model: torch.nn.Module,
    filename: Path,
    metadata: Mapping[str, str] | None = None,
    force_contiguous: bool = True,
    **options: Any,
) -> int:
    """Codes the state of a module to an ``.hct`` file; gives its bytes.

    Of tensors that are the same memory one is stored; the metadata says which stands for the others.
    Options are those of :func:`save_file`. Raises ``RuntimeError`` where tensors share a part of their
    memory, and ``ValueError`` where one is not contiguous and ``force_contiguous`` is off.
    """
    state = model.state_dict()
    removed = duplicates(state)
    said = dict(metadata or {})
    for name, kept in removed.items():
        said.setdefault(name, kept)
        del state[name]
    for name, tensor in state.items():
        if not force_contiguous and not tensor.is_contiguous():
            raise ValueError(f"tensor {name!r} is not contiguous; force_contiguous=True stores it anyhow")
    return save_file(state, filename, said, **options)


def load_model(
    model: torch.nn.Module,
    filename: Path,
    strict: bool = True,
    device: Any = "cpu",
    *,
    base: Bases = None,
) -> tuple[set[str], list[str]]:
    """Loads an ``.hct`` file into a module, tensor by tensor: memory holds the module and one more.

    Gives the names that the file lacks and those that the module lacks; tied tensors of which one is
    there are not missing. Raises ``RuntimeError`` where there are any and ``strict`` is set, or a shape
    differs, and what :class:`holotensor.safe_open` raises.
    """
    state = model.state_dict(keep_vars=True)
    stands = {name: set(group) for group in shared(state) for name in group}
    with safe_open(filename, framework="pt", device=device, base=base) as file:
        names = file.offset_keys()
        loaded = {name for name in names if name in state}
        unexpected = [name for name in names if name not in state]
        missing = {
            name for name in state if name not in loaded and not (stands.get(name, set()) & loaded)
        }
        wrong = []
        for name in sorted(loaded):
            shape = tuple(file.get_slice(name).get_shape())
            if shape != tuple(state[name].shape):
                wrong.append(f"{name} is {list(shape)} in the file and {list(state[name].shape)} in the module")
        if wrong or (strict and (missing or unexpected)):
            lines = [f"cannot load {os.fspath(filename)} into {type(model).__name__}:", *wrong]
            if strict and missing:
                lines.append(f"the file lacks {', '.join(sorted(missing))}")
            if strict and unexpected:
                lines.append(f"the module lacks {', '.join(sorted(unexpected))}")
            raise RuntimeError("\n    ".join(lines))
        with torch.no_grad():
            for name in names:
                if name in loaded:
                    state[name].copy_(file.get_tensor(name))
    return missing, unexpected


def _infos(tensors: Mapping[str, torch.Tensor]) -> list[tuple[str, str, list[int]]]:
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"tensors are named by texts, not by {name!r}")
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name!r} is no tensor of PyTorch but {type(tensor).__name__}")
        if tensor.layout != torch.strided:
            raise OptionError(f"{name!r} is sparse; make it dense first")
    groups = shared(tensors)
    if groups:
        tied = "; ".join(", ".join(group) for group in groups)
        raise RuntimeError(f"tensors share memory: {tied}; use save_model, or clone them")
    return in_order(
        [(name, safetensors_dtype(t.dtype, name), list(t.shape)) for name, t in tensors.items()]
    )
