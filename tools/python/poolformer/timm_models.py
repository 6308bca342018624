# from_timm: a live PyTorch model becomes a Model, in memory.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from poolformer import _native
from poolformer.arguments import Log, instruction_set, log_receiver
from poolformer.errors import Error, Status
from poolformer.model import Model


def from_timm(
    model: Any, name: str | None = None, *, isa: str | None = None, log: Log | None = None
) -> Model:
    """The Model of a live timm PoolFormer, such as timm.create_model("poolformer_s12").

    The weights are copied as they are now, in float32, and the pre-processing and labels are those
    of model.pretrained_cfg; no file is written. name: instead of timm's. isa, log: as in load.
    Needs torch, which is imported here only; needs memory for about four times the weights
    meanwhile.

    Raises TypeError for what is no timm model, and Error with Status.UNSUPPORTED, which names the
    reason, for one that is no PoolFormer or a changed one: with other parts, a replaced forward,
    forward hooks or parametrizations.
    """
    if not (hasattr(model, "pretrained_cfg") and hasattr(model, "state_dict")):
        found = type(model).__name__
        raise TypeError(f"model is of type {found}, expected what timm.create_model returns")
    from poolformer_export.errors import ExportError
    from poolformer_export.timm_source import from_timm_model
    from poolformer_export.write import model_files

    try:
        source = from_timm_model(model, "a live timm model")
        if name is not None:
            source.name = name
        files = model_files(source)
    except ExportError as error:
        raise Error(str(error), Status.UNSUPPORTED) from None
    native = _native.load_memory(
        files["model.json"], files["model.safetensors"], instruction_set(isa), log_receiver(log)
    )
    return Model(native)
