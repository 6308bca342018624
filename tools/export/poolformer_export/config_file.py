# Checked access to the fields of other people's files.
# SPDX-License-Identifier: Apache-2.0
import math
from pathlib import Path
from reprlib import repr as shortened

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.pickle_file import load_pickle
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.strict_json import parse_json

_WORDS = {
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_LIMIT = 1e9  # of every number: none that a PoolFormer has comes near
_REQUIRED = object()


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
    """Every field of `expected` that `fields` holds has the expected value."""
    for key, value in expected.items():
        if key in fields and fields[key] != value:
            raise ExportError(
                f'{where}: "{key}" is {shortened(fields[key])}, only {value!r} is supported'
            )


def require_agreement(where: str, fields: dict, shapes: dict) -> None:
    """Every field that `shapes` has, too, says the same; `shapes` is what the parameters tell."""
    for key, value in shapes.items():
        if key in fields and fields[key] != value:
            raise ExportError(
                f'{where}: "{key}" is {shortened(fields[key])}, the parameters say {value!r}'
            )


def get(where: str, fields: dict, key: str, kind: type, default=_REQUIRED):
    """A field, which is of that kind (a key of _WORDS); `default` is for one that is not there."""
    if key not in fields and default is not _REQUIRED:
        return default
    if key not in fields or not _is(fields[key], kind):
        raise _unexpected(where, fields, key, _WORDS[kind])
    return kind(fields[key])


def get_list(
    where: str, fields: dict, key: str, kind: type, length: int | None = None, default=_REQUIRED
) -> list:
    """A list whose elements are of that kind, and so many if `length` is given."""
    values = get(where, fields, key, list, default)
    if len(values) != (length or len(values)) or not all(_is(value, kind) for value in values):
        expected = f"a list, each {_WORDS[kind]}" + (f", {length} in all" if length else "")
        raise _unexpected(where, fields, key, expected)
    return [kind(value) for value in values]


def _is(value: object, kind: type) -> bool:
    """As in JSON, true is no number; a live model has tuples where a file has lists."""
    if kind in (int, float):
        is_number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return is_number and abs(value) < _LIMIT
    return isinstance(value, (list, tuple) if kind is list else kind)


def _unexpected(where: str, fields: dict, key: str, expected: str) -> ExportError:
    found = f"is {shortened(fields[key])}" if key in fields else "is missing"
    return ExportError(f'{where}: "{key}" {found}, expected {expected}')


def resized_side(where: str, size: int, crop_pct: float) -> int:
    """The shorter side before the crop, as timm and transformers compute it."""
    if not 0.001 <= crop_pct <= 1:
        raise ExportError(f'{where}: "crop_pct" is {crop_pct!r}, expected 0.001 to 1')
    return math.floor(size / crop_pct)


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """model.safetensors, or else the torch pickle beside config.json, loaded as weights only."""
    if (folder / "model.safetensors").exists():
        return read_safetensors(folder / "model.safetensors")[0]
    if (folder / "pytorch_model.bin").exists():
        return load_pickle(folder / "pytorch_model.bin")
    raise ExportError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin")
