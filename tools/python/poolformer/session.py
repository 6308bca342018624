# Sessions run a model; teams are threads that sessions share.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from poolformer import _native
from poolformer.arguments import (
    Floats,
    Log,
    as_images,
    as_output,
    as_outputs,
    cpu_list,
    height_width,
    log_receiver,
    microseconds,
    native,
    output_view,
    whole_number,
)

if TYPE_CHECKING:
    from poolformer.model import Model

InputFormat = Literal["nchw_f32", "nhwc_f32", "nhwc_u8"]

_FORMATS = ("nchw_f32", "nhwc_f32", "nhwc_u8")  # in the order of pf_input_format


def cpu_budget() -> int:
    """How many threads of this process can really run at the same time, at least 1.

    The CPUs that its affinity and cpusets allow, or the cgroup's quota, rounded up, if that is
    less. Reads files, so ask once; no session or team uses more threads or fewer because of it.
    """
    return _native.cpu_budget()


class Team:
    """Threads for any number of sessions to share.

    num_threads counts the caller of a run; 1 starts none. spin_us: microseconds that an idle
    worker spins before it sleeps. cpus: worker i, from 1 on, may only run on cpus[i % len(cpus)].

    A run that finds the team busy with another session's does not wait: its caller works alone,
    with the same bits. Sessions keep their team alive.

    Raises TypeError and ValueError for impossible arguments, MemoryError if the system starts no
    more threads.
    """

    def __init__(self, num_threads: int, spin_us: int = 0, cpus: Iterable[int] | None = None):
        self._native = _native.Team(
            whole_number("num_threads", num_threads, 1),
            whole_number("spin_us", spin_us, 0),
            cpu_list(cpus),
        )


class SessionInfo(NamedTuple):
    """What a session was planned for."""

    input_size: tuple[int, int]  # height, width in pixels
    num_threads: int
    arena_bytes: int  # activations and scratch, of all images at once
    macs: int  # multiply-accumulates of convolutions and linears, per image


class Result(NamedTuple):
    """One run's outputs, float32; what was not asked for is None.

    An array owns its memory, or is the caller's, who passed it to run. A run of one image without a
    batch axis has none in its outputs.
    """

    logits: Floats  # (batch, num_classes)
    probabilities: Floats | None  # (batch, num_classes): softmax of the logits
    # (batch, num_features): what the classifier's linear reads, pooled and normalised (timm's
    # pre_logits).
    features: Floats | None
    stage_maps: list[Floats] | None  # a stage each, (batch, channels, height, width)


