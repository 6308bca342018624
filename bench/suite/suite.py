# The peers' benchmark: this engine, ONNX Runtime, OpenVINO and PyTorch, in one process, by rounds.
# SPDX-License-Identifier: Apache-2.0
"""Compares this engine with ONNX Runtime, OpenVINO and PyTorch on the published PoolFormers."""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("tools/export", "tests/live"):
    sys.path.insert(0, str(ROOT / folder))

SIZES = ("s12", "s24", "s36", "m36", "m48")
ENGINES = (
    "poolformer",
    "onnxruntime",
    "onnxruntime_folded",
    "openvino",
    "pytorch",
    "pytorch_channels_last",
    "pytorch_compile",
)
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "poolformer.cpp"

EXAMPLES = """examples:
  bench/suite/run.sh                                  # all five models, 60 rounds, one thread
  bench/suite/run.sh --models s12 --rounds 100 --output s12.json --plot s12.svg
  bench/suite/run.sh --plot-from s12.json --plot s12.svg      # measures nothing
  bench/suite/run.sh --models s12 --threads 2         # also the speed-up over one thread
  bench/suite/run.sh --models s12 --tail              # p99, idle gaps, first runs, loading
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


def _new_file(text: str) -> Path:
    file = Path(text)
    # Better said now than after an hour of rounds.
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {file.parent}")
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{file} cannot be written")
    return file


def _saved_results(text: str) -> dict:
    try:
        results = json.loads(Path(text).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"cannot read {text}: {error}") from error
    models = results.get("models") if isinstance(results, dict) else None
    is_complete = isinstance(models, dict) and all("engines" in each for each in models.values())
    if not models or not is_complete:
        raise argparse.ArgumentTypeError(f"{text} has no models with engines, as --output writes")
    return results


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/suite/run.sh",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # run.sh knows whole names only
    )
    add = parser.add_argument
    add("--models", type=_choices(SIZES), default=list(SIZES), help="such as s12,m48 (all)")
    add("--engines", type=_choices(ENGINES), default=list(ENGINES), help=",".join(ENGINES))
    add("--rounds", type=_at_least_one, default=60, help="at least 50 to be quoted (60)")
    add("--threads", type=_at_least_one, default=1, help="threads, and cores to pin to (1)")
    add("--batch", type=_at_least_one, default=1, help="images per run (1)")
    add("--tail", action="store_true", help="this engine's tail instead of its peers' speed")
    add("--output", type=_new_file, help="also write every round, or run, here, as JSON")
    add("--plot", type=_new_file, help="also draw the medians and the FMA floor here, as SVG")
    add(
        "--plot-from",
        type=_saved_results,
        metavar="JSON",
        help="measure nothing: print, and --plot, what --output wrote here",
    )
    add("--cache", type=Path, default=DEFAULT_CACHE / "bench", help="where models are kept")
    for built in ("--library", "--probe", "--cli"):  # run.sh builds them, and says where they are
        add(built, type=Path, help=argparse.SUPPRESS)
    # For run.sh, which wants to know that the options are right before it builds.
    add("--check-options", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plot_from and arguments.output:
        parser.error("--plot-from measures nothing that --output could keep")
    if arguments.tail:
        for name in ("engines", "rounds", "batch", "plot", "plot_from"):
            if getattr(arguments, name) != parser.get_default(name):
                option = "--" + name.replace("_", "-")
                parser.error(f"--tail goes with --models, --threads, --output, not with {option}")
    if arguments.check_options:
        sys.exit()
    if None in (arguments.library, arguments.probe, arguments.cli):
        parser.error("--library, --probe and --cli are missing: start bench/suite/run.sh instead")
    return arguments


def pin(threads: int) -> list[int]:
    """Keeps this process, and every thread it will start, on `threads` of its cores."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        sys.exit(f"error: --threads {threads}, but this process may use {len(allowed)} cores only")
    cores = allowed[-threads:]  # the first one tends to serve the interrupts
    os.sched_setaffinity(0, cores)
    return cores


def set_environment(threads: int, cache: Path) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache / "inductor")
    os.environ["TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS"] = "0"  # else outside the cache folder
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # here; more would stay on as processes
    os.environ["MPLCONFIGDIR"] = str(cache / "matplotlib")


def _save(results: dict, file: Path | None) -> None:
    """After every model: an interrupted run keeps what it has."""
    if file:
        file.write_text(json.dumps(results, indent=1) + "\n")


def measure(arguments: argparse.Namespace) -> dict:
    cores = pin(arguments.threads)

    # Only now: numpy, torch and the engines make their threads when they are imported.
    from comparison import compare
    from machine import describe_machine

    results = {
        "machine": describe_machine(cores),
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "batch": arguments.batch,
        "models": {},
    }
    for size in arguments.models:
        results["models"][size] = compare(size, arguments)
        _save(results, arguments.output)
    return results


def print_tail(arguments: argparse.Namespace) -> None:
    cores = pin(arguments.threads)
    from machine import describe_machine
    from table import describe_doubts, describe_run
    from tail import RUNS, format_tail, measure_tail

    results = {
        "machine": describe_machine(cores),
        "rounds": RUNS,
        "threads": arguments.threads,
        "batch": 1,
        "tails": {},
    }
    for size in arguments.models:
        results["tails"][size] = measure_tail(size, arguments)
        _save(results, arguments.output)
    print(describe_run(results), "", format_tail(results["tails"]), sep="\n")
    if doubts := describe_doubts(results):
        print("", doubts, sep="\n")


def main() -> None:
    arguments = parse_arguments()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    set_environment(arguments.threads, arguments.cache)
    if arguments.tail:
        return print_tail(arguments)
    results = arguments.plot_from or measure(arguments)

    from table import format_results

    print(format_results(results))
    if arguments.plot:
        from chart import draw_results

        draw_results(results, arguments.plot)


if __name__ == "__main__":
    main()
