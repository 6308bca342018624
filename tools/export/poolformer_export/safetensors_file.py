# Reading and writing safetensors with numpy alone.
# SPDX-License-Identifier: Apache-2.0
import json
import struct
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.safetensors_header import Entry, read_header

_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}


def _read_tensor(content: bytes, entry: Entry) -> np.ndarray:
    raw = content[entry.begin : entry.end]
    if entry.dtype == "BF16":
        widened = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
        return widened.view(np.float32).reshape(entry.shape)
    return np.frombuffer(raw, _DTYPES[entry.dtype]).reshape(entry.shape)


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Every tensor by name (BF16 widened to float32), and the file's metadata."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror}") from None
    entries, metadata = read_header(content, path)
    return {name: _read_tensor(content, entry) for name, entry in entries.items()}, metadata


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
