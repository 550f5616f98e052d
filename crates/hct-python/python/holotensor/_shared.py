"""Tensors of PyTorch that share memory, which files do not know of."""

from __future__ import annotations

from collections import defaultdict
from typing import Mapping

import torch


def shared(tensors: Mapping[str, torch.Tensor]) -> list[list[str]]:
    """Names of tensors whose memory overlaps, in groups of two and more, each sorted."""
    by_storage: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, tensor in tensors.items():
        if tensor.numel() and tensor.device.type != "meta":
            key = (str(tensor.device), tensor.untyped_storage().data_ptr())
            by_storage[key].append(name)
    groups = []
    for names in by_storage.values():
        # One after the other in memory: they overlap where one begins before the last one ends.
        names.sort(key=lambda name: (_extent(tensors[name])[0], name))
        group: list[str] = []
        end = -1
        for name in names:
            first, last = _extent(tensors[name])
            if group and first >= end:
                groups.append(group)
                group = []
            group.append(name)
            end = max(end, last)
        groups.append(group)
    return sorted(sorted(group) for group in groups if len(group) > 1)


def duplicates(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Tensors that need not be stored, and for each the one that has all of its memory.

    Raises ``RuntimeError`` where tensors overlap of which none has all that the others have, or is
    laid out so that it can be stored.
    """
    removed = {}
    for group in shared(tensors):
        kept = [name for name in group if _is_whole(tensors[name], [tensors[n] for n in group])]
        same = [name for name in kept if all(_is_same(tensors[name], tensors[n]) for n in group)]
        if not same:
            raise RuntimeError(
                f"the tensors {', '.join(group)} share memory, and are not all the same tensor: clone "
                "them, so that each can be stored by itself"
            )
        removed.update({name: same[0] for name in group if name != same[0]})
    return removed


def _extent(tensor: torch.Tensor) -> tuple[int, int]:
    """The first byte and the one after the last."""
    first = tensor.data_ptr()
    steps = zip(tensor.shape, tensor.stride())
    last = sum((size - 1) * stride for size, stride in steps)
    return first, first + (last + 1) * tensor.element_size()


def _is_whole(tensor: torch.Tensor, others: list[torch.Tensor]) -> bool:
    first, end = _extent(tensor)
    return tensor.is_contiguous() and all(
        first <= _extent(other)[0] and _extent(other)[1] <= end for other in others
    )


def _is_same(tensor: torch.Tensor, other: torch.Tensor) -> bool:
    return (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()) == (
        other.data_ptr(),
        other.dtype,
        other.shape,
        other.stride(),
    )
