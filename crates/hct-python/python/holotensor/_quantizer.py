"""``quant_method: "hct"``: folders whose weights are in an ``.hct`` file, for transformers' own loaders.

transformers insists on a file of weights that it knows. Such a folder has one without tensors; once the
empty model is there, its weights come from the ``.hct`` file.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from transformers.quantizers import HfQuantizer, register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from ._errors import CheckpointError, OptionError

METHOD = "hct"
# Methods of a model that make up what a file of weights lacks.
_MAKE_UP = ("_move_missing_keys_from_meta_to_device", "_initialize_missing_keys")


@register_quantization_config(METHOD)
class HctConfig(QuantizationConfigMixin):
    """What ``quantization_config`` says: the name of the ``.hct`` file in the folder."""

    def __init__(self, file: str = "model.hct", **kwargs: Any) -> None:
        self.quant_method = METHOD
        self.file = file

    def to_dict(self) -> dict[str, Any]:
        """As it is written to ``config.json``."""
        return {"quant_method": METHOD, "file": self.file}


@register_quantizer(METHOD)
class HctQuantizer(HfQuantizer):
    """Fills a model from the ``.hct`` file of its folder. The weights are ordinary ones after that."""

    def __init__(self, quantization_config: HctConfig, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        if not self.pre_quantized:
            raise OptionError(
                "models are not coded while they are loaded: holotensor.transformers.save_pretrained does it"
            )
        self._file: str | None = None
        self._device: Any = None
        self._tied: Any = None

    def _process_model_before_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        files = kwargs.get("checkpoint_files") or []
        name = os.path.basename(self.quantization_config.file)
        if name != self.quantization_config.file or not name.endswith(".hct"):
            raise CheckpointError(f"quantization_config names {self.quantization_config.file!r}, which is no .hct file")
        folder = os.path.dirname(files[0]) if files else str(model.config.name_or_path)
        self._file = os.path.join(folder, name)
        # All of them are, until the file is read.
        model._keys_to_ignore_on_load_missing = {".*"}
        # Nothing can be tied yet, of which there would be a warning.
        self._tied = getattr(model, "all_tied_weights_keys", None)
        model.all_tied_weights_keys = {}
        devices = set((kwargs.get("device_map") or {"": "cpu"}).values())
        if len(devices) == 1 and "disk" not in devices:
            # What is made up would take as much memory as the model: it stays without. Where transformers
            # has these methods no more, it only takes that memory for a while.
            (self._device,) = devices
            for name in _MAKE_UP:
                setattr(model, name, _nothing)
        return model

    def _process_model_after_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        from .transformers import load_weights

        assert self._file is not None, "the hook before loading comes first"
        device = model.device if self._device is None else self._device
        dtype, config = model.dtype, model.config
        for name in (*_MAKE_UP, "_keys_to_ignore_on_load_missing"):
            vars(model).pop(name, None)
        if self._tied is not None:
            model.all_tied_weights_keys = self._tied
        self.remove_quantization_config(model)
        # What was made up for missing weights goes before the real ones come.
        model.to("meta")
        filled = load_weights(type(model), self._file, config, dtype=dtype).to(device)
        for module, theirs in zip(model.modules(), filled.modules(), strict=True):
            module._parameters = theirs._parameters
            module._buffers = theirs._buffers
        return model

    def is_serializable(self, *args: Any, **kwargs: Any) -> bool:
        """They are ordinary weights."""
        return True

    @property
    def is_trainable(self) -> bool:
        """As above."""
        return True

    def update_dtype(self, dtype: torch.dtype) -> torch.dtype:
        """That asked for."""
        return dtype


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Instead of what is not to be done."""
