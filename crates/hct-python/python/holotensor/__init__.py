"""Weights of neural networks several times smaller, at a quality that is stated.

``safe_open`` reads tensors, or some of their rows, out of an ``.hct`` file as safetensors does out of
its own; :mod:`holotensor.numpy` and :mod:`holotensor.torch` load and save whole files,
:mod:`holotensor.transformers` whole models. ``compress``, ``decompress``, ``verify``, ``info``,
``diff``, ``export``, ``extract``, ``merge`` and ``recover`` are the commands of ``hct``, with the same
options, bytes and figures.

Everything that takes long releases the GIL, uses all cores, and stops at Ctrl-C.
"""

from ._commands import (
    compress,
    decompress,
    diff,
    export,
    extract,
    info,
    merge,
    recover,
    set_max_memory,
    verify,
)
from ._errors import (
    BaseModelError,
    CheckpointError,
    CorruptedError,
    HctError,
    LimitError,
    NotHctError,
    OptionError,
    OutputExistsError,
    TensorNotFoundError,
    UnsupportedDtypeError,
    UnsupportedVersionError,
)
from ._hct import __version__
from ._safe_open import TensorSlice, safe_open

__all__ = [
    "BaseModelError",
    "CheckpointError",
    "CorruptedError",
    "HctError",
    "LimitError",
    "NotHctError",
    "OptionError",
    "OutputExistsError",
    "TensorNotFoundError",
    "TensorSlice",
    "UnsupportedDtypeError",
    "UnsupportedVersionError",
    "__version__",
    "compress",
    "decompress",
    "diff",
    "export",
    "extract",
    "info",
    "merge",
    "recover",
    "safe_open",
    "set_max_memory",
    "verify",
]
