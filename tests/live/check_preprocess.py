# Live comparison: pf_preprocess against timm's transform and transformers' processor (PIL).
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import numpy as np
from live_models import transformers_processor
from photos import photos
from poolformer_ctypes import Model
from poolformer_export import torch_models
from poolformer_export.source import IMAGENET_MEAN, IMAGENET_STD
from report import Report

# A step of one level, and the float32 rounding of values that are not levels any more.
MAX_LEVELS = 1.001


def to_levels(tensor: np.ndarray) -> np.ndarray:
    """A normalised tensor [3, height, width] in units of one 8-bit value."""
    mean, std = (np.array(v).reshape(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (tensor.astype(np.float64) * std + mean) * 255


def _timm_transform(size: str) -> Callable:
    timm = torch_models.import_timm()
    config = timm.get_pretrained_cfg(f"poolformer_{size}").to_dict()
    settings = timm.data.resolve_data_config({}, pretrained_cfg=config)
    transform = timm.data.create_transform(**settings, is_training=False)
    return lambda image: transform(image).numpy()


def _transformers_transform(size: str) -> Callable:
    processor = transformers_processor(size)
    return lambda image: np.asarray(processor(image, return_tensors="np")["pixel_values"][0])


def check_preprocess(report: Report, label: str, kind: str, size: str, model: Model) -> None:
    """At most one level of difference in any value of any photo."""
    reference = {"timm": _timm_transform, "transformers": _transformers_transform}[kind](size)
    worst, worst_name, differing, total = 0.0, "", 0, 0
    images = photos()
    for name, image in images.items():
        expected = to_levels(reference(image))
        found = to_levels(model.preprocess(np.asarray(image)))
        difference = np.abs(found - expected)
        differing += int(np.count_nonzero(difference > 0.5))
        total += difference.size
        if not difference.max() <= worst:
            worst, worst_name = float(difference.max()), f" ({name})"
    report.check(
        f"{label} preprocessing of {len(images)} photos",
        worst <= MAX_LEVELS,
        f"largest difference {worst:.3f} levels{worst_name}, {differing} of {total} values differ",
    )
