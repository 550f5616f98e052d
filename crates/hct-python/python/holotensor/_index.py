"""Which rows of a tensor an index needs."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple


class Rows(NamedTuple):
    """Rows to read, and what is left to do with them."""

    first: int
    """The first row, one index of the outermost dimension."""
    end: int
    """The one after the last."""
    rest: tuple[Any, ...]
    """The index into those rows."""


def rows_of(index: Any, shape: tuple[int, ...]) -> Rows:
    """The rows of a tensor of ``shape`` (at least one dimension) that ``index`` takes.

    ``index`` is what stands between brackets: a number, a slice, a list of numbers, ``...``, or a
    tuple of them. Raises ``IndexError`` where it is out of range and ``TypeError`` where it is none.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have one ellipsis only")
    if dots:
        missing = len(shape) - (len(parts) - 1)
        if missing < 0:
            raise IndexError(f"too many indices for a tensor of {len(shape)} dimensions")
        parts[dots[0] : dots[0] + 1] = [slice(None)] * missing
    if len(parts) > len(shape):
        raise IndexError(f"too many indices for a tensor of {len(shape)} dimensions")
    parts = [_plain(part, size) for part, size in zip(parts, shape)]
    outer = parts[0] if parts else slice(None)
    rest = tuple(parts[1:])
    rows = shape[0]
    if isinstance(outer, slice):
        taken = range(*outer.indices(rows))
        if not taken:
            return Rows(0, 0, (slice(0, 0), *rest))
        first, end = min(taken[0], taken[-1]), max(taken[0], taken[-1]) + 1
        if taken.step > 0:
            within = slice(0, end - first, taken.step)
        else:
            # Down to the first row, which a slice only has with no stop at all.
            within = slice(taken[0] - first, None, taken.step)
        return Rows(first, end, (within, *rest))
    if isinstance(outer, list):
        if not outer:
            return Rows(0, 0, (slice(0, 0), *rest))
        first = min(outer)
        return Rows(first, max(outer) + 1, ([row - first for row in outer], *rest))
    return Rows(outer, outer + 1, (0, *rest))


def _plain(part: Any, size: int) -> slice | list[int] | int:
    """A part of an index into a dimension of ``size``, its numbers ``int`` and counted from 0."""
    if isinstance(part, slice):
        # A TypeError of slices that are not of numbers.
        part.indices(size)
        return part
    if isinstance(part, list):
        return [_number(k, size) for k in part]
    return _number(part, size)


def _number(k: Any, size: int) -> int:
    if isinstance(k, bool):
        raise TypeError("tensors are not indexed by booleans")
    try:
        number = operator.index(k)
    except TypeError:
        raise TypeError(f"tensors are indexed by numbers and slices, not by {type(k).__name__}") from None
    if not -size <= number < size:
        raise IndexError(f"index {number} is out of range of a dimension of {size}")
    return number % size
