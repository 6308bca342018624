# Compares the engine with live PyTorch, timm and transformers; run by tools/test.sh --live.
# SPDX-License-Identifier: Apache-2.0
"""usage: PYTHON tests/live/compare_live.py path/to/libpoolformer.so [--only PART ...]

PYTHON is what tools/python_env.sh prints. One line a check; the last line counts them."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "export"))
os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may depend on the network

from check_export import check_export  # noqa: E402
from check_models import check_models  # noqa: E402
from check_shipped import SHIPPED, check_shipped  # noqa: E402
from poolformer_ctypes import Library  # noqa: E402
from report import Report  # noqa: E402

PARTS = ("export", "models", "shipped")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path, help="libpoolformer.so")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(1)  # as the errors of PyTorch are defined
    library = Library(arguments.library)
    isas = library.runnable_isas(SHIPPED)
    report = Report()
    report.note(f"instruction sets of this CPU: {', '.join(isas)}")
    if "export" in arguments.only:
        report.section("Exporter")
        check_export(report)
    if "models" in arguments.only:
        report.section("Networks against PyTorch in float64")
        check_models(report, library, isas)
    if "shipped" in arguments.only:
        report.section("The shipped model")
        check_shipped(report, library)
    print(f"\n{report.summary()}")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
