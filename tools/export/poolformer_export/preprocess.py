# From a photo to an input tensor with PIL, as a source's Preprocessing says.
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.source import Preprocessing


def _offset(outer: int, inner: int, rounding: str) -> int:
    difference = outer - inner
    return difference // 2 if rounding == "floor" else round(difference / 2)


def preprocess(image, settings: Preprocessing) -> np.ndarray:
    """A PIL RGB image -> float32 [3, size, size]."""
    from PIL import Image

    shorter, longer = sorted(image.size)
    long_side = settings.resize * longer // shorter
    is_wide = image.width >= image.height
    size = (long_side, settings.resize) if is_wide else (settings.resize, long_side)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    left = _offset(image.width, settings.size, settings.crop_rounding)
    top = _offset(image.height, settings.size, settings.crop_rounding)
    image = image.crop((left, top, left + settings.size, top + settings.size))
    values = np.asarray(image, np.float64) / 255.0
    values = (values - np.array(settings.mean)) / np.array(settings.std)
    return values.transpose(2, 0, 1).astype(np.float32)


def load_image(path: Path, settings: Preprocessing) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return preprocess(ImageOps.exif_transpose(image).convert("RGB"), settings)
    except OSError as error:
        raise ExportError(f"{path}: not readable as an image: {error}") from None
