"""Models of transformers in ``.hct`` files.

Importing this module also teaches transformers to load folders that :func:`save_pretrained` wrote:
``AutoModel.from_pretrained(folder)`` works then. It takes transformers 5.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import torch
import transformers

from ._commands import compress
from ._errors import CheckpointError, OptionError
from ._quantizer import METHOD, HctConfig, HctQuantizer
from ._safe_open import Bases, Path, TensorSlice, safe_open
from ._saving import Progress, Quality
from ._torch_arrays import DTYPES

__all__ = ["HctConfig", "HctQuantizer", "from_pretrained", "load_weights", "save_pretrained", "unpack"]

_FILE = "model.hct"
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*")


def from_pretrained(
    auto_class: Any, folder_or_file: Path, *, base: Bases = None, **options: Any
) -> Any:
    """What ``auto_class.from_pretrained`` gives, from an ``.hct`` file or a folder with one.

    ``auto_class`` is ``AutoModel`` or another class of models, whose weights are decoded straight into
    the module, one tensor after the other: memory holds the model and the few tensors being decoded.
    Other classes, such as ``AutoTokenizer``, are given the files that the ``.hct`` file carries;
    ``SentenceTransformer`` of sentence-transformers is given a folder with these and the weights.
    ``dtype`` is that of the file unless given; further options are those of ``from_pretrained``.

    Raises :class:`CheckpointError` where there is no ``.hct`` file or it carries no ``config.json``,
    :class:`OptionError` where a ``base`` is given to ``SentenceTransformer``, and what
    :class:`holotensor.safe_open` raises.
    """
    file = _find(folder_or_file)
    if _takes_folders(auto_class) and base is not None:
        raise OptionError(f"{auto_class.__name__} cannot be given a base: decompress the file first")
    with tempfile.TemporaryDirectory(prefix="hct-") as folder:
        unpack(file, folder)
        beside = os.path.dirname(file)
        if not os.path.exists(os.path.join(folder, "config.json")):
            if not os.path.exists(os.path.join(beside, "config.json")):
                raise CheckpointError(f"{file} carries no config.json, and there is none beside it")
            folder = beside
        if _takes_folders(auto_class):
            return _of_folder(auto_class, file, folder, options)
        if not _is_model(auto_class):
            return auto_class.from_pretrained(folder, **options)
        config = options.pop("config", None)
        if config is None:
            config = transformers.AutoConfig.from_pretrained(
                folder, trust_remote_code=options.get("trust_remote_code", False)
            )
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        model = load_weights(auto_class, file, config, base=base, **options)
        if os.path.exists(os.path.join(folder, "generation_config.json")) and model.can_generate():
            model.generation_config = transformers.GenerationConfig.from_pretrained(folder)
    model.config.name_or_path = os.fspath(folder_or_file)
    return model


def load_weights(
    model_class: Any, file: Path, config: Any, *, base: Bases = None, **options: Any
) -> Any:
    """A model of ``model_class`` and ``config`` with the weights in ``file``, as
    :func:`from_pretrained` loads it, but with nothing else of the file.
    """
    with safe_open(file, framework="pt", base=base) as opened:
        weights = _Weights(opened)
        if options.get("dtype") in (None, "auto"):
            options["dtype"] = weights.dtype()
        trust = options.pop("trust_remote_code", False)
        concrete = _concrete(model_class, config, trust)
        return concrete.from_pretrained(None, config=config, state_dict=weights, **options)


def save_pretrained(
    model: Any,
    folder: Path,
    *,
    quality: Quality = None,
    progress: Progress = None,
    tokenizer: Any = None,
    **options: Any,
) -> dict[str, Any]:
    """Writes a model, a ``SentenceTransformer`` too, to ``folder`` with its weights in ``model.hct``.

    The ``.hct`` file is whole in itself: it carries configuration, tokenizer (where one is given, or
    the model has it) and what else belongs to the model, and :func:`from_pretrained` and ``hct
    decompress`` need nothing besides. The folder is for ``AutoModel.from_pretrained``, or
    ``SentenceTransformer(folder)``. The weights are written there uncompressed meanwhile. Options, errors
    and the report are those of :func:`holotensor.compress`, of which ``quality`` is a cosine or
    ``"lossless"``.
    """
    target = FilePath(folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".hct-partial-", dir=target) as made:
        plain = FilePath(made) / "model"
        model.save_pretrained(str(plain))
        if tokenizer is not None:
            tokenizer.save_pretrained(str(plain))
        report = compress(plain, FilePath(made) / _FILE, quality=quality, progress=progress, **options)
        for pattern in _WEIGHTS:
            for path in plain.glob(pattern):
                path.unlink()
        _write_stub(plain / "model.safetensors")
        _point_to(plain / "config.json", _FILE)
        (FilePath(made) / _FILE).replace(target / _FILE)
        shutil.copytree(plain, target, dirs_exist_ok=True)
    return report


def unpack(file: Path, folder: Path) -> list[str]:
    """Writes the files that an ``.hct`` file carries beside its weights (configuration, tokenizer, …)
    to ``folder``, which must be there; gives their paths in it.

    Raises :class:`CheckpointError` where a path leads out of the folder, ``OSError``, and what
    :class:`holotensor.safe_open` raises.
    """
    root = FilePath(folder).resolve()
    with safe_open(file) as opened:
        files = opened.side_files()
    for name, data in files.items():
        path = (root / name).resolve()
        if root not in path.parents:
            raise CheckpointError(f"refusing the stored path {name!r}, which leads out of the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(files)


class _Weights(Mapping[str, TensorSlice]):
    """A state dict of tensors that are decoded when transformers takes them, by ``tensor[...]``."""

    def __init__(self, file: safe_open) -> None:
        self._file = file
        self._names = dict.fromkeys(file.offset_keys())

    def __getitem__(self, name: str) -> TensorSlice:
        if name not in self._names:
            raise KeyError(name)
        return self._file.get_slice(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def dtype(self) -> torch.dtype:
        """The first floating-point dtype."""
        dtypes = (DTYPES.get(self[name].get_dtype()) for name in self)
        floats = (dtype for dtype in dtypes if dtype is not None and dtype.is_floating_point)
        return next(floats, torch.get_default_dtype())


def _takes_folders(auto_class: Any) -> bool:
    # SentenceTransformer, CrossEncoder and SparseEncoder, which are made of a folder by calling them.
    parents = getattr(auto_class, "__mro__", ())
    return any(parent.__module__.split(".")[0] == "sentence_transformers" for parent in parents)


def _of_folder(loader: Any, file: str, side_files: str, options: dict[str, Any]) -> Any:
    with tempfile.TemporaryDirectory(prefix="hct-") as made:
        folder = FilePath(made) / "model"
        shutil.copytree(side_files, folder, ignore=shutil.ignore_patterns("*.hct", *_WEIGHTS))
        _write_stub(folder / "model.safetensors")
        _point_to(folder / "config.json", _FILE)
        (folder / _FILE).symlink_to(os.path.abspath(file))
        return loader(str(folder), **options)


def _is_model(auto_class: Any) -> bool:
    # The latter is what AutoModel and its like have, and AutoTokenizer and its like have not.
    return _is_concrete(auto_class) or hasattr(auto_class, "from_config")


def _is_concrete(model_class: Any) -> bool:
    return isinstance(model_class, type) and issubclass(model_class, transformers.PreTrainedModel)


def _concrete(model_class: Any, config: Any, trust: bool) -> Any:
    """The class that ``AutoModel`` and its like stand for, which load no state dict themselves."""
    if _is_concrete(model_class):
        return model_class
    # A skeleton without memory, which is made for its class alone.
    with torch.device("meta"):
        return type(model_class.from_config(config, trust_remote_code=trust))


def _find(folder_or_file: Path) -> str:
    path = FilePath(folder_or_file)
    if not path.is_dir():
        return str(path)
    try:
        config = json.loads((path / "config.json").read_bytes())
        named = config.get("quantization_config", {}).get("file")
    except (OSError, ValueError, AttributeError):
        named = None
    if isinstance(named, str) and os.path.basename(named) == named and (path / named).is_file():
        return str(path / named)
    found = sorted(path.glob("*.hct"))
    if len(found) != 1:
        raise CheckpointError(f"{path} has {len(found)} .hct files; give the file itself")
    return str(found[0])


def _write_stub(path: FilePath) -> None:
    """A safetensors file without tensors."""
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def _point_to(path: FilePath, file: str) -> None:
    """Says in a config that the weights are in an ``.hct`` file."""
    config = json.loads(path.read_bytes())
    config["quantization_config"] = {"quant_method": METHOD, "file": file}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
