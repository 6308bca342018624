# Draws the results: median latency by model and engine, and the FMA floor.
# SPDX-License-Identifier: Apache-2.0
import textwrap
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from table import describe_doubts, describe_run

# One hue for each project.
COLOURS = {
    "poolformer": "#d1344b",
    "poolformer_1_thread": "#efa9b3",
    "poolformer_one_by_one": "#8f1f31",
    "onnxruntime": "#3b78b5",
    "onnxruntime_folded": "#a3c6e8",
    "openvino": "#7b5aa6",
    "pytorch": "#f8d5a0",
    "pytorch_channels_last": "#f0a643",
    "pytorch_compile": "#c4761b",
}
INCHES_PER_BAR = 0.27
GAP = 1.8  # between two models, in bars; the floor's number stands there
SMALL = 7.5
P10_LABEL = "down to the 10th percentile"
FLOOR_LABEL = "FMA floor: 2 × multiply-accumulates / measured peak"

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "poolformer.cpp",  # the same results make the same file
}


def _number(ms: float) -> str:
    return f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"


def _floor_ms(model: dict) -> float:
    return model["operations"] / (model["peak_gflops"]["median"] * 1e9) * 1e3


def _draw_bars(axes: Axes, model: dict, left: float) -> None:
    for x, (name, engine) in enumerate(model["engines"].items()):
        median, p10 = engine["ms"]["median"], engine["ms"]["p10"]
        axes.bar(left + x, median, width=0.92, color=COLOURS[name], label=engine["title"])
        axes.errorbar(
            left + x,
            median,
            yerr=[[median - p10], [0]],
            color="black",
            linewidth=1,
            capsize=3,
            label=P10_LABEL,
        )
        axes.annotate(
            _number(median),
            (left + x, median),
            (0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=SMALL,
        )


def _draw_floor(axes: Axes, model: dict, left: float) -> None:
    floor, right = _floor_ms(model), left + len(model["engines"]) - 0.5
    axes.hlines(floor, left - 0.5, right, "black", (0, (4, 2)), linewidth=1.2, label=FLOOR_LABEL)
    axes.text(right + 0.1, floor, _number(floor), ha="left", va="center", fontsize=SMALL)


def _draw_models(axes: Axes, models: dict) -> float:
    """One group of bars for each model; returns how many bars wide all of it is."""
    left, centres = 0.0, []
    for model in models.values():
        _draw_bars(axes, model, left)
        _draw_floor(axes, model, left)
        centres.append(left + (len(model["engines"]) - 1) / 2)
        left += len(model["engines"]) + GAP
    axes.set_xticks(centres, [size.upper() for size in models], fontsize=10)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-1, left - 1)
    return left


def _draw_legend(figure: Figure, axes: Axes, width: float) -> None:
    handles, labels = axes.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))  # every model has brought the same ones
    for label in (P10_LABEL, FLOOR_LABEL):  # after the engines
        by_label[label] = by_label.pop(label)
    figure.legend(
        by_label.values(),
        by_label.keys(),
        loc="outside lower center",
        ncols=max(2, int(width / 3)),
        frameon=False,
        fontsize=SMALL,
    )


def draw_results(results: dict, file: Path) -> None:
    matplotlib.rcdefaults()  # whatever this user's own settings are
    matplotlib.rcParams.update(STYLE)
    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    width = max(8.0, 1.0 + INCHES_PER_BAR * _draw_models(axes, results["models"]))
    figure.set_size_inches(width, 5.4)
    axes.set_ylabel("median latency, ms")
    axes.margins(y=0.1)
    axes.yaxis.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.suptitle("PoolFormer on a CPU, float32: lower is better", fontsize=12, weight="bold")
    details = f"{describe_run(results)} {describe_doubts(results)}".strip()
    axes.set_title("\n".join(textwrap.wrap(details, int(width * 13))), fontsize=SMALL)
    _draw_legend(figure, axes, width)
    figure.savefig(file, format="svg", metadata={"Date": None})
