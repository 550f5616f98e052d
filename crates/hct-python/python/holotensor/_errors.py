"""What can go wrong.

What the operating system refuses is the ``OSError`` that it always is, such as ``FileNotFoundError``.
"""

from __future__ import annotations


class HctError(Exception):
    """Anything that is wrong with a file, a model or an option."""


class CorruptedError(HctError):
    """A file is damaged or cut short: copy or download it again."""


class NotHctError(HctError, ValueError):
    """A file is no HCT file."""


class UnsupportedVersionError(HctError):
    """A file is of a later version of the format: update holotensor."""


class LimitError(HctError):
    """A file asks for more memory or time than its length justifies: if you trust it, raise
    ``set_max_memory``."""


class CheckpointError(HctError, ValueError):
    """A checkpoint to be compressed or compared is wrong, or not there."""


class BaseModelError(HctError, ValueError):
    """A file is coded against another checkpoint, which was not given or is another."""


class OptionError(HctError, ValueError):
    """Options that make no sense, or do not go together."""


class TensorNotFoundError(HctError, KeyError):
    """There is no tensor of that name."""

    # That of KeyError is its repr.
    __str__ = Exception.__str__


class OutputExistsError(HctError, FileExistsError):
    """The output is there already and was not to be overwritten."""

    __str__ = Exception.__str__


class UnsupportedDtypeError(HctError, TypeError):
    """A framework has no type for the elements of a tensor, or the format has none."""
