# The tail: p99 against that of plain loops, runs after idle gaps, and first runs after loading.
# SPDX-License-Identifier: Apache-2.0
import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from engines import new_session
from machine import FmaLoop, MemoryLoop, time_ms
from networks import Network, prepare
from poolformer_ctypes import Library, Session

RUNS = 1000  # the 99th percentile then rests on ten of them
WARM_UP_RUNS = 20
GAP_SECONDS = 0.1
GAP_RUNS = 60
LOADS = 15


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


def _first_run(library: Path, network: Network, threads: int) -> tuple[float, float]:
    """Milliseconds of loading, and the first run over the median of the next."""
    engine = Library(library)
    start = time.perf_counter_ns()
    model = engine.load(network.folder)
    load_ms = (time.perf_counter_ns() - start) * 1e-6
    session = new_session(model, network, threads)
    first = time_ms(lambda: session.run(network.images))
    following = [time_ms(lambda: session.run(network.images)) for _ in range(15)]
    return load_ms, first / statistics.median(following)


def _in_new_process(function: Callable, *arguments):
    """What the function returns; fails if the process dies."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as executor:
        return executor.submit(function, *arguments).result()


def measure_tail(size: str, arguments: argparse.Namespace) -> dict:
    """Every sample: milliseconds, or ratios."""
    network = prepare(size, 1, arguments.cache)
    model = Library(arguments.library).load(network.folder)
    session = new_session(model, network, arguments.threads)
    loops = [FmaLoop(arguments.probe, model.isa), MemoryLoop()]
    runs, fmas, reads = _steady(session, network.images, loops)
    gaps = _after_gaps(session, network.images)
    first_runs = [
        _in_new_process(_first_run, arguments.library, network, arguments.threads)
        for _ in range(LOADS)
    ]
    loads, firsts = zip(*first_runs)
    return {
        "run_ms": runs,
        "fma_loop_ms": fmas,
        "memory_loop_ms": reads,
        "after_gap_over_next": gaps,
        "load_ms": loads,
        "first_over_next": firsts,
    }


def _row(size: str, tail: dict) -> str:
    runs, fmas, reads = (
        _p99_over_median(tail[name]) for name in ("run_ms", "fma_loop_ms", "memory_loop_ms")
    )
    cells = [
        size.upper(),
        f"{statistics.median(tail['run_ms']):.1f} ms",
        f"{runs:.3f}",
        f"{fmas:.3f}",
        f"{runs / fmas:.3f}",
        f"{reads:.3f}",
        f"{statistics.median(tail['after_gap_over_next']):.2f}",
        f"{statistics.median(tail['first_over_next']):.2f}",
        f"{statistics.median(tail['load_ms']):.0f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def format_tail(tails: dict[str, dict]) -> str:
    header = [
        "| model | median | p99 / median | the same of an FMA loop | one over the other "
        "| of reading memory | after 100 ms idle / next run | first run / later ones "
        "| load and compile |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(header + [_row(size, tail) for size, tail in tails.items()])
