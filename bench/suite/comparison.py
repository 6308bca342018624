# Compares the engines on one network: first that they agree, then how fast they are.
# SPDX-License-Identifier: Apache-2.0
import argparse
import sys
from dataclasses import asdict

from agreement import demand_agreement
from engines import Engine, make_engines
from machine import PeakProbe, RoundTrip, peak_resident_mb
from networks import Network, prepare
from poolformer_ctypes import Library
from rounds import Probes, Round, run_rounds, summarise


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def check_agreement(engines: list[Engine]) -> dict[str, float]:
    """Every engine's largest relative difference from the last in the list."""
    last = engines[-1]
    reference = last.infer()
    return {
        engine.name: demand_agreement(engine.title, engine.infer(), last.title, reference)
        for engine in engines
    }


def _results(engine: Engine, engines: list[Engine], rounds: list[Round], network: Network) -> dict:
    """What the rounds say about one engine; shares and ratios are formed within each round."""
    seconds = [each.seconds[engine.name] for each in rounds]
    threads = max(other.threads for other in engines)
    gflop = network.operations * 1e-9
    shares = [
        gflop / each.seconds[engine.name] / (each.peak * engine.threads / threads)
        for each in rounds
    ]
    return {
        "title": engine.title,
        "threads": engine.threads,
        "ms": summarise([1e3 * value for value in seconds]),
        "percent_of_peak": summarise([100 * share for share in shares]),
        "time_relative_to": {
            other.name: summarise(
                [each.seconds[engine.name] / each.seconds[other.name] for each in rounds]
            )
            for other in engines
            if other is not engine
        },
    }


def results_of(
    network: Network,
    engines: list[Engine],
    rounds: list[Round],
    differences: dict[str, float],
    resident_mb: float,
) -> dict:
    """What `--output` keeps of a model: the rounds, and what they say."""
    of_several = {
        "peak_over_peak_of_one": summarise([each.peak_over_peak_of_one for each in rounds]),
        "round_trip_ns": summarise([each.round_trip_ns for each in rounds]),
    } if max(engine.threads for engine in engines) > 1 else {}
    return {
        "operations": network.operations,
        "peak_gflops": summarise([each.peak for each in rounds]),
        **of_several,
        "peak_resident_mb": resident_mb,
        "largest_relative_difference": differences,
        "engines": {
            engine.name: _results(engine, engines, rounds, network) for engine in engines
        },
        "rounds": [asdict(each) for each in rounds],
    }


def compare(size: str, arguments: argparse.Namespace) -> dict:
    _say(f"{size}: preparing, then {arguments.rounds} rounds")
    network = prepare(size, arguments.batch, arguments.cache)
    resident_mb = peak_resident_mb(arguments.cli, network.folder)
    isa = Library(arguments.library).load(network.folder).isa
    has_several = arguments.threads > 1
    probes = Probes(
        all_threads=PeakProbe(arguments.probe, isa, arguments.threads),
        one_thread=PeakProbe(arguments.probe, isa, 1) if has_several else None,
        round_trip=RoundTrip(arguments.probe) if has_several else None,
    )
    engines = make_engines(arguments.engines, network, arguments.threads, arguments.library)
    differences = check_agreement(engines)
    rounds = run_rounds(engines, probes, arguments.rounds)
    return results_of(network, engines, rounds, differences, resident_mb)
