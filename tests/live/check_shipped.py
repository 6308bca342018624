# Live comparison: the shipped model on CIFAR-10, engine against PyTorch on the same weights.
# SPDX-License-Identifier: Apache-2.0
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_folder import read_model_folder
from PIL import Image
from poolformer_ctypes import Library, Model
from poolformer_export import torch_models
from report import Report
from shared_data import CIFAR_ARCHIVE, ROOT, report_missing

SHIPPED = ROOT / "models" / "poolformer_c10"
NAMES = ROOT / "tests" / "golden" / "cifar500.json"
MAX_DIFFERENCE = 2  # images, out of all
BATCH = 500


@dataclass
class TestSet:
    names: list[str]  # "test/cat/0001.jpg"
    classes: np.ndarray
    pixels: np.ndarray  # uint8 [images, 32, 32, 3]


def read_test_set(labels: list[str], archive: Path = CIFAR_ARCHIVE) -> TestSet:
    rows = []
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")[-3:]
            if not member.isfile() or parts[0] != "test":
                continue
            with Image.open(io.BytesIO(tar.extractfile(member).read())) as image:
                rows.append(("/".join(parts), parts[1], np.asarray(image.convert("RGB"))))
    rows.sort(key=lambda row: row[0])
    return TestSet(
        names=[row[0] for row in rows],
        classes=np.array([labels.index(row[1]) for row in rows]),
        pixels=np.stack([row[2] for row in rows]),
    )


def engine_predictions(model: Model, pixels: np.ndarray) -> np.ndarray:
    session = model.session(num_threads=2)
    found = []
    for begin in range(0, len(pixels), BATCH):
        images = [model.preprocess(image) for image in pixels[begin : begin + BATCH]]
        found.append(session.run(np.stack(images)).argmax(1))
    return np.concatenate(found)


def pytorch_predictions(folder: Path, pixels: np.ndarray) -> np.ndarray:
    source = read_model_folder(folder)
    module = torch_models.build(source)
    settings = source.preprocessing
    if pixels.shape[1:3] != (settings.resize, settings.resize):
        raise ValueError(f"images are {pixels.shape[1:3]}, the model expects {settings.resize}")
    found = []
    for begin in range(0, len(pixels), BATCH):
        images = pixels[begin : begin + BATCH] / 255.0
        images = (images - np.array(settings.mean)) / np.array(settings.std)
        found.append(torch_models.run(module, images.transpose(0, 3, 1, 2)).argmax(1))
    return np.concatenate(found)


def check_accuracy(report: Report, model: Model, data: TestSet) -> np.ndarray:
    """All test images; returns the engine's classes."""
    found = engine_predictions(model, data.pixels)
    expected = pytorch_predictions(SHIPPED, data.pixels)
    right, expected_right = int((found == data.classes).sum()), int(
        (expected == data.classes).sum()
    )
    report.check(
        f"shipped model on {len(found)} test images",
        abs(right - expected_right) <= MAX_DIFFERENCE,
        f"engine {right} right, PyTorch {expected_right}; "
        f"{int((found != expected).sum())} images get another class",
    )
    return found


def check_list(report: Report, data: TestSet, found: np.ndarray, labels: list[str]) -> None:
    """The committed names: true classes, and what PyTorch said when the list was made."""
    listed = json.loads(NAMES.read_text())["images"]
    position = {name: i for i, name in enumerate(data.names)}
    missing = [entry["name"] for entry in listed if entry["name"] not in position]
    wrong = [
        entry["name"]
        for entry in listed
        if entry["name"] in position
        and (
            labels[data.classes[position[entry["name"]]]] != entry["class"]
            or labels[found[position[entry["name"]]]] != entry["predicted"]
        )
    ]
    first = (missing + wrong)[:1]
    report.check(
        f"{len(listed)} listed test images get PyTorch's class",
        len(listed) == 500 and not missing and not wrong,
        f"{len(missing)} missing, {len(wrong)} differ" + (f", first {first[0]}" if first else ""),
    )


def check_shipped(report: Report, library: Library) -> None:
    if not CIFAR_ARCHIVE.exists():
        report_missing(
            report,
            "the shipped model on 10,000 test images and the 500 listed ones",
            "data/cifar10-jpeg.tar.xz",
        )
        return
    model = library.load(SHIPPED)
    data = read_test_set(model.labels)
    found = check_accuracy(report, model, data)
    check_list(report, data, found, model.labels)
