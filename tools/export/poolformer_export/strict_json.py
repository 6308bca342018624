# JSON without its ambiguities.
# SPDX-License-Identifier: Apache-2.0
import json


def parse_json(content: bytes | str) -> object:
    """The value. ValueError for what readers differ about: a key twice, NaN, other than UTF-8."""
    text = content if isinstance(content, str) else content.decode()
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in members:
        if key in found:
            raise ValueError(f'found "{key}" twice, expected once')
        found[key] = value
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"found {constant}, expected a number")
