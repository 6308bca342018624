# Reads an exported model folder back, to build the same network in PyTorch.
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import numpy as np
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.source import Architecture, Norm, Preprocessing, Source


def _norm(fields: dict) -> Norm:
    return Norm(fields["kind"], fields["eps"])


def read_model_folder(folder: Path) -> Source:
    """A model whose stages differ in depth and channels only, as every exported one."""
    fields = json.loads((folder / "model.json").read_text())
    stages, head, image = fields["stages"], fields["head"], fields["input"]
    architecture = Architecture(
        embeddings=tuple(
            (e["kernel"], e["stride"], e["padding"]) for e in fields["patch_embeddings"]
        ),
        depths=tuple(stage["depth"] for stage in stages),
        channels=tuple(stage["channels"] for stage in stages),
        classes=head["classes"],
        mlp_ratio=stages[0]["mlp"]["ratio"],
        pool_size=stages[0]["token_mixer"]["size"],
        activation=stages[0]["mlp"]["activation"],
        norm=_norm(stages[0]["norm"]),
        has_layer_scale=stages[0]["layer_scale"],
        head_order=head["order"],
        head_norm=_norm(head["norm"]),
    )
    preprocessing = Preprocessing(
        size=image["height"],
        resize=image["resize"]["shorter_side"],
        crop_rounding=image["crop_rounding"],
        mean=tuple(image["mean"]),
        std=tuple(image["std"]),
    )
    stored, _ = read_safetensors(folder / "model.safetensors")
    return Source(
        name=fields["name"],
        dialect=fields["source"]["dialect"],
        origin=fields["source"]["origin"],
        architecture=architecture,
        preprocessing=preprocessing,
        tensors={name: array.astype(np.float32) for name, array in stored.items()},
        labels=fields["labels"],
    )
