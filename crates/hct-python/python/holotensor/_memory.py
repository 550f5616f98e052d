"""Memory that tensors are decoded into."""

from __future__ import annotations

import ctypes
import mmap

from ._hct import File

# From so many bytes on tensors get memory from the system itself, where a page costs nothing until it is
# written to, by a thread that decodes: a bytearray is filled with zeros first, by one thread alone.
_LARGE = 1 << 20


def decoded(file: File, name: str, rows: tuple[int, int] | None = None) -> bytearray | mmap.mmap:
    """The little-endian, row-major bytes of a tensor, or of rows of it, in memory of their own.

    Raises as :meth:`holotensor.safe_open.get_tensor`.
    """
    size = file.byte_len(name, rows)
    if size < _LARGE:
        return file.decode(name, rows)
    memory = _pages(size)
    # What keeps the address valid, until it is decoded.
    first = ctypes.c_char.from_buffer(memory)
    file.decode_at(name, rows, ctypes.addressof(first), size)
    return memory


def _pages(size: int) -> mmap.mmap:
    """Memory full of zeros, of this process alone where processes are forked."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
