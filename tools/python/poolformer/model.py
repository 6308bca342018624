# Models: loading, saving, what they say of themselves, and classifying photos.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

import numpy as np

from poolformer import _native
from poolformer.arguments import (
    Floats,
    Log,
    Path,
    as_photo,
    instruction_set,
    log_receiver,
    path_bytes,
    whole_number,
)
from poolformer.session import Session

Ranking = list[tuple[str | int, float]]  # label or index, probability; best first


class ModelInfo(NamedTuple):
    """What a model is."""

    name: str
    isa: str  # the instruction set that its weights are packed for
    num_classes: int
    labels: tuple[str, ...]  # a class each, or none
    input_size: tuple[int, int]  # height, width in pixels, of the description
    num_parameters: int
    weight_bytes: int  # packed weights in memory
    num_features: int  # length of the vector that the classifier's linear reads
    num_stages: int


_models: weakref.WeakSet[Model] = weakref.WeakSet()


def _renew_locks_in_child() -> None:
    """Makes classify work after a fork during which another thread of the parent classified."""
    for model in list(_models):
        model._lock = threading.Lock()
        model._session = None


os.register_at_fork(after_in_child=_renew_locks_in_child)


class Model:
    """An immutable network, made by load or from_timm; any sessions and threads share it."""

    def __init__(self, native: _native.Model):
        self._native = native
        self._lock = threading.Lock()
        self._session: Session | None = None
        _models.add(self)
        #: ModelInfo: name, sizes, labels.
        self.info = ModelInfo(**native.info())

    def __repr__(self) -> str:
        return f"<poolformer.Model {self.info.name}: {self.info.isa}>"

    def save_compiled(self, file: Path) -> None:
        """Writes one file, packed for this instruction set, that load maps in milliseconds.

        A file of that name is replaced when the new one is complete, or not at all. Raises Error.
        """
        self._native.save_compiled(path_bytes(file))

    def preprocess(self, rgb: Any) -> Floats:
        """Turns a photo into an input: uint8 (height, width, 3) -> float32 (3, height, width).

        Resizes the shorter side as PIL's antialiased bicubic does, crops the centre to the model's
        input_size, and normalises. rgb: R, G, B in a numpy array, or anything with __dlpack__ or a
        buffer, whose rows may be apart, as in a crop of a larger photo; or a PIL image. The result
        is new. The GIL is released meanwhile. Raises TypeError (type, dtype) and ValueError (shape,
        strides).
        """
        photo, row_bytes = as_photo("rgb", rgb)
        output = np.empty((3, *self.info.input_size), np.float32)
        self._native.preprocess(photo, row_bytes, output)
        return output

    @overload
    def classify(self, photos: list[Any] | tuple[Any, ...], top: int = 5) -> list[Ranking]: ...
    @overload
    def classify(self, photos: Any, top: int = 5) -> Ranking: ...
    def classify(self, photos: Any, top: int = 5) -> Ranking | list[Ranking]:
        """What is on a photo: the `top` likeliest classes, best first, as (label, probability).

        photos: what preprocess takes, or a list of those, for a list of answers. A class without a
        label is its index. Runs on the calling thread alone, one photo at a time; threads that
        classify with one model take turns. A Session is what to use for speed.
        """
        top = whole_number("top", top, 1)
        if isinstance(photos, (list, tuple)):
            return [self._classify(photo, top) for photo in photos]
        return self._classify(photos, top)

    def _classify(self, photo: Any, top: int) -> Ranking:
        image = self.preprocess(photo)
        with self._lock:
            if self._session is None:
                self._session = Session(self)
            probabilities = self._session.run(image, probabilities=True).probabilities
        assert probabilities is not None
        labels: Sequence[str | int] = self.info.labels or range(self.info.num_classes)
        best = np.argsort(-probabilities, kind="stable")[:top]
        return [(labels[i], float(probabilities[i])) for i in best]


def load(
    path: Path, *, isa: str | None = None, copy_weights: bool = False, log: Log | None = None
) -> Model:
    """Reads, checks and compiles a model folder, or maps a file of Model.save_compiled.

    isa: "sse4_1", "avx2" or "avx512"; None: $PF_ISA if set, else the CPU's best. copy_weights, for
    compiled files: into memory of this process, instead of pages that all processes share. log: a
    function of a level of the module logging and a message, such as logging.getLogger("a").log; it
    is called before load returns, and what it raises is only reported, by sys.unraisablehook.

    Raises Error, whose status is FILE_ERROR, INVALID_MODEL or UNSUPPORTED; ValueError; MemoryError.
    """
    return Model(_native.load(path_bytes(path), instruction_set(isa), copy_weights, log_receiver(log)))
