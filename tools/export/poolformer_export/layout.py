# From a source's parameters to neutral tensors: renames, infers the shapes, checks every one.
# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import dataclass
from itertools import count

import numpy as np

from poolformer_export.errors import ExportError
from poolformer_export.names import refuse_stranger, to_dialect, to_neutral
from poolformer_export.source import Architecture

_BLOCK = re.compile(r"s(\d+)\.b(\d+)\.")


@dataclass(frozen=True)
class Shapes:
    """What the parameters alone tell about a network."""

    depths: tuple[int, ...]
    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    mlp_ratio: int
    classes: int
    has_layer_scale: bool


class Parameters:
    """A source's parameters under neutral names; errors speak the source's names."""

    def __init__(self, dialect: str, raw: dict[str, np.ndarray]):
        self.dialect = dialect
        self.tensors: dict[str, np.ndarray] = {}
        for name, array in raw.items():
            neutral = to_neutral(dialect, name)
            if neutral is None:
                raise refuse_stranger(name)
            if name != self.own_name(neutral):  # or two names could mean one tensor
                raise ExportError(
                    f'parameter "{name}" is not understood: '
                    f'the name for its place is "{self.own_name(neutral)}"'
                )
            self.tensors[neutral] = _as_float32(name, array)

    def own_name(self, neutral: str) -> str:
        return to_dialect(self.dialect, neutral)

    def get(self, neutral: str, *dimensions: int) -> np.ndarray:
        """The tensor, which must exist and have one of these numbers of dimensions."""
        array = self.tensors.get(neutral)
        if array is None:
            raise ExportError(f'parameter "{self.own_name(neutral)}" is missing')
        if array.ndim not in dimensions:
            raise ExportError(
                f'parameter "{self.own_name(neutral)}" has shape {list(array.shape)}, '
                f"expected {' or '.join(map(str, dimensions))} dimensions"
            )
        return array

    def shapes(self) -> Shapes:
        depths = self._depths()
        embeds = [self.get(f"embed.{i}.weight", 4) for i in range(len(depths))]
        channels = tuple(embed.shape[0] for embed in embeds)
        return Shapes(
            depths=depths,
            channels=channels,
            kernels=tuple(embed.shape[2] for embed in embeds),
            mlp_ratio=self.get("s0.b0.fc1.weight", 2, 4).shape[0] // channels[0],
            classes=self.get("fc.weight", 2).shape[0],
            has_layer_scale="s0.b0.ls1" in self.tensors,
        )

    def _depths(self) -> tuple[int, ...]:
        """Blocks per stage: both are numbered from 0 without a gap."""
        blocks: dict[int, set[int]] = {}
        for name in self.tensors:
            found = _BLOCK.match(name)
            if found:
                blocks.setdefault(int(found[1]), set()).add(int(found[2]))
        if not blocks:
            raise ExportError("no parameter of a PoolFormer block was found")
        for stage in range(len(blocks)):
            numbers = blocks.get(stage, set())
            depth = next(number for number in count() if number not in numbers)
            if depth == 0 or depth < len(numbers):
                missing = self.own_name(f"s{stage}.b{depth}.norm1.weight")
                raise ExportError(f'parameter "{missing}" is missing')
        return tuple(len(blocks[stage]) for stage in range(len(blocks)))

    def check(self, architecture: Architecture) -> dict[str, np.ndarray]:
        """The tensors of `architecture`, in its order: exactly these, in exactly these shapes."""
        expected = tensor_shapes(architecture)
        for name in self.tensors:
            if name not in expected:
                raise ExportError(f'parameter "{self.own_name(name)}" has no place in this network')
        return {name: self._shaped(name, shape) for name, shape in expected.items()}

    def _shaped(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = self.tensors.get(name)
        if array is None:
            raise ExportError(f'parameter "{self.own_name(name)}" is missing')
        is_linear_as_conv = len(shape) == 2 and array.shape == (*shape, 1, 1)
        if array.shape != shape and not is_linear_as_conv:
            raise ExportError(
                f'parameter "{self.own_name(name)}" has shape {list(array.shape)}, '
                f"expected {list(shape)}"
            )
        return array.reshape(shape)


def _as_float32(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise ExportError(f'parameter "{name}" has dtype {array.dtype}, expected floating point')
    if array.size == 0:
        raise ExportError(f'parameter "{name}" has shape {list(array.shape)}, which is empty')
    with np.errstate(over="ignore"):
        converted = array.astype(np.float32)
    if not np.isfinite(converted).all():
        raise ExportError(f'parameter "{name}" holds NaN or infinity')
    return converted


def tensor_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Every tensor that models/README.md calls for, in execution order."""
    shapes: dict[str, tuple[int, ...]] = {}
    previous = 3
    stages = zip(architecture.embeddings, architecture.depths, architecture.channels, strict=True)
    for i, ((kernel, _, _), depth, channels) in enumerate(stages):
        shapes[f"embed.{i}.weight"] = (channels, previous, kernel, kernel)
        shapes[f"embed.{i}.bias"] = (channels,)
        for j in range(depth):
            shapes.update(_block_shapes(f"s{i}.b{j}", channels, architecture))
        previous = channels
    shapes.update({f"final_norm.{part}": (previous,) for part in ("weight", "bias")})
    shapes["fc.weight"] = (architecture.classes, previous)
    shapes["fc.bias"] = (architecture.classes,)
    return shapes


def _block_shapes(
    block: str, channels: int, architecture: Architecture
) -> dict[str, tuple[int, ...]]:
    hidden = channels * architecture.mlp_ratio
    vector = (channels,)
    scale = architecture.has_layer_scale
    return {
        f"{block}.norm1.weight": vector,
        f"{block}.norm1.bias": vector,
        **({f"{block}.ls1": vector} if scale else {}),
        f"{block}.norm2.weight": vector,
        f"{block}.norm2.bias": vector,
        f"{block}.fc1.weight": (hidden, channels),
        f"{block}.fc1.bias": (hidden,),
        f"{block}.fc2.weight": (channels, hidden),
        f"{block}.fc2.bias": vector,
        **({f"{block}.ls2": vector} if scale else {}),
    }
