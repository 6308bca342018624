# The tail: p99 against that of plain loops, runs after idle gaps, and first runs after loading.
# SPDX-License-Identifier: Apache-2.0
import argparse
import statistics
import time

import numpy as np
from engines import new_session
from machine import FmaLoop, MemoryLoop, time_ms
from networks import prepare
from poolformer_ctypes import Library, Session

RUNS = 1000  # the 99th percentile then rests on ten of them
WARM_UP_RUNS = 20
GAP_SECONDS = 0.1
GAP_RUNS = 60
LOADS = 9


def _p99_over_median(samples: list[float]) -> float:
    return float(np.percentile(samples, 99) / np.percentile(samples, 50))


def _steady(session: Session, images: np.ndarray, loops: list[FmaLoop | MemoryLoop]) -> list[list[float]]:
    """Milliseconds of RUNS runs, and of as many of each loop, about as long.

    They take turns, and a run that is not timed goes before each that is, as in a row of runs.
    """
    for _ in range(WARM_UP_RUNS):
        session.run(images)
    median = statistics.median(time_ms(lambda: session.run(images)) for _ in range(9))
    for loop in loops:
        loop.calibrate(median)
    turns = [lambda: session.run(images)] * 2 + [loop.run for loop in loops]
    rounds = [[time_ms(turn) for turn in turns] for _ in range(RUNS)]
    return [list(samples) for samples in zip(*rounds)][1:]


def _after_gaps(session: Session, images: np.ndarray) -> list[float]:
    """Ratios of a run after a gap to the run right behind it."""
    ratios = []
    for _ in range(GAP_RUNS):
        time.sleep(GAP_SECONDS)
        after_gap = time_ms(lambda: session.run(images))
        ratios.append(after_gap / time_ms(lambda: session.run(images)))
    return ratios


def _first_runs(library: Library, network, threads: int) -> tuple[list[float], list[float]]:
    """Milliseconds of loading, and ratios of the first run to the median of the next."""
    loads, ratios = [], []
    for _ in range(LOADS):
        start = time.perf_counter_ns()
        model = library.load(network.folder)
        loads.append((time.perf_counter_ns() - start) * 1e-6)
        session = new_session(model, network, threads)
        first = time_ms(lambda: session.run(network.images))
        following = [time_ms(lambda: session.run(network.images)) for _ in range(15)]
        ratios.append(first / statistics.median(following))
    return loads, ratios


def measure_tail(size: str, arguments: argparse.Namespace) -> str:
    """One row of the table that format_tail() heads."""
    network = prepare(size, 1, arguments.cache)
    library = Library(arguments.library)
    model = library.load(network.folder)
    session = new_session(model, network, arguments.threads)
    loops = [FmaLoop(arguments.probe, model.isa), MemoryLoop()]
    runs, fmas, reads = _steady(session, network.images, loops)
    gaps = _after_gaps(session, network.images)
    loads, firsts = _first_runs(library, network, arguments.threads)
    cells = [
        size.upper(),
        f"{statistics.median(runs):.1f} ms",
        f"{_p99_over_median(runs):.3f}",
        f"{_p99_over_median(fmas):.3f}",
        f"{_p99_over_median(reads):.3f}",
        f"{statistics.median(gaps):.2f}",
        f"{statistics.median(firsts):.2f}",
        f"{statistics.median(loads):.0f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def format_tail(rows: list[str]) -> str:
    header = [
        "| model | median | p99 / median | the same of an FMA loop | of reading memory "
        "| after 100 ms idle / next run | first run / later ones | load and compile |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(header + rows)
