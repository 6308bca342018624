# The bounds of models/README.md on all that a Source takes from outside.
# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Callable, Iterator
from reprlib import repr as shortened
from typing import NamedTuple

from poolformer_export.errors import ExportError

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class _Rule(NamedTuple):
    expected: str
    holds: Callable[[object], bool]


_ODD = _Rule(
    "an odd integer from 1 to 63", lambda value: type(value) is int and value in range(1, 64, 2)
)


def check(description: dict) -> None:
    """Refuses the first field of a model.json that the engine would refuse."""
    for field, value, rule in _rules(description):
        if not rule.holds(value):
            raise ExportError(
                f'"{field}" of model.json would be {shortened(value)}, expected {rule.expected}'
            )


def _rules(description: dict) -> Iterator[tuple[str, object, _Rule]]:
    """Field by field; a bound that is another field comes after that field."""
    yield "name", description["name"], _text(1, 128)
    yield "source.origin", description["source"]["origin"], _text(0, 1024)
    yield from _input_rules(description["input"])
    yield "stages", len(description["stages"]), _integer(1, 16)
    for i, embedding in enumerate(description["patch_embeddings"]):
        yield from _embedding_rules(f"patch_embeddings[{i}]", embedding)
    for i, stage in enumerate(description["stages"]):
        yield from _stage_rules(f"stages[{i}]", stage)
    head, labels = description["head"], description["labels"]
    yield "head.norm.eps", head["norm"]["eps"], _number(1)
    yield "head.classes", head["classes"], _integer(1, 65536)
    yield "labels", len(labels), _label_count(head["classes"])
    for i, label in enumerate(labels):
        yield f"labels[{i}]", label, _text(0, 512)


def _input_rules(image: dict) -> Iterator[tuple[str, object, _Rule]]:
    for key in ("height", "width"):
        yield f"input.{key}", image[key], _integer(1, 4096)
    least = max(image["height"], image["width"])
    yield "input.resize.shorter_side", image["resize"]["shorter_side"], _integer(least, 8192)
    yield "input.mean", image["mean"], _three("numbers from 0 to 1", lambda mean: 0 <= mean <= 1)
    yield "input.std", image["std"], _three("numbers from 1e-30 to 1", lambda std: 1e-30 <= std <= 1)


def _embedding_rules(where: str, embedding: dict) -> Iterator[tuple[str, object, _Rule]]:
    yield f"{where}.kernel", embedding["kernel"], _integer(1, 64)
    yield f"{where}.stride", embedding["stride"], _integer(1, 64)
    yield f"{where}.padding", embedding["padding"], _integer(0, embedding["kernel"] - 1)


def _stage_rules(where: str, stage: dict) -> Iterator[tuple[str, object, _Rule]]:
    yield f"{where}.depth", stage["depth"], _integer(1, 256)
    yield f"{where}.channels", stage["channels"], _integer(1, 16384)
    yield f"{where}.token_mixer.size", stage["token_mixer"]["size"], _ODD
    yield f"{where}.norm.eps", stage["norm"]["eps"], _number(1)
    most = min(16, 65536 // stage["channels"])
    yield f"{where}.mlp.ratio", stage["mlp"]["ratio"], _integer(1, most)


def _integer(least: int, most: int) -> _Rule:
    expected = f"an integer from {least} to {most}"
    return _Rule(expected, lambda value: type(value) is int and least <= value <= most)


def _label_count(classes: int) -> _Rule:
    return _Rule(f"{classes}, one per class, or 0", lambda count: count in (0, classes))


def _number(most: float) -> _Rule:
    return _Rule(f"a number from 1e-30 to {most}", lambda value: 1e-30 <= value <= most)


def _three(expected: str, holds: Callable[[float], bool]) -> _Rule:
    return _Rule(f"three {expected}", lambda values: len(values) == 3 and all(map(holds, values)))


def _text(least: int, most: int) -> _Rule:
    def holds(text: str) -> bool:
        encoded = text.encode(errors="replace")  # which replaces halves of surrogate pairs
        is_plain = encoded.decode() == text and not _CONTROL_CHARACTERS.search(text)
        return is_plain and least <= len(encoded) <= most

    return _Rule(f"{least} to {most} bytes of UTF-8 without control characters", holds)
