# Checked access to the fields of other people's JSON files.
# SPDX-License-Identifier: Apache-2.0
import math
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.sail_source import load_pickle
from poolformer_export.strict_json import parse_json


def read_json(path: Path) -> dict:
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise ExportError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise ExportError(f"{path}: not readable as JSON: {error}") from None
    if not isinstance(content, dict):
        raise ExportError(f"{path}: expected a JSON object")
    return content


def require(where: str, fields: dict, expected: dict) -> None:
    """Every field of `expected` that `fields` holds (and is not null) has the expected value."""
    for key, value in expected.items():
        found = fields.get(key)
        if found is not None and found != value:
            raise ExportError(f'{where}: "{key}" is {found!r}, only {value!r} is supported')


def three_numbers(where: str, fields: dict, key: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in fields[key])
    except (KeyError, TypeError, ValueError):
        numbers = ()
    if len(numbers) != 3:
        raise ExportError(f'{where}: "{key}" is {fields.get(key)!r}, expected three numbers')
    return numbers


def resized_side(where: str, size: int, crop_pct: float) -> int:
    """The shorter side before the crop, as timm and transformers compute it."""
    if not isinstance(crop_pct, (int, float)) or not 0 < crop_pct <= 1:
        raise ExportError(f'{where}: "crop_pct" is {crop_pct!r}, expected a number in (0, 1]')
    return math.floor(size / crop_pct)


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """model.safetensors, or else the torch pickle beside config.json, loaded as weights only."""
    if (folder / "model.safetensors").exists():
        return read_safetensors(folder / "model.safetensors")[0]
    if (folder / "pytorch_model.bin").exists():
        return load_pickle(folder / "pytorch_model.bin")
    raise ExportError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin")
