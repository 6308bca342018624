# Data that is not part of the checkout: real photos and CIFAR-10. What is not there is said aloud.
# SPDX-License-Identifier: Apache-2.0
"""$PF_TEST_DATA, or else ../shared beside the checkout, may hold

images/*.png, *.jpg           photos
data/cifar10-jpeg.tar.xz      test/CLASS/NNNN.jpg, 10,000 test images
"""

import os
from pathlib import Path

from report import Report

ROOT = Path(__file__).resolve().parents[2]
GIVEN = os.environ.get("PF_TEST_DATA")
FOLDER = Path(GIVEN) if GIVEN else ROOT.parent / "shared"
CIFAR_ARCHIVE = FOLDER / "data" / "cifar10-jpeg.tar.xz"


def real_photos() -> list[Path]:
    return sorted(path for path in FOLDER.glob("images/*") if path.suffix in (".png", ".jpg"))


def report_missing(report: Report, what: str, where: str) -> None:
    """A note; a failure if the caller named a folder, which should then have it."""
    if GIVEN:
        report.check(what, False, f"PF_TEST_DATA is {GIVEN}, which has no {where}")
    else:
        report.note(f"{what}: not checked; set PF_TEST_DATA to a folder with {where}")
