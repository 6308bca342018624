# Prints the results as Markdown.
# SPDX-License-Identifier: Apache-2.0
import statistics

PEER = "onnxruntime"
QUOTABLE_ROUNDS = 50
QUIET_LOAD_AVERAGE = 0.5
# What the machines at hand had: on an EPYC Turin, threads of one core, cores that share a cache, others.
ROUND_TRIPS_NS = {
    "under 80 ns": (0, 80),
    "80 to 250 ns": (80, 250),
    "over 250 ns": (250, float("inf")),
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _model_rows(size: str, model: dict) -> list[str]:
    rows = []
    for name, engine in model["engines"].items():
        ms, percent = engine["ms"], engine["percent_of_peak"]
        ratio = engine["time_relative_to"].get(PEER)
        # The fast tenth of the rounds has the 10th percentile of times, the 90th of shares.
        cells = [
            size.upper(),
            engine["title"],
            f"{ms['median']:.1f}",
            f"{ms['p10']:.1f}",
            f"{percent['median']:.0f} / {percent['p90']:.0f}",
            f"{ratio['median']:.2f} / {ratio['p10']:.2f}" if ratio else "1" if name == PEER else "",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _distance_of_cores(model: dict) -> str:
    round_trip = model.get("round_trip_ns")  # results of before 2026-11-30 lack it
    if not round_trip:
        return ""
    return (
        f" A cache line took {round_trip['median']:.0f} ns between two cores and back "
        f"(10th and 90th percentile {round_trip['p10']:.0f} and {round_trip['p90']:.0f})."
        f"{_speed_ups_by_distance(model['rounds'])}"
    )


def _speed_ups_by_distance(rounds: list[dict]) -> str:
    """A host may move its virtual CPUs between rounds: the rounds of each distance on their own."""
    parts = []
    for name, (low, high) in ROUND_TRIPS_NS.items():
        speed_ups = [
            each["seconds"]["poolformer_1_thread"] / each["seconds"]["poolformer"]
            for each in rounds
            if low <= each["round_trip_ns"] < high
        ]
        if speed_ups:
            factor = f"{statistics.median(speed_ups):.2f}"
            parts.append(f"{factor} times in {_count(len(speed_ups), 'round')} of {name}")
    return f" By that distance: {', '.join(parts)}." if len(parts) > 1 else ""


def _notes(size: str, model: dict) -> list[str]:
    peak = model["peak_gflops"]
    largest = max(model["largest_relative_difference"].values())
    notes = [
        f"- {size.upper()}: FMA peak {peak['median']:.1f} GFLOP/s; the engines' logits differ by "
        f"at most {largest:.1e} of the largest; this engine alone (`poolformer bench`) has at most "
        f"{model['peak_resident_mb']:.0f} MB resident."
    ]
    alone = model["engines"].get("poolformer_1_thread")
    if alone:
        speed_up = alone["time_relative_to"]["poolformer"]
        threads = model["engines"]["poolformer"]["threads"]
        factor = f"{speed_up['median']:.2f}"
        limit = f"{model['peak_over_peak_of_one']['median']:.2f}"
        notes.append(
            f"- {size.upper()}: {threads} threads are {factor} times as fast as one; multiply-adds "
            f"in registers, {limit} times.{_distance_of_cores(model)}"
        )
    one_by_one = model["engines"].get("poolformer_one_by_one")
    if one_by_one:
        factor = model["engines"]["poolformer"]["time_relative_to"]["poolformer_one_by_one"]
        notes.append(
            f"- {size.upper()}: a batch takes {factor['median']:.3f} times as long as its images "
            f"one by one."
        )
    return notes


def describe_run(results: dict) -> str:
    """Where, how and when these results came about."""
    machine = results["machine"]
    rounds, threads, batch = (results[key] for key in ("rounds", "threads", "batch"))
    return (
        f"{machine['cpu']}, pinned to {threads} of {machine['cores']} cores; 224x224, "
        f"batch {batch}, {_count(threads, 'thread')}, {_count(rounds, 'round')}; load average at "
        f"the start {machine['load_average_at_start']:.2f}; {machine['date'][:10]}."
    )


def describe_doubts(results: dict) -> str:
    """Why these results are not to be quoted, or nothing."""
    doubts = []
    if results["rounds"] < QUOTABLE_ROUNDS:
        doubts.append(f"Fewer than {QUOTABLE_ROUNDS} rounds: not to be quoted.")
    if isa := results["machine"].get("forced_isa"):
        doubts.append(f"PF_ISA: only this engine and the peak are kept to {isa}.")
    if results["machine"]["load_average_at_start"] > QUIET_LOAD_AVERAGE:
        doubts.append("Something else ran shortly before, or still: see the load average.")
    return " ".join(doubts)


def format_results(results: dict) -> str:
    models = results["models"].items()
    lines = [
        describe_run(results),
        "",
        "| model | engine | median ms | p10 ms | % of peak, median / p10 "
        "| time / ONNX Runtime's, median / p10 |",
        "|---|---|---|---|---|---|",
        *(row for size, model in models for row in _model_rows(size, model)),
        "",
        *(note for size, model in models for note in _notes(size, model)),
    ]
    if doubts := describe_doubts(results):
        lines += ["", doubts]
    return "\n".join(lines)
