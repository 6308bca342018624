# Writes golden.json and logits.f64: what the real PyTorch models compute on hash weights.
# SPDX-License-Identifier: Apache-2.0
"""usage: PYTHONPATH=tools/export python tests/golden/make_golden.py [OUT_FOLDER]

Needs the environment of tools/python_env.sh and about three minutes. See README.md beside it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from poolformer_export import torch_models
from poolformer_export.describe import describe
from poolformer_export.hash_weights import hash_bits, hash_input
from poolformer_export.random_source import published_architecture, random_source
from poolformer_export.sail_source import published_preprocessing
from poolformer_export.source import Source

WEIGHTS_SEED = 1
NUM_SAMPLES = 64
NUM_RMS_INPUTS = 16
CASES = [(size, 224, 224) for size in ("s12", "s24", "s36", "m36", "m48")] + [
    ("s12", height, width) for height, width in ((225, 193), (97, 131), (65, 64))
]
AGREEMENT = 1e-12  # between the float64 runs of two frameworks, relative to the largest value


@dataclass
class Truth:
    """One network on one input in float64."""

    blocks: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]  # by head order


class LogitsFile:
    """Rows of float64, one after the other; golden.json refers to them by number."""

    def __init__(self):
        self.rows: list[np.ndarray] = []

    def add(self, row: np.ndarray) -> int:
        self.rows.append(np.ascontiguousarray(row, "<f8"))
        return len(self.rows) - 1

    def bytes(self) -> bytes:
        return b"".join(row.tobytes() for row in self.rows)


def real_models(size: str) -> dict[str, object]:
    """The same hash weights in timm's model, transformers' model and the paper's layout."""
    paper = random_source(size, WEIGHTS_SEED)
    timm = random_source(size, WEIGHTS_SEED, "pool_norm")
    return {
        "timm": torch_models.build_timm(timm.architecture, timm.tensors),
        "transformers": torch_models.build_transformers(paper.architecture, paper.tensors),
        "paper": torch_models.build_paper(paper.architecture, paper.tensors),
    }


def disagreement(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(a).max())


def demand_agreement(what: str, a: np.ndarray, b: np.ndarray) -> None:
    found = disagreement(a, b)
    if not found <= AGREEMENT:
        raise SystemExit(f"{what}: two frameworks differ by {found:g}, more than {AGREEMENT:g}")


def true_values(models: dict[str, object], image: np.ndarray) -> Truth:
    """Runs all three models in float64 and demands that they agree."""
    runs = {
        name: torch_models.run_tapped(model, image, "float64") for name, model in models.items()
    }
    logits, blocks = runs["transformers"]
    demand_agreement("logits of transformers and the paper's layout", logits, runs["paper"][0])
    for name, value in blocks.items():
        for other in ("timm", "paper"):
            demand_agreement(
                f"block {name} of transformers and {other}", value, runs[other][1][name]
            )
    return Truth(blocks, {"norm_pool": logits, "pool_norm": runs["timm"][0]})


def block_entry(name: str, value: np.ndarray) -> dict:
    flat = value.ravel()
    indices = hash_bits(WEIGHTS_SEED, "samples", 0, NUM_SAMPLES) % np.uint64(flat.size)
    return {
        "name": name,
        "mean": float(flat.mean()),
        "rms": float(np.sqrt(np.mean(flat * flat))),
        "min": float(flat.min()),
        "max": float(flat.max()),
        "samples": flat[indices.astype(np.int64)].tolist(),
    }


def network_entry(size: str, image: np.ndarray, truth: Truth, logits: LogitsFile) -> dict:
    _, height, width = image.shape
    return {
        "name": f"{size}_{height}x{width}",
        "height": height,
        "width": width,
        "input_seed": 0,
        "blocks": [block_entry(name, value) for name, value in truth.blocks.items()],
        "heads": [
            {"description": description(size, order), "logits_row": logits.add(row)}
            for order, row in truth.logits.items()
        ],
    }


def description(size: str, head_order: str) -> dict:
    source = Source(
        name=f"poolformer_{size}",
        dialect="poolformer.cpp",
        origin=f"hash weights, seed {WEIGHTS_SEED}",
        architecture=published_architecture(size, head_order),
        preprocessing=published_preprocessing(size, "half_even"),
        tensors={},
    )
    return describe(source)


def rms_entry(order: str, models: dict[str, object], exact: np.ndarray, logits: LogitsFile) -> dict:
    """PyTorch float32's own error over many inputs: eager, contiguous, one thread."""
    model = models["timm" if order == "pool_norm" else "transformers"].float()
    images = [hash_input(seed, 224, 224) for seed in range(NUM_RMS_INPUTS)]
    found = np.stack([torch_models.run(model, image[None])[0] for image in images])
    return {
        "head_order": order,
        "logits_rows": [logits.add(row) for row in exact],
        "pytorch_float32_rms": float(np.sqrt(np.mean((found - exact) ** 2))),
    }


def exact_logits(model) -> np.ndarray:
    """[inputs, classes] in float64."""
    images = [hash_input(seed, 224, 224) for seed in range(NUM_RMS_INPUTS)]
    return np.stack([torch_models.run(model, image[None], "float64")[0] for image in images])


def main() -> None:
    import torch

    torch.set_num_threads(1)
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    logits = LogitsFile()
    networks, rms = [], []
    for size in dict.fromkeys(size for size, _, _ in CASES):
        models = {name: model.double() for name, model in real_models(size).items()}
        for _, height, width in (case for case in CASES if case[0] == size):
            image = hash_input(0, height, width)
            networks.append(network_entry(size, image, true_values(models, image), logits))
            print(networks[-1]["name"], flush=True)
        if size == "s12":
            exact = {"norm_pool": models["transformers"], "pool_norm": models["timm"]}
            exact = {order: exact_logits(model) for order, model in exact.items()}
            rms = [rms_entry(order, models, rows, logits) for order, rows in exact.items()]
            print("root mean square errors of float32:", [r["pytorch_float32_rms"] for r in rms])
    versions = {"torch": torch.__version__, "timm": torch_models.import_timm().__version__}
    versions["transformers"] = torch_models.import_transformers().__version__
    content = {
        "made_with": versions,
        "weights_seed": WEIGHTS_SEED,
        "networks": networks,
        "rms": rms,
    }
    (out / "golden.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    (out / "logits.f64").write_bytes(logits.bytes())


if __name__ == "__main__":
    main()
