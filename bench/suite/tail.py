# The tail: p99 against that of a plain FMA loop, runs after idle gaps, and first runs after loading.
# SPDX-License-Identifier: Apache-2.0
import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from engines import new_session
from machine import FmaLoop
from networks import prepare
from poolformer_ctypes import Library, Session

RUNS = 1000  # the 99th percentile then rests on ten of them
WARM_UP_RUNS = 20
GAP_SECONDS = 0.1
GAP_RUNS = 60
LOADS = 9


def _ms(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) * 1e-6


def _p99_over_median(samples: list[float]) -> float:
    return float(np.percentile(samples, 99) / np.percentile(samples, 50))


def _steady(session: Session, images: np.ndarray, loop: FmaLoop) -> tuple[list[float], list[float]]:
    """Milliseconds of RUNS runs, and of as many FMA loops of the same length, taking turns."""
    for _ in range(WARM_UP_RUNS):
        session.run(images)
    loop.calibrate(statistics.median(_ms(lambda: session.run(images)) for _ in range(9)))
    pairs = [(_ms(lambda: session.run(images)), _ms(loop.run)) for _ in range(RUNS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _after_gaps(session: Session, images: np.ndarray) -> list[float]:
    """Ratios of a run after a gap to the run right behind it."""
    ratios = []
    for _ in range(GAP_RUNS):
        time.sleep(GAP_SECONDS)
        after_gap = _ms(lambda: session.run(images))
        ratios.append(after_gap / _ms(lambda: session.run(images)))
    return ratios


def _first_runs(library: Library, network, threads: int) -> tuple[list[float], list[float]]:
    """Milliseconds of loading, and ratios of the first run to the median of the next."""
    loads, ratios = [], []
    for _ in range(LOADS):
        start = time.perf_counter_ns()
        model = library.load(network.folder)
        loads.append((time.perf_counter_ns() - start) * 1e-6)
        session = new_session(model, network, threads)
        first = _ms(lambda: session.run(network.images))
        following = [_ms(lambda: session.run(network.images)) for _ in range(15)]
        ratios.append(first / statistics.median(following))
    return loads, ratios


def measure_tail(size: str, arguments: argparse.Namespace) -> str:
    """One row of the table that format_tail() heads."""
    network = prepare(size, 1, arguments.cache)
    library = Library(arguments.library)
    model = library.load(network.folder)
    session = new_session(model, network, arguments.threads)
    runs, loops = _steady(session, network.images, FmaLoop(arguments.probe, model.isa))
    gaps = _after_gaps(session, network.images)
    loads, firsts = _first_runs(library, network, arguments.threads)
    cells = [
        size.upper(),
        f"{statistics.median(runs):.1f} ms",
        f"{_p99_over_median(runs):.3f}",
        f"{_p99_over_median(loops):.3f}",
        f"{statistics.median(gaps):.2f}",
        f"{statistics.median(firsts):.2f}",
        f"{statistics.median(loads):.0f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def format_tail(rows: list[str]) -> str:
    header = [
        "| model | median | p99 / median | the same of an FMA loop | after 100 ms idle / next run "
        "| first run / later ones | load and compile |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(header + rows)
