# Source: a PoolFormer read from somewhere, with neutral names: what every reader returns.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field

import numpy as np

# depths and channels of the five published models, by size.
PUBLISHED = {
    "s12": ((2, 2, 6, 2), (64, 128, 320, 512)),
    "s24": ((4, 4, 12, 4), (64, 128, 320, 512)),
    "s36": ((6, 6, 18, 6), (64, 128, 320, 512)),
    "m36": ((6, 6, 18, 6), (96, 192, 384, 768)),
    "m48": ((8, 8, 24, 8), (96, 192, 384, 768)),
}
PUBLISHED_EMBEDDINGS = ((7, 4, 2), (3, 2, 1), (3, 2, 1), (3, 2, 1))
PUBLISHED_CROP_PCT = {"s12": 0.9, "s24": 0.9, "s36": 0.9, "m36": 0.95, "m48": 0.95}

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Norm:
    kind: str  # a value of models/README.md
    eps: float


GROUP_NORM = Norm("group_norm", 1e-5)
TIMM_HEAD_NORM = Norm("layer_norm", 1e-6)


@dataclass(frozen=True)
class Architecture:
    """The network without its weights; one entry per stage in each tuple."""

    embeddings: tuple[tuple[int, int, int], ...]  # kernel, stride, padding
    depths: tuple[int, ...]
    channels: tuple[int, ...]
    classes: int
    mlp_ratio: int = 4
    pool_size: int = 3
    activation: str = "gelu"
    norm: Norm = GROUP_NORM
    has_layer_scale: bool = True
    head_order: str = "norm_pool"
    head_norm: Norm = GROUP_NORM


@dataclass(frozen=True)
class Preprocessing:
    """From a photo to the input tensor, as the source's own code does it."""

    size: int  # pixels, height and width after the crop
    resize: int  # pixels, the shorter side before the crop
    crop_rounding: str  # half_even | floor
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


@dataclass
class Source:
    name: str
    dialect: str  # timm | transformers | sail-sg | poolformer.cpp
    origin: str  # free text
    architecture: Architecture
    preprocessing: Preprocessing
    tensors: dict[str, np.ndarray]  # neutral name -> float32
    labels: list[str] = field(default_factory=list)


def published_size(depths: tuple[int, ...], channels: tuple[int, ...]) -> str | None:
    """'s12' ... 'm48', or None for a network that was not published."""
    for size, shape in PUBLISHED.items():
        if shape == (tuple(depths), tuple(channels)):
            return size
    return None
