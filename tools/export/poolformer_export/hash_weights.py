# Weights and inputs from one integer hash, specified in tests/golden/README.md.
# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np

from poolformer_export.layout import tensor_shapes
from poolformer_export.source import Architecture

_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_CHUNK = 1 << 20  # elements at a time, so that large tensors need little extra memory


def _finalise_word(bits: int) -> int:
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _WORD
    return bits ^ (bits >> 31)


def _finalise(bits: np.ndarray) -> np.ndarray:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def name_key(name: str) -> int:
    """FNV-1a, 64 bits, of the name's UTF-8 bytes."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) & _WORD
    return key


def hash_bits(seed: int, name: str, begin: int, end: int) -> np.ndarray:
    """64 bits for each of the elements [begin, end) of a tensor."""
    stream = _finalise_word(_finalise_word((seed + _STEP) & _WORD) ^ name_key(name))
    element = np.arange(begin + 1, end + 1, dtype=np.uint64)
    return _finalise(np.uint64(stream) + element * np.uint64(_STEP))


def hash_tensor(seed: int, name: str, shape: tuple[int, ...], offset: float, factor: float):
    """float32(offset + factor * u), u uniform in [-1, 1)."""
    out = np.empty(math.prod(shape), np.float32)
    for begin in range(0, out.size, _CHUNK):
        end = min(begin + _CHUNK, out.size)
        unit = (hash_bits(seed, name, begin, end) >> np.uint64(40)).astype(np.float64)
        out[begin:end] = offset + factor * (unit / 8388608.0 - 1.0)
    return out.reshape(shape)


def _rule(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """offset and factor of a tensor."""
    if name.endswith((".ls1", ".ls2")):
        return 0.5, 0.25
    if len(shape) > 1:
        return 0.0, math.sqrt(3.0 / math.prod(shape[1:]))
    if "norm" in name and name.endswith(".weight"):
        return 1.0, 0.5
    return 0.0, 0.125


def hash_weights(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Every tensor of the network, by neutral name."""
    return {
        name: hash_tensor(seed, name, shape, *_rule(name, shape))
        for name, shape in tensor_shapes(architecture).items()
    }


def hash_input(seed: int, height: int, width: int) -> np.ndarray:
    """One image [3, height, width] of values in [-2, 2)."""
    return hash_tensor(seed, "input", (3, height, width), 0.0, 2.0)
