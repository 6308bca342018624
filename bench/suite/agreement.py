# Whether two ways to run a network give the same logits.
# SPDX-License-Identifier: Apache-2.0
import numpy as np

# Largest |difference| of two engines' logits over the largest |logit|: float32's rounding through
# dozens of layers stays far below, another network or another layout of the input far above.
AGREEMENT = 1e-4


def demand_agreement(
    title: str, logits: np.ndarray, reference_title: str, reference: np.ndarray
) -> float:
    """The largest relative difference; ends the program if it is too large."""
    difference = float(np.abs(logits - reference).max() / np.abs(reference).max())
    if not difference <= AGREEMENT:
        raise SystemExit(
            f"error: {title} and {reference_title} disagree: the largest difference "
            f"is {difference:.1e} of the largest logit, more than {AGREEMENT:.0e}"
        )
    return difference
