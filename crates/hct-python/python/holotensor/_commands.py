"""The commands of ``hct``."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any, Mapping, Sequence, Union

from . import _hct
from ._errors import OptionError
from ._safe_open import Bases, Path, paths
from ._saving import Progress, Quality, listener, spec_json

Rows = Union[slice, range, Sequence[int], None]


def compress(
    src: Path,
    dst: Path,
    *,
    quality: Quality = None,
    strategy: str | None = None,
    preset: str | None = None,
    retention: float | None = None,
    cosine: float | None = None,
    rel_mse: float | None = None,
    step: float | None = None,
    bpw: float | None = None,
    delta_cosine: float | None = None,
    effort: str | None = None,
    rank: int | None = None,
    fp16_ratio: float | None = None,
    importance_map: Mapping[str, float] | Path | None = None,
    fragments: int | None = None,
    spec: Mapping[str, Any] | str | None = None,
    size: int | None = None,
    calibration: Path | None = None,
    plan: Path | None = None,
    base: Bases = None,
    base_map: Mapping[str, str] | None = None,
    base_hint: str | None = None,
    dequantize: str | None = None,
    part: tuple[int, int] | None = None,
    side_files: bool = True,
    verify: bool | None = None,
    hashes: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Compresses a checkpoint, a ``.safetensors`` file or a folder, to the ``.hct`` file ``dst``.

    The options are those of ``hct compress``, but for those that run the model (``--text``,
    ``--max-kld``, qualities by name), and the bytes are those that it writes with the same
    ones; without any, every matrix reaches a cosine of 0.9998. One at most says how good the result
    is to be: ``cosine`` (in (0, 1); ``quality=`` a number is the same), ``rel_mse`` (relative mean
    squared error, in (0, 1)), ``bpw`` (bits per weight of the whole file), ``size`` (bytes of the file
    at most), ``retention``, ``step``. ``quality="lossless"`` brings back every bit. ``spec`` has a
    strategy and its options as one dict, such as ``info(...)["made_by"]["spec"]``.

    ``importance_map`` and ``base_map`` are dicts; ``calibration`` and ``plan`` are files that
    ``hct calibrate`` and ``hct plan`` write. ``dequantize="f16"`` (or bf16, f32) codes the blocks of a
    GGUF file as numbers. ``part=(i, n)`` codes the i-th of n parts alone, counted from 1, for
    :func:`merge`. With ``verify`` the file is read and decoded again before it gets its name, which is
    so of lossless ones unless it is ``False``. With ``hashes`` the file holds the BLAKE3 hash of every
    tensor and file as it was, for ``verify(deep=True)``; so do lossless ones unless it is ``False``.
    With ``resume`` what is done is kept in a folder beside ``dst`` until all is, and the same call goes
    on from there after an interruption, to the same bytes; not with a size or bits per weight.
    ``progress`` is called with bytes done, bytes in all and the name of a tensor; ``True`` shows a bar
    where tqdm is installed.

    Gives ``input_bytes``, ``output_bytes``, ``weights``, ``bits_per_weight``, ``ratio``, ``base`` and
    ``predicted_damage``. Raises :class:`OptionError`, :class:`CheckpointError`,
    :class:`OutputExistsError` unless ``overwrite``, :class:`BaseModelError` and ``OSError``; after
    any of them, and Ctrl-C, ``dst`` is as it was.
    """
    options = {
        "preset": preset,
        "retention": retention,
        "cosine": cosine,
        "rel_mse": rel_mse,
        "step": step,
        "bpw": bpw,
        "delta_cosine": delta_cosine,
        "effort": effort,
        "rank": rank,
        "fp16_ratio": fp16_ratio,
        "importance_map": importance_map,
        "fragments": fragments,
    }
    chosen = strategy is not None or quality is not None or any(v is not None for v in options.values())
    if plan is not None and (chosen or spec is not None or size is not None):
        raise OptionError("a plan says already how tensors are coded; leave out other options of a strategy")
    if spec is not None:
        if chosen or size is not None:
            raise OptionError("spec has the strategy and its options; leave out others")
        text = spec if isinstance(spec, str) else json.dumps(spec)
    else:
        if size is not None:
            if bpw is not None:
                raise OptionError("size and bpw both set the size; leave one of them out")
            options["bpw"] = _hct.bits_per_weight_for(os.fspath(src), size)
        text = spec_json(strategy, quality, options, calibrated=calibration is not None)
    tell, end = listener(progress, "compressing")
    try:
        report = json.loads(
            _hct.compress(
                os.fspath(src),
                os.fspath(dst),
                text,
                None if calibration is None else os.fspath(calibration),
                None if plan is None else os.fspath(plan),
                paths(base),
                None if base_map is None else json.dumps(base_map),
                base_hint,
                dequantize,
                None if part is None else "/".join(map(str, part)),
                side_files,
                verify,
                hashes,
                resume,
                overwrite,
                threads,
                tell,
            )
        )
    finally:
        end()
    for name, reason in report.pop("skipped_files", []):
        warnings.warn(f"{name!r} is not carried along: {reason}", stacklevel=2)
    return report


