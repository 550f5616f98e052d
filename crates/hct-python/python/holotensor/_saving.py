"""How tensors are to be coded, from keyword arguments to the JSON of a spec."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Mapping, Sequence, Union

from ._errors import OptionError

Quality = Union[float, str, None]
Progress = Union[bool, Callable[[int, int, str], Any], None]


def spec_json(
    strategy: str | None,
    quality: Quality,
    options: Mapping[str, Any],
    calibrated: bool = False,
) -> str:
    """The spec that ``hct compress`` makes of the same options, as JSON.

    ``quality`` is short for an option: a number is a cosine, ``"lossless"`` the strategy of that name.
    """
    given = {key: value for key, value in options.items() if value is not None}
    if isinstance(quality, str):
        if quality != "lossless":
            raise OptionError(
                f"quality {quality!r}: give a cosine between 0 and 1, or 'lossless'; qualities that are "
                "measured by running the model are `hct compress --quality`'s"
            )
        if strategy not in (None, "lossless"):
            raise OptionError(f"quality 'lossless' is a strategy: leave out strategy={strategy!r}")
        strategy = "lossless"
    elif quality is not None:
        if "cosine" in given:
            raise OptionError("quality and cosine are the same; leave one of them out")
        given["cosine"] = float(quality)
    importance = given.get("importance_map")
    if isinstance(importance, (str, os.PathLike)):
        with open(importance, encoding="utf-8") as file:
            given["importance_map"] = json.load(file)
    spec = {"strategy": strategy or ("calibrated" if calibrated else "rdo"), **given}
    try:
        return json.dumps(spec, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(f"an option is neither a number nor a text: {error}") from error


def pairs_of(metadata: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Metadata in the order of its keys, checked to be text."""
    metadata = metadata or {}
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata maps texts to texts; {key!r}: {value!r} does not")
    return sorted(metadata.items())


def in_order(tensors: Sequence[tuple[str, str, list[int]]]) -> list[tuple[str, str, list[int]]]:
    """Name, dtype and shape by the width of elements, the widest first, then by name: so that each is
    at a multiple of its width in a safetensors file, and the bytes do not depend on the dict's order.
    """
    return sorted(tensors, key=lambda tensor: (-_width(tensor[1]), tensor[0]))


def _width(dtype: str) -> int:
    for bits in (64, 32, 16, 8):
        if dtype.lstrip("BFUIC") == str(bits):
            return bits
    return 8


def listener(progress: Progress, what: str) -> tuple[Callable[..., Any] | None, Callable[[], None]]:
    """What is called with bytes done, bytes in all and a tensor's name, and what ends it."""
    if progress is None or progress is False:
        return None, lambda: None
    if progress is not True:
        return progress, lambda: None
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        return None, lambda: None
    bar = tqdm(desc=what, unit="B", unit_scale=True, unit_divisor=1024)

    def show(done: int, total: int, tensor: str) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show, bar.close
