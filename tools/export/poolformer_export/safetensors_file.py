# Reading and writing safetensors with numpy alone.
# SPDX-License-Identifier: Apache-2.0
import json
import struct
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError

MAX_HEADER_BYTES = 16 << 20
_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}


def _widen_bf16(raw: bytes) -> np.ndarray:
    return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)


def _read_header(content: bytes, path: Path) -> tuple[dict, int]:
    if len(content) < 8:
        raise ExportError(f"{path}: {len(content)} bytes, too short for a safetensors file")
    (size,) = struct.unpack_from("<Q", content)
    if size > min(MAX_HEADER_BYTES, len(content) - 8):
        raise ExportError(f"{path}: header of {size} bytes does not fit the file; is it complete?")
    try:
        header = json.loads(content[8 : 8 + size])
    except ValueError as error:
        raise ExportError(f"{path}: the header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ExportError(f"{path}: the header is not a JSON object")
    return header, 8 + size


def _read_tensor(name: str, entry: dict, payload: memoryview, path: Path) -> np.ndarray:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        raw = bytes(payload[begin:end])
        if dtype == "BF16":
            return _widen_bf16(raw).reshape(shape)
        if dtype not in _DTYPES:
            raise ExportError(
                f'{path}: parameter "{name}" has dtype {dtype}, expected F32, F16 or BF16'
            )
        return np.frombuffer(raw, _DTYPES[dtype]).reshape(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(f'{path}: parameter "{name}" is damaged: {error}') from None


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Every tensor by name (BF16 widened to float32), and the file's metadata."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror}") from None
    header, start = _read_header(content, path)
    metadata = header.pop("__metadata__", {})
    payload = memoryview(content)[start:]
    return {n: _read_tensor(n, entry, payload, path) for n, entry in header.items()}, metadata


def safetensors_bytes(
    tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None
) -> bytes:
    """The file's content: names sorted, offsets without holes, header padded to 8 bytes."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    blobs, offset = [], 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        blob = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *blobs])
