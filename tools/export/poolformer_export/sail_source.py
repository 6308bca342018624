# Readers of the paper's parameter layout: sail-sg checkpoints and those of tools/train.
# SPDX-License-Identifier: Apache-2.0
import math
from pathlib import Path

from poolformer_export.config_file import get_list, require_agreement
from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters, Shapes
from poolformer_export.pickle_file import load_pickle
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.source import (
    PUBLISHED_CROP_PCT,
    PUBLISHED_EMBEDDINGS,
    Architecture,
    Preprocessing,
    Source,
    published_size,
)
from poolformer_export.strict_json import parse_json

CIFAR_SIZE = 32  # what tools/train trains on
# What the metadata of a checkpoint holds, each a list of these.
_METADATA = {
    "depths": int,
    "dims": int,
    "kernels": int,
    "strides": int,
    "paddings": int,
    "mean": float,
    "std": float,
    "classes": str,
}


def published_preprocessing(size: str, crop_rounding: str) -> Preprocessing:
    """224 pixels as the paper's models were evaluated."""
    resize = math.floor(224 / PUBLISHED_CROP_PCT[size])
    return Preprocessing(size=224, resize=resize, crop_rounding=crop_rounding)


def read_sail_sg(path: Path) -> Source:
    """A poolformer_*.pth.tar of the paper's authors; the size is inferred from the shapes."""
    parameters = Parameters("sail-sg", load_pickle(path))
    shapes = parameters.shapes()
    size = published_size(shapes.depths, shapes.channels)
    if size is None:
        raise ExportError(
            f"{path}: depths {list(shapes.depths)} with channels {list(shapes.channels)} are none "
            "of the published PoolFormers s12, s24, s36, m36, m48"
        )
    architecture = Architecture(
        embeddings=PUBLISHED_EMBEDDINGS,
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
    )
    return Source(
        name=f"poolformer_{size}",
        dialect="sail-sg",
        origin=f"sail-sg checkpoint {path.name}",
        architecture=architecture,
        preprocessing=published_preprocessing(size, "half_even"),
        tensors=parameters.check(architecture),
    )


def _parse_metadata(path: Path, metadata: dict[str, str]) -> dict[str, list]:
    values = {}
    for key, kind in _METADATA.items():
        if key not in metadata:
            raise ExportError(
                f'{path}: the metadata lacks "{key}"; expected a checkpoint of tools/train'
            )
        try:
            values[key] = parse_json(metadata[key])
        except ValueError:
            raise ExportError(f'{path}: metadata "{key}" is not JSON') from None
    return {key: get_list(f"{path}: metadata", values, key, _METADATA[key]) for key in values}


def _refuse_contradiction(path: Path, values: dict, shapes: Shapes) -> None:
    told = {
        "depths": list(shapes.depths),
        "dims": list(shapes.channels),
        "kernels": list(shapes.kernels),
    }
    require_agreement(f"{path}: metadata", values, told)
    for key in ("strides", "paddings"):
        if len(values[key]) != len(shapes.depths):
            raise ExportError(f'{path}: metadata "{key}" needs one number per stage')
    if len(values["classes"]) != shapes.classes:
        raise ExportError(
            f'{path}: metadata "classes" has {len(values["classes"])} names, '
            f"the parameters {shapes.classes} classes"
        )


def read_training_checkpoint(path: Path) -> Source:
    """A .safetensors of tools/train: the paper's names, the architecture in the metadata."""
    raw, metadata = read_safetensors(path)
    values = _parse_metadata(path, metadata)
    parameters = Parameters("sail-sg", raw)
    shapes = parameters.shapes()
    _refuse_contradiction(path, values, shapes)
    architecture = Architecture(
        embeddings=tuple(zip(shapes.kernels, values["strides"], values["paddings"], strict=True)),
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
        mlp_ratio=shapes.mlp_ratio,
        has_layer_scale=shapes.has_layer_scale,
    )
    return Source(
        name=path.name.split(".")[0],
        dialect="poolformer.cpp",
        origin=f"trained with tools/train, checkpoint {path.name}",
        architecture=architecture,
        preprocessing=Preprocessing(
            CIFAR_SIZE, CIFAR_SIZE, "half_even", tuple(values["mean"]), tuple(values["std"])
        ),
        tensors=parameters.check(architecture),
        labels=values["classes"],
    )
