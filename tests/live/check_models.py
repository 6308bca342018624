# Live comparison: logits, block outputs and errors of every network against PyTorch.
# SPDX-License-Identifier: Apache-2.0
import tempfile
from pathlib import Path

import numpy as np
from check_preprocess import check_preprocess
from live_models import MAKERS, LiveModel, make
from poolformer_ctypes import Library, Model
from poolformer_export import torch_models
from poolformer_export.hash_weights import hash_weights
from poolformer_export.random_source import published_architecture
from poolformer_export.source import PUBLISHED
from poolformer_export.write import write_model
from report import Report
from shared_data import real_photos, report_missing

TOLERANCE = 1e-4  # of the largest logit, or of a block's largest value
MIN_MARGIN = 1e-4  # of float64; below it the top class may differ
MAX_RMS_RATIO = 1.5
NUM_RMS_INPUTS = 16
AGREEMENT = 1e-12  # between two frameworks in float64


def relative_error(exact: np.ndarray, found: np.ndarray) -> float:
    """max |found - exact| / max |exact|; NaN if a number is not finite."""
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def random_images(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 3, 224, 224)).astype(np.float32)


def top_class_agrees(exact: np.ndarray, found: np.ndarray) -> bool:
    second, first = np.sort(exact)[-2:]
    return first - second < MIN_MARGIN or exact.argmax() == found.argmax()


class Expected:
    """One image's logits and blocks by PyTorch in float64, and how far float32 is from it."""

    def __init__(self, module, image: np.ndarray):
        self.image = image
        rounded = torch_models.run(module, image[None])[0]
        self.logits, self.taps = torch_models.run_tapped(module.double(), image, "float64")
        module.float()
        self.float32_error = relative_error(self.logits, rounded)


def check_one(report: Report, label: str, model: Model, expected: Expected) -> None:
    logits, taps = model.session().run_tapped(expected.image)
    error = relative_error(expected.logits, logits)
    block_errors = {tap.name: relative_error(expected.taps[tap.name], tap.value) for tap in taps}
    worst = max(block_errors, key=block_errors.get)
    is_right = (
        error <= TOLERANCE
        and len(block_errors) == len(expected.taps)
        and all(block_error <= TOLERANCE for block_error in block_errors.values())
        and top_class_agrees(expected.logits, logits)
    )
    report.check(
        f"{label} {model.isa}",
        is_right,
        f"logits {error:.1e} (PyTorch float32 {expected.float32_error:.1e}), "
        f"worst block {worst} {block_errors[worst]:.1e}",
    )


def check_bits(report: Report, label: str, model: Model) -> None:
    """One image alone, in a batch, with two threads, with taps: the same bits."""
    images = random_images(3)
    alone = np.concatenate([model.session().run(image[None]) for image in images])
    variants = {
        "batch 3": model.session().run(images),
        "two threads": model.session(num_threads=2).run(images),
        "two threads, whole images": model.session(num_threads=2, batch=3).run(images),
        "taps": np.stack([model.session().run_tapped(image)[0] for image in images]),
    }
    differing = [name for name, logits in variants.items() if not np.array_equal(logits, alone)]
    report.check(
        f"{label} {model.isa} same bits alone, batched, threaded, tapped",
        not differing,
        ", ".join(f"{name} differs" for name in differing),
    )


def check_rms(report: Report, label: str, live: LiveModel, models: list[Model]) -> None:
    """Root mean square error over all logits of many inputs, against PyTorch float32's own."""
    images = random_images(NUM_RMS_INPUTS)
    rounded = np.concatenate([torch_models.run(live.module, image[None]) for image in images])
    live.module.double()
    exact = np.concatenate(
        [torch_models.run(live.module, image[None], "float64") for image in images]
    )
    live.module.float()
    reference = np.sqrt(np.mean((rounded - exact) ** 2))
    for model in models:
        found = model.session().run(images)
        ratio = float(np.sqrt(np.mean((found - exact) ** 2)) / reference)
        report.check(
            f"{label} {model.isa} error over {NUM_RMS_INPUTS} inputs",
            ratio <= MAX_RMS_RATIO,
            f"{ratio:.2f} times that of PyTorch float32",
        )


def check_network(
    report: Report, library: Library, isas: list[str], kind: str, size: str, folder: Path
) -> None:
    live = make(kind, size, folder)
    label = f"{kind} {size}"
    write_model(live.source, folder / "model", force=True)
    models = [library.load(folder / "model", isa) for isa in isas]
    expected = Expected(live.module, random_images(1)[0])
    for model in models:
        check_one(report, label, model, expected)
    if kind != "paper":
        check_preprocess(report, f"{kind} {size}", kind, size, models[0])
    if size == "s12":
        for model in models:
            check_bits(report, label, model)
        check_rms(report, label, live, models)


def check_paper_layout(report: Report) -> None:
    """Our torch module in the paper's layout is transformers' model, on renamed weights."""
    architecture = published_architecture("s12")
    tensors = hash_weights(architecture, 2)
    runs = [
        torch_models.run_tapped(
            build(architecture, tensors).double(), random_images(1)[0], "float64"
        )
        for build in (torch_models.build_transformers, torch_models.build_paper)
    ]
    (logits, taps), (own_logits, own_taps) = runs
    worst = max(relative_error(taps[name], own_taps[name]) for name in taps)
    worst = max(worst, relative_error(logits, own_logits))
    report.check(
        "the paper's layout equals transformers in float64", worst <= AGREEMENT, f"{worst:.1e}"
    )


def check_models(report: Report, library: Library, isas: list[str]) -> None:
    check_paper_layout(report)
    if not real_photos():
        report_missing(report, "preprocessing of real photos", "images/*.png or *.jpg")
    for size in PUBLISHED:
        for kind in MAKERS:
            with tempfile.TemporaryDirectory() as folder:
                check_network(report, library, isas, kind, size, Path(folder))
