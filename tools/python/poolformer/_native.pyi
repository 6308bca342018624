# The types of the extension (native.cpp), which takes what the package has checked.
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Floats: TypeAlias = npt.NDArray[np.float32]
_Log: TypeAlias = Callable[[int, bytes], object] | None

def version() -> str: ...
def cpu_budget() -> int: ...
def load(path: bytes, isa: str | None, copy_weights: bool, log: _Log) -> Model: ...
def load_memory(json: bytes, safetensors: bytes, isa: str | None, log: _Log) -> Model: ...

class Model:
    def info(self) -> dict[str, Any]: ...
    def save_compiled(self, file: bytes) -> None: ...
    def preprocess(self, rgb: npt.NDArray[np.uint8], row_stride: int, output: _Floats) -> None: ...

class Team:
    def __init__(self, num_threads: int, spin_us: int, cpus: list[int]) -> None: ...

class Session:
    def __init__(
        self,
        model: Model,
        height: int,
        width: int,
        num_threads: int,
        spin_us: int,
        team: Team | None,
        batch: int,
        input_format: int,
        cpus: list[int],
        timeout_us: int,
        log: _Log,
    ) -> None: ...
    def info(self) -> dict[str, Any]: ...
    def stage_shape(self, stage: int) -> tuple[int, int, int]: ...
    def run(
        self,
        input: npt.NDArray[Any],
        batch: int,
        logits: _Floats,
        probabilities: _Floats | None,
        features: _Floats | None,
        stage_maps: list[_Floats],
        timeout_us: int,
    ) -> None: ...
    def cancel(self) -> None: ...
