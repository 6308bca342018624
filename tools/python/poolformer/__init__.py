# The package poolformer: PoolFormer on a CPU.
# SPDX-License-Identifier: Apache-2.0
"""Runs PoolFormer on a CPU.

    import numpy, poolformer

    model = poolformer.load("models/poolformer_c10")
    print(model.classify(rgb))                          # uint8 (height, width, 3), or a PIL image
    session = poolformer.Session(model, threads=2)
    logits = session.run(model.preprocess(rgb)[None])   # float32 (1, num_classes)

A Model is immutable and shared by any sessions and threads; a Session belongs to one thread at a
time. Nothing is converted or copied silently. See Session.run for what goes in and comes out.
"""

from poolformer._native import version as _version
from poolformer.errors import Busy, Cancelled, DeadlineExceeded, Error, Status
from poolformer.model import Model, ModelInfo, load
from poolformer.session import Result, Session, SessionInfo, Team, cpu_budget
from poolformer.timm_models import from_timm

__version__ = _version()
__all__ = [
    "Busy",
    "Cancelled",
    "DeadlineExceeded",
    "Error",
    "Model",
    "ModelInfo",
    "Result",
    "Session",
    "SessionInfo",
    "Status",
    "Team",
    "cpu_budget",
    "from_timm",
    "load",
]
