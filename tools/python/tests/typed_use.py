# What a type checker must make of the interface: mypy reads this, nothing runs it.
# SPDX-License-Identifier: Apache-2.0
import logging
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import poolformer

Floats = npt.NDArray[np.float32]
Ranking = list[tuple[str | int, float]]


def use(model: poolformer.Model, photo: object, x: Any) -> None:
    assert_type(model.preprocess(photo), Floats)
    assert_type(model.classify(photo), Ranking)
    assert_type(model.classify([photo, photo], top=1), list[Ranking])
    assert_type(poolformer.cpu_budget(), int)
    session = poolformer.Session(model, input_size=(32, 32), input_format="nhwc_u8", timeout=0.1)
    assert_type(session.run(x), Floats)
    assert_type(session.run(x, out=x, timeout=0.1), Floats)
    assert_type(session.run(x, features=True), poolformer.Result)
    assert_type(session.run(x, stage_maps=[x, x, x, x]), poolformer.Result)
    poolformer.load("model", log=logging.getLogger("service").log)
    result = session.run(x, probabilities=True)
    assert_type(result.logits, Floats)
    assert_type(result.probabilities, Floats | None)
    assert_type(result.stage_maps, list[Floats] | None)
    poolformer.Session(model, input_format="rgb")  # type: ignore[arg-type]  # which is an error
