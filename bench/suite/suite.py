# The peers' benchmark: this engine, ONNX Runtime and PyTorch, in one process, round by round.
# SPDX-License-Identifier: Apache-2.0
"""Compares this engine with ONNX Runtime and PyTorch on the published PoolFormers at 224x224."""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("tools/export", "tests/live"):
    sys.path.insert(0, str(ROOT / folder))

SIZES = ("s12", "s24", "s36", "m36", "m48")
ENGINES = ("poolformer", "onnxruntime", "pytorch", "pytorch_channels_last")
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "poolformer.cpp"

EXAMPLES = """examples:
  bench/suite/run.sh                                  # all five models, 60 rounds, one thread
  bench/suite/run.sh --models s12 --rounds 100 --output s12.json
  bench/suite/run.sh --models s12 --threads 2         # also the speed-up over one thread
  bench/suite/run.sh --models s12 --batch 8 --engines poolformer,onnxruntime

A round probes the core's FMA peak, runs every engine, and probes again. Numbers are medians over
the rounds. bench/README.md says what they mean.
"""


def _choices(allowed: tuple[str, ...]):
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f'"{name}" is none of {", ".join(allowed)}')
        return list(dict.fromkeys(names))

    return parse


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/suite/run.sh",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--models", type=_choices(SIZES), default=list(SIZES), help="such as s12,m48 (all)")
    add("--engines", type=_choices(ENGINES), default=list(ENGINES), help=",".join(ENGINES))
    add("--rounds", type=_at_least_one, default=60, help="at least 50 to be quoted (60)")
    add("--threads", type=_at_least_one, default=1, help="threads, and cores to pin to (1)")
    add("--batch", type=_at_least_one, default=1, help="images per run (1)")
    add("--output", type=Path, help="also write every round here, as JSON")
    add("--cache", type=Path, default=DEFAULT_CACHE / "bench", help="where models are kept")
    built = parser.add_argument_group("what run.sh has built")
    built.add_argument("--library", type=Path, required=True, help="libpoolformer.so")
    built.add_argument("--probe", type=Path, required=True, help="libpf_bench_probe.so")
    built.add_argument("--cli", type=Path, required=True, help="the poolformer program")
    return parser.parse_args()


def pin(threads: int) -> list[int]:
    """Keeps this process, and every thread it will start, on `threads` of its cores."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        sys.exit(f"error: --threads {threads}, but this process may use {len(allowed)} cores only")
    cores = allowed[-threads:]  # the first one tends to serve the interrupts
    os.sched_setaffinity(0, cores)
    return cores


def set_environment(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"


def main() -> None:
    arguments = parse_arguments()
    cores = pin(arguments.threads)
    set_environment(arguments.threads)

    # Only now: numpy, torch and ONNX Runtime make their threads when they are imported.
    from comparison import compare
    from machine import describe_machine
    from table import format_results

    results = {
        "machine": describe_machine(cores),
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "batch": arguments.batch,
        "models": {},
    }
    for size in arguments.models:
        results["models"][size] = compare(size, arguments)
        if arguments.output:  # after every model: an interrupted run keeps what it has
            arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    print(format_results(results))


if __name__ == "__main__":
    main()
