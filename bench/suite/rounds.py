# Rounds: probe, every engine, probe; and what a number over many rounds is.
# SPDX-License-Identifier: Apache-2.0
import gc
import sys
import time
from dataclasses import dataclass

import numpy as np
from engines import Engine
from machine import PeakProbe, RoundTrip

# Until an engine's idle threads have stopped spinning: ONNX Runtime's use the CPU for 40 ms more.
SETTLE_SECONDS = 0.1


@dataclass(frozen=True)
class Round:
    peak_before: float  # GFLOP/s of all threads together
    peak_after: float
    peak_of_one: float | None  # GFLOP/s of one thread, other cores being idle; None with one thread
    round_trip_ns: float | None  # of a cache line between two cores; None with one thread
    seconds: dict[str, float]  # by engine

    @property
    def peak(self) -> float:
        """The larger of the two: what disturbs a probe makes it smaller, never larger."""
        return max(self.peak_before, self.peak_after)

    @property
    def peak_over_peak_of_one(self) -> float:
        """Of one probe each, taken right after each other."""
        return self.peak_before / self.peak_of_one


@dataclass(frozen=True)
class Probes:
    all_threads: PeakProbe
    one_thread: PeakProbe | None  # these two: None with one thread
    round_trip: RoundTrip | None

    @property
    def settle_seconds(self) -> float:
        """How long to wait behind any engine: with one thread, none of them has idle ones."""
        return SETTLE_SECONDS if self.one_thread else 0


def _time(engine: Engine, settle_seconds: float) -> float:
    """Seconds of one run; one before it, not timed, brings the engine's own data to the caches.

    Returns when the engine's threads have settled.
    """
    engine.infer()
    start = time.perf_counter_ns()
    engine.infer()
    seconds = (time.perf_counter_ns() - start) * 1e-9
    time.sleep(settle_seconds)
    return seconds


def _round(engines: list[Engine], probes: Probes, index: int) -> Round:
    first = index % len(engines)  # nobody always runs after the same neighbour
    round_trip_ns = probes.round_trip.nanoseconds() if probes.round_trip else None
    peak_of_one = probes.one_thread.gflops() if probes.one_thread else None
    peak_before = probes.all_threads.gflops()
    in_turn = engines[first:] + engines[:first]
    seconds = {engine.name: _time(engine, probes.settle_seconds) for engine in in_turn}
    return Round(peak_before, probes.all_threads.gflops(), peak_of_one, round_trip_ns, seconds)


def _show_progress(done: int, count: int) -> None:
    if sys.stderr.isatty():  # a log would keep every one of these lines
        end = "\n" if done == count else ""
        print(f"\r  round {done} of {count}", end=end, file=sys.stderr, flush=True)


def run_rounds(engines: list[Engine], probes: Probes, count: int) -> list[Round]:
    rounds = []
    gc.collect()
    gc.disable()
    try:
        for index in range(count):
            rounds.append(_round(engines, probes, index))
            _show_progress(index + 1, count)
    finally:
        gc.enable()
    return rounds


def summarise(values: list[float]) -> dict[str, float]:
    p10, median, p90 = np.percentile(values, (10, 50, 90))
    return {"median": float(median), "p10": float(p10), "p90": float(p90)}
