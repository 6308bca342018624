# Writes tests/golden/image/preprocess.json: what PIL and float32 arithmetic make of hashed images.
# SPDX-License-Identifier: Apache-2.0
"""Usage: python3 tests/golden/make_image_golden.py   (needs Pillow and numpy)

Each case is an image made from the integer hash of tests/golden/README.md, the pre-processing
settings, 8-bit values of PIL's resized and cropped result at sampled places, and fingerprints
(FNV-1a) of all its bytes and of the normalised float32 planes (little endian).
"""
import json
import pathlib

import numpy
import PIL
from PIL import Image

STEP = 0x9E3779B97F4A7C15
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
NUM_SAMPLES = 24

# height, width, pixels per block of equal colour, shorter side, crop height, crop width
CASES = [
    (300, 451, 1, 248, 224, 224),  # shrinking a little, odd sizes
    (300, 451, 9, 235, 224, 224),  # odd surplus: the two crop roundings differ
    (641, 427, 3, 248, 224, 224),
    (512, 512, 37, 235, 224, 224),
    (1201, 803, 5, 248, 224, 224),  # shrinking a lot
    (53, 37, 1, 248, 224, 224),  # enlarging
    (32, 32, 1, 235, 224, 224),
    (248, 331, 1, 248, 224, 224),  # already that size: no resize
    (235, 235, 1, 235, 224, 224),
    (249, 248, 1, 248, 224, 224),
    (32, 32, 1, 32, 32, 32),
    (33, 32, 1, 32, 32, 32),
    (31, 64, 2, 32, 32, 32),
    (427, 640, 11, 32, 32, 32),
    (1, 1, 1, 32, 32, 32),
    (2, 3, 1, 32, 32, 32),
    (1, 5000, 1, 32, 32, 32),  # extreme shapes
    (3000, 2, 1, 32, 32, 32),
    (75, 50, 1, 41, 40, 17),  # a crop that is not square
    (50, 75, 1, 43, 18, 36),
]


def finalise(bits):
    bits = (bits ^ (bits >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> numpy.uint64(31))


def fingerprint(data):
    key = 0xCBF29CE484222325
    for byte in data:
        key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return key


def hash_bits(seed, key, element):
    start = numpy.array([seed], numpy.uint64) + numpy.uint64(STEP)
    stream = finalise(finalise(start) ^ numpy.uint64(key))
    return finalise(stream + (element + numpy.uint64(1)) * numpy.uint64(STEP))


def make_image(seed, height, width, block):
    y, x, c = numpy.meshgrid(
        numpy.arange(height) // block, numpy.arange(width) // block, numpy.arange(3), indexing="ij"
    )
    element = ((y * width + x) * 3 + c).astype(numpy.uint64)
    return (hash_bits(seed, fingerprint(b"image"), element) >> numpy.uint64(56)).astype(numpy.uint8)


def crop_offset(surplus, rounding):
    return round(surplus / 2) if rounding == "half_even" else surplus // 2


def preprocess(pixels, shorter, crop_height, crop_width, rounding):
    image = Image.fromarray(pixels)
    width, height = image.size
    size = (
        (shorter, shorter * height // width)
        if width <= height
        else (shorter * width // height, shorter)
    )
    image = image.resize(size, Image.BICUBIC)
    left = crop_offset(size[0] - crop_width, rounding)
    top = crop_offset(size[1] - crop_height, rounding)
    return numpy.asarray(image.crop((left, top, left + crop_width, top + crop_height)))


def normalise(levels):
    unit = levels.astype(numpy.float32) / numpy.float32(255)
    normalised = (unit - numpy.array(MEAN, numpy.float32)) / numpy.array(STD, numpy.float32)
    return numpy.ascontiguousarray(normalised.transpose(2, 0, 1))


def make_case(seed, case, rounding):
    height, width, block, shorter, crop_height, crop_width = case
    pixels = make_image(seed, height, width, block)
    levels = preprocess(pixels, shorter, crop_height, crop_width, rounding)
    flat = levels.reshape(-1)
    places = [(i * 7919 * 3 + i) % flat.size for i in range(NUM_SAMPLES)]
    return {
        "seed": seed, "height": height, "width": width, "block": block,
        "shorter_side": shorter, "crop_height": crop_height, "crop_width": crop_width,
        "crop_rounding": rounding,
        "places": places, "levels": [int(flat[place]) for place in places],
        "levels_fingerprint": f"{fingerprint(flat.tobytes()):016x}",
        "floats_fingerprint": f"{fingerprint(normalise(levels).astype('<f4').tobytes()):016x}",
    }


def main():
    cases = [
        make_case(seed, case, "half_even" if seed % 2 else "floor")
        for seed, case in enumerate(CASES + [CASES[1]])
    ]
    head = {"made_by": f"Pillow {PIL.__version__}", "mean": MEAN, "std": STD}
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    text = json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    path = pathlib.Path(__file__).parent / "image" / "preprocess.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main()