class Session:
    """Runs of one model for one input size with one team of threads.

    input_size: pixels, a number or (height, width); None: the model's. threads counts the caller.
    team: a Team to share, instead of threads, spin_us and cpus, which are as in Team. batch: what
    to plan for; any other runs too. With at least as many images as threads, each thread runs
    whole images, in memory of its own.

    input_format says what run takes, for height x width images:
        "nchw_f32"  float32 (batch, 3, height, width), normalised as Model.preprocess does
        "nhwc_f32"  float32 (batch, height, width, 3), normalised
        "nhwc_u8"   uint8 (batch, height, width, 3), R, G, B; normalised inside

    timeout: seconds, of every run that is given none itself; None: no limit.

    log: as in load; it is told of what the session does, and warned of what works but slowly, such
    as more threads than CPUs. Runs log nothing.

    A session belongs to one thread at a time and keeps its model alive. The result is the same,
    bit for bit, for any number of threads, batch size and batch position.

    Raises TypeError and ValueError for impossible arguments, MemoryError, and Error.
    """

    def __init__(
        self,
        model: Model,
        *,
        input_size: int | tuple[int, int] | None = None,
        threads: int = 1,
        team: Team | None = None,
        spin_us: int = 0,
        cpus: Iterable[int] | None = None,
        batch: int = 1,
        input_format: InputFormat = "nchw_f32",
        timeout: float | None = None,
        log: Log | None = None,
    ):
        if team is not None and (threads != 1 or spin_us != 0 or cpus is not None):
            raise ValueError("a session with a team has no threads, spin_us or cpus of its own")
        if input_format not in _FORMATS:
            raise ValueError(f"input_format is {input_format!r}, expected one of {_FORMATS}")
        native_model = native("model", model, _native.Model)
        if input_size is None:
            input_size = model.info.input_size
        height, width = height_width("input_size", input_size)
        self._native = _native.Session(
            native_model,
            height,
            width,
            whole_number("threads", threads, 1),
            whole_number("spin_us", spin_us, 0),
            None if team is None else native("team", team, _native.Team),
            whole_number("batch", batch, 1),
            _FORMATS.index(input_format),
            cpu_list(cpus),
            microseconds(timeout),
            log_receiver(log),
        )
        self._model_info = model.info
        self._image_shape = (3, height, width) if input_format == "nchw_f32" else (height, width, 3)
        self._dtype = np.uint8 if input_format == "nhwc_u8" else np.float32
        stages = range(model.info.num_stages)
        self._stage_shapes = [self._native.stage_shape(stage) for stage in stages]
        #: SessionInfo: sizes and costs.
        self.info = SessionInfo(**self._native.info())

    @overload
    def run(
        self,
        x: Any,
        *,
        out: Any = None,
        probabilities: Literal[False] = False,
        features: Literal[False] = False,
        stage_maps: Literal[False] = False,
        timeout: float | None = None,
    ) -> Floats: ...
    @overload
    def run(
        self,
        x: Any,
        *,
        out: Any = None,
        probabilities: Any = False,
        features: Any = False,
        stage_maps: Any = False,
        timeout: float | None = None,
    ) -> Result: ...
    def run(
        self,
        x: Any,
        *,
        out: Any = None,
        probabilities: Any = False,
        features: Any = False,
        stage_maps: Any = False,
        timeout: float | None = None,
    ) -> Floats | Result:
        """Runs one image or a batch and returns its logits, or a Result if more is asked for.

        x: a numpy array or anything with __dlpack__ (a torch tensor on the CPU) or a buffer,
        C-contiguous, of the shape and dtype that the session's input_format names, with or without
        the batch axis. It is read where it is, never copied, and must not change during the run.

        out: None, or memory for the logits. probabilities, features, stage_maps: False; True for a
        new array; or memory for them, for stage_maps in a list. Memory is of any kind that x may
        be, C-contiguous float32 of the shape that Result names. It is written where it is; what is
        returned is the array that was passed, or one that views it. An output that shares a byte
        with x or with another output, one stage map with another too, is refused.

        timeout: seconds; the run gives up between two steps once they have passed. None: as the
        session has it; float("inf"): no limit.

        The GIL is released meanwhile. NaN and infinity in an image reach its own outputs only.

        Raises TypeError (type, dtype), ValueError (shape, strides, device, overlap), Busy,
        Cancelled, DeadlineExceeded (the outputs then hold nothing of use; the session does),
        MemoryError.
        """
        images = as_images("x", x, self._image_shape, self._dtype)
        lead = images.shape[:-3]
        info = self._model_info
        shape = (*lead, info.num_classes)
        logits = np.empty(shape, np.float32) if out is None else output_view("out", out, shape)
        maps = [(*lead, *stage) for stage in self._stage_shapes]
        result = Result(
            logits=logits,
            probabilities=as_output("probabilities", probabilities, shape),
            features=as_output("features", features, (*lead, info.num_features)),
            stage_maps=as_outputs("stage_maps", stage_maps, maps),
        )
        self._native.run(
            images,
            math.prod(lead),
            result.logits,
            result.probabilities,
            result.features,
            result.stage_maps or [],
            microseconds(timeout),
        )
        return logits if all(more is None for more in result[1:]) else result

    def cancel(self) -> None:
        """Ends the run that is going on in another thread, which raises Cancelled there.

        Without a run it does nothing. Any thread may call it.
        """
        self._native.cancel()
