# Writes a model folder: all of it or nothing.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from poolformer_export.bounds import check
from poolformer_export.describe import describe
from poolformer_export.errors import ExportError
from poolformer_export.safetensors_file import safetensors_bytes
from poolformer_export.source import Source

MAX_JSON_BYTES = 16 << 20
MODEL_FILES = {"model.json", "model.safetensors"}
F16_MAX = float(np.finfo(np.float16).max)
F16_SMALLEST_NORMAL = float(np.finfo(np.float16).tiny)


def store(name: str, array: np.ndarray, dtype: str) -> np.ndarray:
    """`array` as it is stored; refuses what the dtype cannot hold and anything not finite."""
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise ExportError(f'parameter "{name}" holds NaN or infinity')
    if dtype == "f32":
        return array
    with np.errstate(over="ignore"):
        halves = array.astype(np.float16)
    if not np.isfinite(halves).all():
        largest = float(np.abs(array).max())
        raise ExportError(
            f'parameter "{name}" holds {largest:g}, more than f16 can store ({F16_MAX:g}); '
            "use --dtype f32"
        )
    return halves


def count_imprecise_in_f16(source: Source) -> int:
    """How many parameters are too small for f16's full precision."""
    return sum(
        int(np.count_nonzero((array != 0) & (np.abs(array) < F16_SMALLEST_NORMAL)))
        for array in source.tensors.values()
    )


def refuse_existing(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise ExportError(f"{path} exists; give --force to replace it")


def _refuse_overwriting(folder: Path, force: bool) -> None:
    refuse_existing(folder, force)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ExportError(f"{folder} is not a folder: --force only replaces a model folder")
    others = sorted({path.name for path in folder.iterdir()} - MODEL_FILES)
    if others:
        raise ExportError(f"{folder} holds {others[0]}: --force only replaces a model folder")


def _move_into_place(complete: Path, folder: Path) -> None:
    """Renames; an existing model stands aside until the new one is in its place."""
    if not folder.exists():
        os.rename(complete, folder)
        return
    aside = complete.with_name(complete.name + ".old")
    os.rename(folder, aside)
    os.rename(complete, folder)
    shutil.rmtree(aside)


def model_files(source: Source, dtype: str = "f32") -> dict[str, bytes]:
    """The content of a model folder, within the bounds of models/README.md."""
    description = describe(source)
    check(description)
    text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if len(text.encode()) > MAX_JSON_BYTES:
        raise ExportError(f"model.json would be larger than {MAX_JSON_BYTES} bytes, by its labels")
    stored = {name: store(name, array, dtype) for name, array in source.tensors.items()}
    return {"model.json": text.encode(), "model.safetensors": safetensors_bytes(stored)}


def write_model(source: Source, folder: Path, dtype: str = "f32", force: bool = False) -> None:
    """Writes model.json and model.safetensors. On any error nothing is left behind."""
    _refuse_overwriting(folder, force)
    files = model_files(source, dtype)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
    except OSError as error:
        raise ExportError(f"{folder.parent}: cannot be written: {error.strerror}") from None
    try:
        for name, content in files.items():
            (partial / name).write_bytes(content)
        partial.chmod(0o755)
        _move_into_place(partial, folder)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
