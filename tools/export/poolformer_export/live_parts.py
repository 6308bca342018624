# The modules of a live PyTorch model: each must be one that a PoolFormer has, set as there.
# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterable, Iterator

from poolformer_export.errors import ExportError

# Settings that the code or the file format takes for granted, by name.
CONV = {"dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
POINTWISE = {**CONV, "kernel_size": (1, 1), "stride": (1, 1), "padding": (0, 0)}
POOL = {"stride": 1, "count_include_pad": False, "ceil_mode": False, "divisor_override": None}
GELU = {"approximate": "none"}

# The pattern of a module's path, and its types, with the settings of each.
Table = Iterable[tuple[str, dict[str, dict]]]


class LiveParts:
    """All modules by path, once every one of them is found in `table`."""

    def __init__(self, library: str, model, table: Table):
        self.library = library
        self.modules = dict(model.named_modules(remove_duplicate=False))
        for path, module in self.modules.items():
            kind = type(module).__name__
            types = next((types for pattern, types in table if re.fullmatch(pattern, path)), {})
            if kind not in types:
                expected = f"expected {' or '.join(types)}" if types else "which no PoolFormer has"
                raise self._error(path, f"is {kind}, {expected}")
            self.require(path, types[kind])

    def require(self, path: str, settings: dict) -> None:
        for name, expected in settings.items():
            found = getattr(self.modules[path], name)
            if found != expected:
                raise self._error(path, f"has {name} {found!r}, only {expected!r} is supported")

    def paths(self, ending: str) -> Iterator[str]:
        return (path for path in self.modules if re.search(rf"{ending}$", path))

    def windows(self, ending: str) -> tuple[tuple[int, int, int], ...]:
        """Kernel, stride and padding of convolutions, which have the same along both sides."""
        return tuple(self._window(path) for path in self.paths(ending))

    def pool_size(self, ending: str) -> int:
        return self._only("pool size", (self._pool_size(path) for path in self.paths(ending)))

    def eps(self, ending: str) -> float:
        return self._only("eps", (self.modules[path].eps for path in self.paths(ending)))

    def activation(self, ending: str, names: dict[str, str]) -> str:
        kinds = (type(self.modules[path]).__name__ for path in self.paths(ending))
        return self._only("activation", (names[kind] for kind in kinds))

    def _error(self, path: str, words: str) -> ExportError:
        return ExportError(f'module "{path}" of the {self.library} model {words}')

    def _only(self, what: str, values: Iterable):
        """The one value that every block has."""
        found = sorted(set(values), key=str)
        if len(found) != 1:
            raise ExportError(f"the blocks of the {self.library} model differ in {what}: {found}")
        return found[0]

    def _window(self, path: str) -> tuple[int, int, int]:
        conv = self.modules[path]
        windows = set(zip(conv.kernel_size, conv.stride, conv.padding))
        if len(windows) != 1 or isinstance(conv.padding, str):
            words = f"is {conv}, expected numbers that are the same along height and width"
            raise self._error(path, words)
        return windows.pop()

    def _pool_size(self, path: str) -> int:
        size = self.modules[path].kernel_size
        if not isinstance(size, int) or size % 2 == 0:
            raise self._error(path, f"has kernel_size {size!r}, expected an odd number")
        self.require(path, {"padding": size // 2})
        return size
