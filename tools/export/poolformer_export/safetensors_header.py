# The header of a safetensors file, as strict as the engine's (engine/load/safetensors.cpp).
# SPDX-License-Identifier: Apache-2.0
import math
import struct
from pathlib import Path
from reprlib import repr as shortened
from typing import NamedTuple

from poolformer_export.errors import ExportError
from poolformer_export.strict_json import parse_json

ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8}
_PREFIX_BYTES = 8
_MAX_HEADER_BYTES = 16 << 20
_MAX_TENSORS = 65536
_MAX_DIMENSIONS = 8
_MAX_NAME_BYTES = 512
_MAX_INTEGER = 2**63 - 1
_MAX_METADATA_ENTRIES = 1024
_MAX_METADATA_BYTES = 1 << 20


class Entry(NamedTuple):
    """A tensor; its bytes are [begin, end) of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(content: bytes, path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """The tensors of a whole file by name, none of them empty, and its metadata."""
    header, begin = _parse(content, path)
    metadata = header.pop("__metadata__", {})
    _check_metadata(metadata, path)
    if len(header) > _MAX_TENSORS:
        raise ExportError(f"{path}: found {len(header)} tensors, expected at most {_MAX_TENSORS}")
    entries = {name: _read_entry(name, fields, path) for name, fields in header.items()}
    _check_tiling(entries, len(content) - begin, path)
    return {name: _moved(entry, begin) for name, entry in entries.items()}, metadata


def _parse(content: bytes, path: Path) -> tuple[dict, int]:
    """The JSON object, and where the data begins."""
    if len(content) < _PREFIX_BYTES:
        raise ExportError(f"{path}: {len(content)} bytes, too short for a safetensors file")
    (size,) = struct.unpack_from("<Q", content)
    if size > min(_MAX_HEADER_BYTES, len(content) - _PREFIX_BYTES):
        raise ExportError(f"{path}: header of {size} bytes does not fit the file; is it complete?")
    begin = _PREFIX_BYTES + size
    try:
        header = parse_json(content[_PREFIX_BYTES:begin])
    except ValueError as error:
        raise ExportError(f"{path}: the header is not JSON as it should be: {error}") from None
    if not isinstance(header, dict):
        raise ExportError(f"{path}: the header is {shortened(header)}, expected a JSON object")
    return header, begin


def _check_metadata(metadata: object, path: Path) -> None:
    if not isinstance(metadata, dict) or len(metadata) > _MAX_METADATA_ENTRIES:
        raise ExportError(
            f'{path}: "__metadata__" is {shortened(metadata)}, expected an object of at most '
            f"{_MAX_METADATA_ENTRIES} strings"
        )
    for key, value in metadata.items():
        if not isinstance(value, str) or len(value) > _MAX_METADATA_BYTES:
            raise ExportError(
                f'{path}: "__metadata__" has "{key}" {shortened(value)}, expected a string of at '
                f"most {_MAX_METADATA_BYTES} characters"
            )


def _read_entry(name: str, fields: object, path: Path) -> Entry:
    """An entry by itself; its offsets still count from the first byte of the data."""
    where = f'{path}: parameter "{name[:_MAX_NAME_BYTES]}"'
    if len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise ExportError(f"{where} has a name of more than {_MAX_NAME_BYTES} bytes")
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise ExportError(
            f"{where} is {shortened(fields)}, expected dtype, shape and data_offsets"
        )
    dtype, shape = fields["dtype"], fields["shape"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ExportError(f"{where} has dtype {shortened(dtype)}, expected F32, F16 or BF16")
    if not _are_integers(shape, 1) or len(shape) > _MAX_DIMENSIONS:
        raise ExportError(
            f"{where} has shape {shortened(shape)}, expected at most {_MAX_DIMENSIONS} sizes from 1"
        )
    offsets = fields["data_offsets"]
    if not _are_integers(offsets, 0) or len(offsets) != 2 or offsets[1] < offsets[0]:
        raise ExportError(
            f"{where} has data_offsets {shortened(offsets)}, expected begin and end, from 0"
        )
    found, expected = offsets[1] - offsets[0], ITEM_BYTES[dtype] * math.prod(shape)
    if found != expected:
        raise ExportError(
            f"{where} has {found} bytes, expected {expected} for shape {shape} of {dtype}"
        )
    return Entry(dtype, tuple(shape), *offsets)


def _moved(entry: Entry, offset: int) -> Entry:
    return entry._replace(begin=offset + entry.begin, end=offset + entry.end)


def _are_integers(values: object, least: int) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and least <= value <= _MAX_INTEGER for value in values
    )


def _check_tiling(entries: dict[str, Entry], data_bytes: int, path: Path) -> None:
    """The tensors follow each other from the first byte of the data to the last."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != end:
            raise ExportError(
                f'{path}: parameter "{name}" begins at byte {entry.begin} of the data, expected '
                f"{end}, where the one before it ends"
            )
        end = entry.end
        if end > data_bytes:
            raise ExportError(
                f'{path}: parameter "{name}" ends at byte {end} of the data, expected at most '
                f"{data_bytes}; is the file complete?"
            )
    if end != data_bytes:
        raise ExportError(
            f"{path}: found {data_bytes - end} bytes behind the last parameter, expected none"
        )
