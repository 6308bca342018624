# Readers of the paper's parameter layout: sail-sg checkpoints and those of tools/train.
# SPDX-License-Identifier: Apache-2.0
import json
import math
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters, Shapes
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.source import (
    PUBLISHED_CROP_PCT,
    PUBLISHED_EMBEDDINGS,
    Architecture,
    Preprocessing,
    Source,
    published_size,
)

CIFAR_SIZE = 32  # what tools/train trains on
_REQUIRED = ("depths", "dims", "kernels", "strides", "paddings", "mean", "std", "classes")


def published_preprocessing(size: str, crop_rounding: str) -> Preprocessing:
    """224 pixels as the paper's models were evaluated."""
    resize = math.floor(224 / PUBLISHED_CROP_PCT[size])
    return Preprocessing(size=224, resize=resize, crop_rounding=crop_rounding)


def load_pickle(path: Path) -> dict[str, np.ndarray]:
    """A flat tensor dict in a torch pickle; code inside the file is never run."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ExportError(f"{path}: no such file") from None
    except Exception as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(f"{path}: not a plain checkpoint of tensors: {first_line}") from None
    if not isinstance(state, dict):
        raise ExportError(f"{path}: holds a {type(state).__name__}, expected a dict of tensors")
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ExportError(
                f'{path}: "{name}" is a {type(value).__name__}, expected a flat dict of tensors'
            )
    return {name: to_numpy(value) for name, value in state.items()}


def to_numpy(tensor) -> np.ndarray:
    """numpy has no bfloat16, so that widens; every other dtype stays for the layout to judge."""
    import torch

    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


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


def _parse_metadata(path: Path, metadata: dict[str, str]) -> dict:
    missing = [key for key in _REQUIRED if key not in metadata]
    if missing:
        raise ExportError(
            f'{path}: the metadata lacks "{missing[0]}"; expected a checkpoint of tools/train'
        )
    values = {}
    for key in _REQUIRED:
        try:
            values[key] = tuple(json.loads(metadata[key]))
        except (ValueError, TypeError):
            raise ExportError(f'{path}: metadata "{key}" is not a JSON list') from None
    return values


def _refuse_contradiction(path: Path, values: dict, shapes: Shapes) -> None:
    found = {"depths": shapes.depths, "dims": shapes.channels, "kernels": shapes.kernels}
    for key, shape in found.items():
        if values[key] != shape:
            raise ExportError(
                f'{path}: metadata "{key}" is {list(values[key])}, the parameters say {list(shape)}'
            )
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
            CIFAR_SIZE, CIFAR_SIZE, "half_even", values["mean"], values["std"]
        ),
        tensors=parameters.check(architecture),
        labels=list(values["classes"]),
    )