def set_max_memory(size: int | None) -> None:
    """Lets the ``.hct`` files that are opened from now on take up to ``size`` bytes of memory for a tensor
    and unpack to as much in all, however short they are: ``--max-memory`` of ``hct``. By default, and with
    ``None``, it is 256 MiB and 1,024 times the length of the file. What asks for more is refused with
    :class:`LimitError`.
    """
    _hct.set_max_memory(size)


def merge(
    parts: Sequence[Path],
    dst: Path,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Joins the parts of a model, ``.hct`` files in any order, to the file that compressing it at once
    gives, byte for byte. Nothing is decoded; every checksum is checked.

    Gives ``parts``, ``tensors`` and ``output_bytes``. Raises :class:`CheckpointError` where they are not
    the parts of one model, :class:`CorruptedError`, :class:`OutputExistsError` unless ``overwrite``, and
    ``OSError``; ``dst`` is as it was then.
    """
    tell, end = listener(progress, "merging")
    try:
        each = [os.fspath(part) for part in parts]
        return json.loads(_hct.merge(each, os.fspath(dst), overwrite, threads, tell))
    finally:
        end()


def decompress(
    src: Path,
    dst: Path,
    *,
    base: Bases = None,
    fragments: int | None = None,
    keep_going: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> int:
    """Turns an ``.hct`` file back into the checkpoint that it was: a folder, or one file where ``dst``
    ends in ``.safetensors``, or in ``.gguf`` where it was one of those. Gives the bytes written.

    ``keep_going`` writes what is not damaged of a damaged file, and warns of every tensor and file that
    is lost; nothing is filled in. ``base``, ``fragments`` and what is raised are as of
    :class:`holotensor.safe_open`; ``progress`` is as of :func:`compress`. Raises
    :class:`OutputExistsError` unless ``overwrite``, :class:`CorruptedError` with ``keep_going``, too,
    where nothing is left.
    """
    source, target = os.fspath(src), os.fspath(dst)
    tell, end = listener(progress, "decompressing")
    try:
        written, lost = _hct.decompress(
            source, target, paths(base), fragments, keep_going, overwrite, threads, tell
        )
    finally:
        end()
    for part in json.loads(lost):
        warnings.warn(f"{part['kind']} {part['name']!r} is lost: {part['error']}", stacklevel=2)
    return written


def recover(
    path: Path,
    output: Path,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Writes what is left of a damaged ``.hct`` file, one that cannot be opened any more as well, to the
    ``.hct`` file ``output``: ``hct recover``.

    Every file has its index once more, in pieces beside the tensors; where that at the end is damaged or
    cut off, these tell what there is. Tensors are copied as they are coded, their checksums checked.
    Gives ``complete``, which says whether ``output`` is the file as it was written, byte for byte; the
    numbers of ``tensors`` and ``files`` in it; ``lost``, with ``kind``, ``name`` and ``error`` of what is
    not; ``missing_tensors`` and ``missing_files``, which not even the name is left of; ``output_bytes``
    and the other fields of ``hct recover --json``. What is left of an incomplete one
    :func:`decompress` writes with ``keep_going``. ``progress`` is as of :func:`compress`.

    Raises :class:`NotHctError` and :class:`CorruptedError` where nothing can be recovered,
    :class:`OutputExistsError` unless ``overwrite``, :class:`LimitError` and ``OSError``; ``output`` is as
    it was then.
    """
    tell, end = listener(progress, "recovering")
    try:
        return json.loads(_hct.recover(os.fspath(path), os.fspath(output), overwrite, threads, tell))
    finally:
        end()


def verify(
    path: Path,
    *,
    base: Bases = None,
    deep: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Checks every checksum of an ``.hct`` file, and that all of it decodes. With ``deep`` every tensor that
    comes back bit for bit is held against the hash of what it was, too, where the file has hashes:
    ``proved`` is how many were.

    Gives ``ok``, the numbers of ``tensors``, of those ``not_decoded`` because their base was not given,
    of carried ``files`` and of ``bytes``, and ``failures``: ``kind``, ``name`` and ``error`` of
    everything that is damaged. Raises where the index cannot be read, as
    :class:`holotensor.safe_open`.
    """
    tell, end = listener(progress, "checking")
    try:
        return json.loads(_hct.verify(os.fspath(path), paths(base), deep, threads, tell))
    finally:
        end()


def info(path: Path) -> dict[str, Any]:
    """What is in an ``.hct`` file and where its bytes go: what ``hct info --json`` prints.

    Raises as :class:`holotensor.safe_open`.
    """
    return json.loads(_hct.info(os.fspath(path)))


def diff(
    a: Path,
    b: Path,
    *,
    base: Bases = None,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Compares the weights of two models, checkpoints or ``.hct`` files, ``a`` being the reference.

    Gives what ``hct diff --json`` prints: ``total``, ``matrices``, ``tensors``, ``only_in_b``; what is
    infinite or undefined is ``None``. Raises :class:`CheckpointError` where they have not the same
    tensors, and what opening either raises.
    """
    tell, end = listener(progress, "comparing")
    try:
        return json.loads(_hct.diff(os.fspath(a), os.fspath(b), paths(base), threads, tell))
    finally:
        end()


def export(
    src: Path,
    dst: Path,
    *,
    type: str = "f16",
    tokenizer_pre: str | None = None,
    base: Bases = None,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = None,
) -> dict[str, Any]:
    """Writes a Llama or Qwen2 model, an ``.hct`` file or a folder with its ``config.json`` and
    ``tokenizer.json``, as a GGUF file, which llama.cpp runs: ``hct export``.

    ``type`` is what most weights are stored as: ``"f16"``, ``"bf16"``, ``"q8_0"`` or ``"q4_0"``.
    ``tokenizer_pre`` is what llama.cpp calls the way the tokenizer splits text, where that is not known
    here. What was compressed from GGUF :func:`decompress` gives back.

    Gives ``tensors`` and ``output_bytes``. Raises :class:`CheckpointError` where the model is of another
    kind or lacks a file, :class:`OptionError`, :class:`OutputExistsError` unless ``overwrite``, and what
    :class:`holotensor.safe_open` raises; ``dst`` is as it was then.
    """
    source, target = os.fspath(src), os.fspath(dst)
    name = os.path.basename(os.path.normpath(source))
    if name.endswith(".hct"):
        name = name[: -len(".hct")]
    tell, end = listener(progress, "exporting")
    try:
        return json.loads(
            _hct.export(
                source, target, type, name, tokenizer_pre, paths(base), overwrite, threads, tell
            )
        )
    finally:
        end()


def extract(
    path: Path,
    tensor: str,
    output: Path,
    *,
    rows: Rows = None,
    base: Bases = None,
    fragments: int | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Takes one tensor, or ``rows`` of it, out of an ``.hct`` file to a ``.safetensors`` or ``.npy`` one.

    ``rows`` is a slice or range without a step, or the first row and the one after the last. Gives
    what ``hct extract --json`` prints, such as ``shape`` and ``read_bytes``. Raises
    :class:`TensorNotFoundError`, :class:`OptionError`, :class:`UnsupportedDtypeError` and what
    :class:`holotensor.safe_open` raises.
    """
    return json.loads(
        _hct.extract(
            os.fspath(path),
            tensor,
            os.fspath(output),
            _rows(rows, path, tensor),
            paths(base),
            fragments,
            overwrite,
        )
    )


def _rows(rows: Rows, path: Path, tensor: str) -> tuple[int, int] | None:
    if rows is None:
        return None
    if isinstance(rows, slice):
        from ._safe_open import safe_open

        with safe_open(path) as file:
            shape = file.get_slice(tensor).get_shape()
        if not shape:
            raise OptionError(f"tensor {tensor!r} is a scalar, which has no rows")
        rows = range(*rows.indices(shape[0]))
    if isinstance(rows, range):
        if rows.step != 1:
            raise OptionError("rows: give a slice or a range without a step")
        return (rows.start, max(rows.start, rows.stop))
    first, end = rows
    return (first, end)
