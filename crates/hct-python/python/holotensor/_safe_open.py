"""Open files."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Iterable, Sequence, Union

from ._errors import HctError, OptionError, TensorNotFoundError
from ._frameworks import framework as framework_called
from ._hct import File
from ._index import rows_of
from ._memory import decoded

Path = Union[str, "os.PathLike[str]"]
Bases = Union[Path, Sequence[Path], None]


def paths(base: Bases) -> list[str]:
    """The paths of bases: none, one or several."""
    if base is None:
        return []
    if isinstance(base, (str, os.PathLike)):
        return [os.fspath(base)]
    return [os.fspath(path) for path in base]


class safe_open:
    """An open ``.hct`` file, of which tensors are decoded one at a time.

    ``framework`` is ``"np"`` for arrays of NumPy or ``"pt"`` for tensors of PyTorch, which are put on
    ``device``. ``base`` is what a file is coded against, a checkpoint or an ``.hct`` file, or several,
    each that of the one before. ``fragments`` decodes only so many fragments of each tensor, for an
    approximation from fewer bytes.

    Raises ``FileNotFoundError``, :class:`NotHctError`, :class:`CorruptedError` where the index is
    damaged, :class:`UnsupportedVersionError`, :class:`BaseModelError`.
    """

    def __init__(
        self,
        filename: Path,
        framework: str = "np",
        device: Any = "cpu",
        *,
        base: Bases = None,
        fragments: int | None = None,
    ) -> None:
        self._framework = framework_called(framework, device)
        self._set(File.open(os.fspath(filename), paths(base), _fragments(fragments)))

    @classmethod
    def _of_bytes(cls, data: bytes, framework: str, device: Any, base: Bases) -> safe_open:
        self = cls.__new__(cls)
        self._framework = framework_called(framework, device)
        self._set(File.from_bytes(bytes(data), paths(base)))
        return self

    def _set(self, file: File) -> None:
        self._file: File | None = file
        self._tensors = {name: (dtype, tuple(shape)) for name, dtype, shape in file.tensors()}

    def __enter__(self) -> safe_open:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file = None

    def keys(self) -> list[str]:
        """The names of all tensors, sorted."""
        self._open()
        return sorted(self._tensors)

    def offset_keys(self) -> list[str]:
        """The names of all tensors, in stored order."""
        self._open()
        return list(self._tensors)

    def metadata(self) -> dict[str, str] | None:
        """What the safetensors files that were compressed said in ``__metadata__``; ``None`` where
        they said nothing. Raises :class:`CorruptedError` where that is damaged.
        """
        return dict(self._open().metadata()) or None

    def get_tensor(self, name: str) -> Any:
        """The whole tensor, in its own dtype and shape, in memory of its own.

        Raises :class:`TensorNotFoundError`, :class:`CorruptedError`, :class:`BaseModelError` where
        its base was not given, and :class:`UnsupportedDtypeError` where the framework has no such type.
        """
        dtype, shape = self._info(name)
        return self._framework.array(decoded(self._open(), name), dtype, shape, name)

    def get_tensors(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """The tensors of these names, or all, in stored order. Raises as :meth:`get_tensor`."""
        from ._parallel import in_parallel

        names = self.offset_keys() if names is None else list(names)
        return dict(zip(names, in_parallel(self.get_tensor, names)))

    def get_slice(self, name: str) -> TensorSlice:
        """The tensor, to be indexed: only the tiles that hold the rows asked for are read and decoded.

        Raises :class:`TensorNotFoundError`.
        """
        dtype, shape = self._info(name)
        return TensorSlice(self, name, dtype, shape)

    def side_files(self) -> dict[str, bytes]:
        """Config, tokenizer and the other files that were carried along, by path.

        Raises :class:`CorruptedError` where one is damaged.
        """
        file = self._open()
        return {path: file.side_file(path) or b"" for path in file.side_files()}

    @property
    def bytes_read(self) -> int:
        """Bytes read of the file so far, its index included."""
        return self._open().read_bytes()

    @property
    def file_bytes(self) -> int:
        """Bytes of the whole file."""
        return self._open().file_bytes()

    def _open(self) -> File:
        if self._file is None:
            raise HctError("the file is closed: it was opened by a with statement that is over")
        return self._file

    def _info(self, name: str) -> tuple[str, tuple[int, ...]]:
        self._open()
        try:
            return self._tensors[name]
        except (KeyError, TypeError):
            raise TensorNotFoundError(f"there is no tensor {name!r} in the file") from None

    def _rows(self, name: str, dtype: str, shape: tuple[int, ...], index: Any) -> Any:
        if not shape:
            if index in ((), Ellipsis, (Ellipsis,)):
                return self.get_tensor(name)
            raise IndexError(f"tensor {name!r} is a scalar, which has no parts")
        rows = rows_of(index, shape)
        data = decoded(self._open(), name, (rows.first, rows.end))
        part = self._framework.array(data, dtype, (rows.end - rows.first, *shape[1:]), name)
        return self._framework.taken(part, rows.rest)


class TensorSlice:
    """A tensor of an open file, of which parts can be taken."""

    def __init__(self, file: safe_open, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        self._of = file
        self._name = name
        self._dtype = dtype
        self._shape = shape

    def get_shape(self) -> list[int]:
        """The dimensions, outermost first."""
        return list(self._shape)

    def get_dtype(self) -> str:
        """The element type by its safetensors name, such as ``BF16``."""
        return self._dtype

    def __getitem__(self, index: Any) -> Any:
        """What ``index`` takes: numbers, slices, lists of numbers and ``...`` as NumPy has them, but
        that lists of several dimensions are taken one after the other.

        What is read goes by the outermost dimension alone. Raises ``IndexError``, ``TypeError`` and
        what :meth:`safe_open.get_tensor` raises.
        """
        return self._of._rows(self._name, self._dtype, self._shape, index)


def _fragments(fragments: int | None) -> int | None:
    if fragments is not None and fragments < 1:
        raise OptionError("fragments: give a whole number from 1 up")
    return fragments
