# Writes tests/golden/image/decode/: tiny JPEG and PNG files, and what PIL makes of them.
# SPDX-License-Identifier: Apache-2.0
"""Usage: python3 tests/golden/make_decoder_golden.py   (needs Pillow and numpy)

expected.json lists, for each file, the size and the fingerprint (FNV-1a of the RGB bytes) of
ImageOps.exif_transpose(image).convert("RGB"). PIL writes the JPEG files; PNG files come from the
writer below, because PIL cannot write all kinds.
"""
import io
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageOps

from make_image_golden import fingerprint, make_image

FOLDER = pathlib.Path(__file__).parent / "image" / "decode"
HEIGHT, WIDTH = 17, 23
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
ADAM7 = [  # first row, first column, row step, column step of each pass
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)
]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """Unfiltered rows of samples [height, width * channels], each row padded to whole bytes."""
    packed = b""
    for row in samples:
        if depth == 16:
            packed += b"\0" + row.astype(">u2").tobytes()
        else:
            bits = numpy.unpackbits(row.astype(numpy.uint8)[:, None], axis=1)[:, 8 - depth :]
            packed += b"\0" + numpy.packbits(bits.reshape(-1)).tobytes()
    return packed


def write_png(name, samples, kind, depth=8, interlaced=False, before=(), after=()):
    """samples [height, width, channels]; before, after: chunks before and after the pixels."""
    height, width, channels = samples.shape
    assert channels == CHANNELS[kind]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [samples[y::dy, x::dx] for y, x, dy, dx in passes]
    rows = [part.reshape(part.shape[0], -1) for part in parts if part.size]
    pixels = b"".join(pack_rows(part, depth) for part in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    chunks = [chunk(b"IHDR", header), *before, chunk(b"IDAT", zlib.compress(pixels, 9)), *after]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")
    (FOLDER / name).write_bytes(data)


def exif_block(orientation, order="<"):
    head = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(0x0112, 3, 1, orientation), (0x0128, 3, 1, 2)]
    body = b"".join(struct.pack(order + "HHIHH", *entry, 0) for entry in entries)
    return head + struct.pack(order + "IH", 8, len(entries)) + body + struct.pack(order + "I", 0)


def write_jpeg(name, image, exif=None, **options):
    if exif is not None:
        options["exif"] = b"Exif\0\0" + exif
    image.save(FOLDER / name, quality=options.pop("quality", 80), **options)


def photo(seed=3):
    """Smooth and sharp parts, so that chroma upsampling shows."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = numpy.stack([x * 11, y * 15, (x + y) * 6], axis=2)
    return ((smooth + make_image(seed, HEIGHT, WIDTH, 5)) // 2).clip(0, 255).astype(numpy.uint8)


def write_jpegs():
    image = Image.fromarray(photo())
    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        write_jpeg(f"rgb_{name}.jpg", image, subsampling=subsampling)
    write_jpeg("rgb_progressive.jpg", image, progressive=True)
    write_jpeg("gray.jpg", image.convert("L"))
    write_jpeg("cmyk.jpg", image.convert("CMYK"), quality=30)
    small = image.resize((13, 10))
    for orientation in range(1, 9):
        write_jpeg(f"orientation_{orientation}.jpg", small, exif_block(orientation), quality=60)
    write_jpeg("orientation_big_endian.jpg", small, exif_block(6, ">"), quality=60)
    write_jpeg("orientation_meaningless.jpg", small, exif_block(9), quality=60)


def write_pngs():
    rgb = photo()
    alpha = make_image(5, HEIGHT, WIDTH, 1)[:, :, :1]
    indices = alpha % 16
    palette = make_image(6, 1, 16, 1)[0].tobytes()
    colours = chunk(b"PLTE", palette)
    write_png("rgb.png", rgb, RGB)
    write_png("rgb_interlaced.png", rgb, RGB, interlaced=True)
    transparent = chunk(b"tRNS", struct.pack(">3H", *rgb[0, 0]))
    write_png("rgb_transparent_colour.png", rgb, RGB, before=[transparent])
    write_png("rgba.png", numpy.concatenate([rgb, alpha], axis=2), RGBA)
    write_png("gray_alpha.png", numpy.concatenate([rgb[:, :, :1], alpha], axis=2), GRAY_ALPHA)
    for depth in (1, 2, 4, 8):
        write_png(f"gray_{depth}.png", alpha >> (8 - depth), GRAY, depth)
    transparent = chunk(b"tRNS", b"\0\x40")
    write_png("gray_transparent_colour.png", rgb[:, :, :1], GRAY, before=[transparent])
    for depth in (1, 2, 4, 8):
        fewer_colours = chunk(b"PLTE", palette[: 3 << depth])
        samples = indices >> max(4 - depth, 0)
        write_png(f"palette_{depth}.png", samples, PALETTE, depth, before=[fewer_colours])
    opacities = chunk(b"tRNS", bytes(range(0, 160, 16)))
    write_png("palette_transparent.png", indices, PALETTE, before=[colours, opacities])
    write_png("palette_interlaced.png", indices, PALETTE, 4, True, before=[colours])
    write_png("gamma.png", rgb, RGB, before=[chunk(b"gAMA", struct.pack(">I", 100000))])
    write_png("orientation.png", rgb, RGB, before=[chunk(b"eXIf", exif_block(6))])
    write_png("rgb_16.png", rgb.astype(int) * 257, RGB, 16)
    write_png("gray_16.png", rgb[:, :, :1].astype(int) * 257, GRAY, 16)


def expect(path):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(path.read_bytes()))).convert("RGB")
    return {"file": path.name, "height": image.height, "width": image.width,
            "rgb_fingerprint": f"{fingerprint(image.tobytes()):016x}"}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_jpegs()
    write_pngs()
    refused = ("cmyk.jpg", "rgb_16.png", "gray_16.png")
    images = sorted(path for path in FOLDER.iterdir() if path.suffix in (".jpg", ".png"))
    paths = [path for path in images if path.name not in refused]
    lines = ",\n".join("  " + json.dumps(expect(path)) for path in paths)
    (FOLDER / "expected.json").write_text("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main()
