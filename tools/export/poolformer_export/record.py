# record: what PyTorch itself computes for one input, kept for comparison.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.safetensors_file import safetensors_bytes
from poolformer_export.source import Source
from poolformer_export.write import refuse_existing


def record(source: Source, image: np.ndarray) -> dict[str, np.ndarray]:
    """input; logits.f32, logits.f64 [classes]; taps.f32.NAME, taps.f64.NAME of every block."""
    from poolformer_export import torch_models

    model = torch_models.build(source)
    recorded = {"input": image}
    for name, dtype in (("f32", "float32"), ("f64", "float64")):
        model = model.double() if name == "f64" else model
        logits, taps = torch_models.run_tapped(model, image, dtype)
        recorded[f"logits.{name}"] = logits
        recorded.update({f"taps.{name}.{block}": value for block, value in taps.items()})
    return recorded


def write_record(recorded: dict[str, np.ndarray], path: Path, force: bool) -> None:
    """All of the file or nothing."""
    refuse_existing(path, force)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(safetensors_bytes(recorded))
        os.replace(partial, path)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):  # nothing is there after a success or without a folder
            partial.unlink()
