# The way of the suite's rounds: summaries, JSON, the table, `poolformer bench-diff`.
# SPDX-License-Identifier: Apache-2.0
"""Usage: suite_test.py POOLFORMER, the command-line program."""

import json
import subprocess
import sys
import tempfile
import unittest
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import comparison
import numpy as np
import rounds
from engines import Engine

SUITE = Path(comparison.__file__).with_name("suite.py")
NETWORK = SimpleNamespace(operations=3_600_000)
ENOUGH_ROUNDS = 51  # to be quoted, and odd: of an even number, medians are a matter of taste


def probe(*values: float) -> SimpleNamespace:
    """A probe of the peak that reads these, one after another, again and again."""
    turns = cycle(values)
    return SimpleNamespace(gflops=lambda: next(turns))


def make_engines(names: dict[str, int]) -> list[Engine]:
    """Some that multiply a little, by name and threads."""
    matrix = np.ones((64, 64), np.float32)
    return [
        Engine(name, f"{name} (avx2)", threads, lambda: matrix @ matrix)
        for name, threads in names.items()
    ]


def measure(names: dict[str, int], num_rounds: int = ENOUGH_ROUNDS) -> dict:
    """Results as `--output` writes them, by rounds of that many engines, peaks of 40 and 60."""
    threads = max(names.values())
    has_several = threads > 1
    probes = rounds.Probes(
        all_threads=probe(40.0, 60.0),
        one_thread=probe(20.0) if has_several else None,
        round_trip=SimpleNamespace(nanoseconds=lambda: 120.0) if has_several else None,
    )
    engines = make_engines(names)
    with mock.patch.object(rounds, "SETTLE_SECONDS", 0):
        measured = rounds.run_rounds(engines, probes, num_rounds)
    differences = dict.fromkeys(names, 1e-6)
    machine = {
        "cpu": "a CPU",
        "cores": 2,
        "load_average_at_start": 0.1,
        "date": "2026-01-02T03:04:05+00:00",
    }
    model = comparison.results_of(NETWORK, engines, measured, differences, resident_mb=100)
    return {
        "machine": machine,
        "rounds": num_rounds,
        "threads": threads,
        "batch": 1,
        "models": {"s12": model},
    }


def run(*command: object) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


class SuiteTest(unittest.TestCase):
    program: Path

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "results.json"

    def keep(self, results: dict) -> dict:
        self.file.write_text(json.dumps(results))
        return results["models"]["s12"]

    def table(self) -> str:
        return run(
            sys.executable, SUITE, "--plot-from", self.file, "--cache", self.file.parent,
            "--library", "none", "--probe", "none", "--cli", "none",
        )

    def test_shares_and_ratios_are_formed_within_each_round(self):
        model = self.keep(measure({"poolformer": 1, "onnxruntime": 1}))
        self.assertEqual(model["peak_gflops"]["median"], 60)  # the larger of the two
        ours = [each["seconds"]["poolformer"] for each in model["rounds"]]
        theirs = [each["seconds"]["onnxruntime"] for each in model["rounds"]]
        engine = model["engines"]["poolformer"]
        self.assertAlmostEqual(engine["ms"]["median"], 1e3 * np.median(ours))
        self.assertAlmostEqual(
            engine["time_relative_to"]["onnxruntime"]["median"],
            np.median([a / b for a, b in zip(ours, theirs)]),
        )
        self.assertAlmostEqual(
            engine["percent_of_peak"]["median"],
            np.median([100 * NETWORK.operations * 1e-9 / each / 60 for each in ours]),
        )

    def test_the_table_has_every_engine_and_says_what_is_not_to_be_quoted(self):
        model = self.keep(measure({"poolformer": 1, "onnxruntime": 1}, ENOUGH_ROUNDS - 2))
        table = self.table()
        for engine in model["engines"].values():
            self.assertIn(f"| S12 | {engine['title']} | {engine['ms']['median']:.1f} |", table)
        self.assertIn("FMA peak 60.0 GFLOP/s", table)
        self.assertIn("Fewer than 50 rounds: not to be quoted.", table)
        self.keep(measure({"poolformer": 1, "onnxruntime": 1}))
        self.assertNotIn("quoted", self.table())

    def test_several_threads_stand_beside_one(self):
        self.keep(measure({"poolformer": 2, "poolformer_1_thread": 1}))
        self.assertRegex(
            self.table(),
            r"2 threads are \d+\.\d\d times as fast as one; multiply-adds in registers, 2\.00 times",
        )

    def test_bench_diff_reads_what_the_suite_writes(self):
        model = self.keep(measure({"poolformer": 1, "onnxruntime": 1}))
        found = json.loads(run(self.program, "bench-diff", "--json", self.file, self.file))
        self.assertEqual([row["engine"] for row in found["rows"]], list(model["engines"]))
        for row, engine in zip(found["rows"], model["engines"].values()):
            self.assertAlmostEqual(row["after_ms"], engine["ms"]["median"])
            self.assertEqual(row["change_percent"], 0)
        self.assertEqual(found["warnings"], [])


if __name__ == "__main__":
    SuiteTest.program = Path(sys.argv.pop(1))
    unittest.main()
