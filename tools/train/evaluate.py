# SPDX-License-Identifier: Apache-2.0
"""Test accuracy of a checkpoint, as stored and with weights rounded to float16, and photos."""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from checkpoint import read_checkpoint
from data import CLASSES, load_cifar10, normalize
from train_cifar10 import accuracy


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="safetensors written by train_cifar10.py")
    parser.add_argument("photos", type=Path, nargs="*", help="images to classify")
    parser.add_argument("--archive", type=Path, help="the JPEG archive, if --cache is to be made")
    parser.add_argument("--cache", type=Path, help="decoded CIFAR-10; without it only photos")
    parser.add_argument("--json", type=Path, help="also write the results here")
    return parser.parse_intermixed_args()


def load_photo(path: Path, size: int = 32) -> torch.Tensor:
    """Shorter side to size (bicubic), centre crop, as models/README.md; uint8 NCHW, one image."""
    photo = Image.open(path).convert("RGB")
    width, height = (side * size // min(photo.size) for side in photo.size)
    photo = photo.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    photo = photo.crop((left, top, left + size, top + size))
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None]


@torch.no_grad()
def probabilities(model: torch.nn.Module, photo: Path) -> dict[str, float]:
    """Class probabilities, largest first."""
    values = model(normalize(load_photo(photo))).softmax(1)[0].tolist()
    return dict(sorted(zip(CLASSES, values, strict=True), key=lambda item: -item[1]))


def main() -> None:
    args = parse_args()
    model, metadata = read_checkpoint(args.checkpoint)
    results: dict[str, object] = {"metadata": metadata}
    print(", ".join(f"{key} {metadata[key]}" for key in ("depths", "dims", "epochs", "parameters")))
    executor = ThreadPoolExecutor(initializer=torch.set_num_threads, initargs=(1,))
    data = load_cifar10(args.archive, args.cache) if args.cache else None
    for storage in ("float32", "float16"):
        if storage == "float16":
            model.half().float()
        results[storage] = found = {}
        if data is not None:
            found["test_accuracy"] = accuracy(
                model, data["test_images"], data["test_labels"], executor
            )
            print(f"{storage} weights: test accuracy {found['test_accuracy']:.4f}")
        for photo in args.photos:
            found[photo.name] = named = probabilities(model, photo)
            shown = ", ".join(f"{name} {value:.3f}" for name, value in list(named.items())[:3])
            print(f"{storage} weights: {photo.name}: {shown}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
