# Photos to preprocess: made by code in awkward sizes, and the real ones where they are at hand.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from PIL import Image
from shared_data import real_photos

SIZES = (  # height, width
    (427, 640),
    (640, 427),
    (300, 300),
    (251, 333),
    (224, 224),
    (248, 248),
    (100, 80),
    (37, 500),
    (1080, 1920),
)


def _made(height: int, width: int) -> Image.Image:
    """Waves, an edge and noise: smooth parts, ringing, and every value from 0 to 255."""
    generator = np.random.default_rng(height * 10_000 + width)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3 + 4 * c)) * np.cos(y / (5 + 3 * c)) for c in range(3)]
    pixels = 127.5 + 110 * np.stack(waves, axis=-1) + generator.normal(0, 25, (height, width, 3))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (255, 0, 255)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def photos() -> dict[str, Image.Image]:
    """By name."""
    found = {f"{width}x{height}": _made(height, width) for height, width in SIZES}
    return found | {path.name: Image.open(path).convert("RGB") for path in real_photos()}
