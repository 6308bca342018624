# Writes cifar500.json: 500 CIFAR-10 test images by name, their class, and PyTorch's answer.
# SPDX-License-Identifier: Apache-2.0
"""usage: PYTHONPATH=tools/export:tests/live python tests/golden/make_cifar500.py ARCHIVE

ARCHIVE is cifar10-jpeg.tar.xz. Run it again whenever models/poolformer_c10 changes. No image is
stored: CIFAR-10 has no licence text."""

import json
import sys
from pathlib import Path

import numpy as np
from check_shipped import NAMES, SHIPPED, pytorch_predictions, read_test_set
from model_folder import read_model_folder
from poolformer_export.hash_weights import hash_bits

PER_CLASS = 50


def choose(classes: np.ndarray) -> list[int]:
    """PER_CLASS images of every class, picked by the hash."""
    order = np.argsort(hash_bits(1, "cifar500", 0, len(classes)))
    chosen = [order[classes[order] == c][:PER_CLASS] for c in range(classes.max() + 1)]
    return sorted(int(i) for i in np.concatenate(chosen))


def main() -> None:
    labels = read_model_folder(SHIPPED).labels
    data = read_test_set(labels, Path(sys.argv[1]))
    chosen = choose(data.classes)
    predicted = pytorch_predictions(SHIPPED, data.pixels[chosen])
    images = [
        {"name": data.names[i], "class": labels[data.classes[i]], "predicted": labels[answer]}
        for i, answer in zip(chosen, predicted, strict=True)
    ]
    lines = ",\n".join(json.dumps(image) for image in images)
    NAMES.write_text(f'{{"images": [\n{lines}\n]}}\n')
    right = sum(image["class"] == image["predicted"] for image in images)
    print(f"{len(images)} images, PyTorch is right on {right}")


if __name__ == "__main__":
    main()
