# The modules of a live PyTorch model: each must be one that a PoolFormer has, set as there.
# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from poolformer_export.errors import ExportError
from poolformer_export.layout import Shapes
from poolformer_export.source import Architecture, Norm

# Settings that the code or the file format takes for granted, by name.
CONV = {"dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
POINTWISE = {**CONV, "kernel_size": (1, 1), "stride": (1, 1), "padding": (0, 0)}
POOL = {"stride": 1, "count_include_pad": False, "ceil_mode": False, "divisor_override": None}
GELU = {"approximate": "none"}

# The pattern of a module's path, and its types, with the settings of each.
Table = Iterable[tuple[str, dict[type, dict]]]

# What torch calls before and after a module's own forward.
_HOOKS = {"_forward_pre_hooks": "forward pre-hook", "_forward_hooks": "forward hook"}


class Endings(NamedTuple):
    """Where the paths of the modules end that a network is read from, as patterns."""

    embedding: str
    pool: str
    norm: str
    activation: str
    head_norm: str


class LiveParts:
    """All modules by path, once every one of them is found in `table`."""

    def __init__(self, library: str, model, table: Table):
        self.library = library
        self.modules = dict(model.named_modules(remove_duplicate=False))
        for path, module in self.modules.items():
            types = next((types for pattern, types in table if re.fullmatch(pattern, path)), {})
            if type(module) not in types and not _parametrizations(module):
                raise self._error(path, _other_type(type(module), types))
            self._refuse_changes(path)
            self.require(path, types[type(module)])

    def require(self, path: str, settings: dict) -> None:
        for name, expected in settings.items():
            found = getattr(self.modules[path], name)
            if found != expected:
                raise self._error(path, f"has {name} {found!r}, only {expected!r} is supported")

    def paths(self, ending: str) -> Iterator[str]:
        return (path for path in self.modules if re.search(rf"{ending}$", path))

    def architecture(
        self,
        shapes: Shapes,
        endings: Endings,
        activations: dict[str, str],
        head_order: str,
        head_norm: str,
    ) -> Architecture:
        """The network of these modules; `shapes` is what the parameters tell of it."""
        return Architecture(
            embeddings=tuple(self._window(path) for path in self.paths(endings.embedding)),
            depths=shapes.depths,
            channels=shapes.channels,
            classes=shapes.classes,
            mlp_ratio=shapes.mlp_ratio,
            pool_size=self._only("pool size", map(self._pool_size, self.paths(endings.pool))),
            norm=Norm("group_norm", self._eps(endings.norm)),
            activation=self._activation(endings.activation, activations),
            has_layer_scale=shapes.has_layer_scale,
            head_order=head_order,
            head_norm=Norm(head_norm, self._eps(endings.head_norm)),
        )

    def _refuse_changes(self, path: str) -> None:
        """That the module computes what its type does, of the parameters that it holds."""
        module = self.modules[path]
        found = [  # what is set on a module hides what its type defines
            f"{name} of its own ({_name(value)})"
            for name, value in vars(module).items()
            if callable(getattr(type(module), name, None))
        ]
        for attribute, kind in _HOOKS.items():
            found += [f"{kind} ({_name(hook)})" for hook in getattr(module, attribute).values()]
        found += [f"parametrization of {name}" for name in _parametrizations(module)]
        if found:
            raise self._error(path, f"has a {found[0]}, which is not exported; remove it first")

    def _eps(self, ending: str) -> float:
        return self._only("eps", (self.modules[path].eps for path in self.paths(ending)))

    def _activation(self, ending: str, names: dict[str, str]) -> str:
        kinds = (type(self.modules[path]).__name__ for path in self.paths(ending))
        return self._only("activation", (names[kind] for kind in kinds))

    def _error(self, path: str, words: str) -> ExportError:
        module = f'module "{path}" of ' if path else ""
        return ExportError(f"{module}the {self.library} model {words}")

    def _only(self, what: str, values: Iterable):
        """The one value that every block has."""
        found = sorted(set(values), key=str)
        if len(found) != 1:
            raise ExportError(f"the blocks of the {self.library} model differ in {what}: {found}")
        return found[0]

    def _window(self, path: str) -> tuple[int, int, int]:
        """Kernel, stride and padding of a convolution, which has the same along both sides."""
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


def _name(value) -> str:
    return getattr(value, "__qualname__", type(value).__qualname__)


def _parametrizations(module) -> Iterable[str]:
    """The parameters that torch computes at every use, by a type that it makes for the module."""
    return module._modules.get("parametrizations") or ()


def _other_type(found: type, expected: Iterable[type]) -> str:
    """What was found and what was expected, with their modules if the names alone are the same."""
    types = [found, *expected]
    if len(types) == 1:
        return f"is {found.__name__}, which no PoolFormer has"
    names = [kind.__name__ for kind in types]
    if names[0] in names[1:]:
        names = [f"{kind.__module__}.{kind.__qualname__}" for kind in types]
    return f"is {names[0]}, expected {' or '.join(names[1:])}"
