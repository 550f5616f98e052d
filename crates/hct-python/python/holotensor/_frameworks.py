"""From decoded bytes to the arrays of a framework, without a copy."""

from __future__ import annotations

from mmap import mmap
from typing import Any, Protocol

from ._errors import OptionError, UnsupportedDtypeError


class Framework(Protocol):
    """What makes arrays of bytes."""

    def array(self, data: bytearray | mmap, dtype: str, shape: tuple[int, ...], name: str) -> Any:
        """The array of ``shape`` whose elements are ``data``, of a safetensors dtype."""

    def taken(self, rows: Any, index: tuple[Any, ...]) -> Any:
        """``rows[index]``, which keeps no more memory than it needs."""


def framework(name: str, device: Any) -> Framework:
    """That called ``name``: ``np`` or ``pt``, or their long names."""
    if name in ("np", "numpy"):
        if str(device) != "cpu":
            raise OptionError("NumPy arrays are on the device cpu")
        return _numpy()
    if name in ("pt", "torch", "pytorch"):
        try:
            from ._torch_arrays import TorchFramework
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ImportError("framework='pt' needs the package torch; install it, or use 'np'") from error
        return TorchFramework(device)
    raise OptionError(f"framework {name!r} is not known; give 'np' or 'pt'")


def _numpy() -> Framework:
    from ._numpy_arrays import NumpyFramework

    return NumpyFramework()


def unsupported(dtype: str, name: str, what: str) -> UnsupportedDtypeError:
    """The error of a dtype that a framework lacks."""
    return UnsupportedDtypeError(f"tensor {name!r} is of {dtype}: {what}")


