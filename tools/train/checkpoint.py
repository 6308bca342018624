# SPDX-License-Identifier: Apache-2.0
"""Reading and writing checkpoints as safetensors, atomically."""

import json
import os
import struct
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch

from data import CLASSES, MEAN, STD
from model import PoolFormer, PoolFormerConfig


def write_checkpoint(
    path: Path, config: PoolFormerConfig, state: dict[str, torch.Tensor], notes: dict[str, object]
) -> None:
    """Writes state in float32; the metadata holds the shapes, the preprocessing and the notes."""
    values = {**asdict(config), "mean": MEAN, "std": STD, "classes": CLASSES, **notes}
    metadata = {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
    header: dict[str, object] = {"__metadata__": metadata}
    blobs, offset = [], 0
    for name, tensor in state.items():
        blob = tensor.detach().float().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    os.replace(partial, path)


def read_checkpoint(path: Path) -> tuple[PoolFormer, dict[str, str]]:
    """Returns the model in eval mode and the file's metadata; reads float16 and float32."""
    content = path.read_bytes()
    (header_size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + header_size])
    metadata = header.pop("__metadata__")
    payload = memoryview(content)[8 + header_size :]
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = {"F32": np.float32, "F16": np.float16}[entry["dtype"]]
        array = np.frombuffer(payload[begin:end], dtype).astype(np.float32)
        state[name] = torch.from_numpy(array.reshape(entry["shape"]))
    given = {f.name: json.loads(metadata[f.name]) for f in fields(PoolFormerConfig)}
    config = PoolFormerConfig(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    )
    model = PoolFormer(config)
    model.load_state_dict(state)
    return model.eval().to(memory_format=torch.channels_last), metadata
