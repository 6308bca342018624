# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10: reading the JPEG archive, caching it, and augmenting batches."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def decode_archive(archive: Path) -> dict[str, np.ndarray]:
    """Decodes split/CLASS/NNNN.jpg of a tar archive into uint8 NHWC images and int64 labels."""
    entries: dict[str, list[tuple[str, int, np.ndarray]]] = {"train": [], "test": []}
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile() or not member.name.endswith(".jpg"):
                continue
            split, class_name, _ = member.name.split("/")[-3:]
            image = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
            entries[split].append((member.name, CLASSES.index(class_name), np.asarray(image)))
    arrays = {}
    for split, rows in entries.items():
        rows.sort(key=lambda row: row[0])
        arrays[f"{split}_images"] = np.stack([image for _, _, image in rows])
        arrays[f"{split}_labels"] = np.array([label for _, label, _ in rows], dtype=np.int64)
    return arrays


def load_cifar10(archive: Path | None, cache: Path) -> dict[str, torch.Tensor]:
    """Returns {train,test}_{images,labels}, images uint8 NCHW; decodes only without a cache."""
    if not cache.exists():
        if archive is None:
            raise SystemExit(f"{cache} does not exist: give --archive")
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial.npz")
        np.savez(partial, **decode_archive(archive))
        os.replace(partial, cache)
    with np.load(cache) as arrays:
        data = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    for split in ("train", "test"):
        data[f"{split}_images"] = data[f"{split}_images"].permute(0, 3, 1, 2).contiguous()
    return data


def normalize(images: torch.Tensor) -> torch.Tensor:
    """uint8 or float 0..255 NCHW -> (value / 255 - mean) / std, channels last in memory."""
    mean = torch.tensor(MEAN).view(3, 1, 1) * 255
    std = torch.tensor(STD).view(3, 1, 1) * 255
    return ((images.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def augment(
    images: torch.Tensor, size: int, strength: float, generator: torch.Generator
) -> torch.Tensor:
    """Random flip, zoom, stretch, small rotation, shift and colour change; float 0..255 out.

    The result is size x size: one bilinear sampling does the geometry and the resize.
    At strength 0 only the flip is left.
    """
    num = images.shape[0]

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(num, generator=generator) * (high - low) + low

    def change(low: float, high: float) -> torch.Tensor:
        return strength * uniform(low, high)

    # Mostly mild, with a tail of close-ups: photos often show less of the object than CIFAR-10.
    zoom = torch.exp(strength * (0.10 - 0.70 * uniform(0, 1) ** 2))
    stretch = torch.exp(change(-0.10, 0.10))
    angle = change(-0.12, 0.12)
    flip = (uniform(0, 1) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(num, 2, 3)
    theta[:, 0, 0] = flip * zoom * stretch * cos
    theta[:, 0, 1] = -zoom * stretch * sin
    theta[:, 1, 0] = flip * zoom / stretch * sin
    theta[:, 1, 1] = zoom / stretch * cos
    theta[:, 0, 2] = change(-0.2, 0.2)
    theta[:, 1, 2] = change(-0.2, 0.2)
    grid = F.affine_grid(theta, (num, 3, size, size), align_corners=False)
    sampled = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)

    per_image = (num, 1, 1, 1)
    gray = sampled.mean(1, keepdim=True)
    level = gray.mean((2, 3), keepdim=True)
    sampled = gray + (sampled - gray) * (1 + change(-0.3, 0.3)).view(per_image)
    sampled = level + (sampled - level) * (1 + change(-0.2, 0.2)).view(per_image)
    return sampled + change(-20, 20).view(per_image)
