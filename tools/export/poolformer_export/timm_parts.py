# What a live timm model is made of: every module must be one that a PoolFormer has, set as there.
# SPDX-License-Identifier: Apache-2.0
import re

from poolformer_export.errors import ExportError
from poolformer_export.layout import Shapes
from poolformer_export.source import Architecture, Norm

_ACTIVATIONS = {"GELU": "gelu", "ReLU": "relu", "SiLU": "silu"}
_CONV = {"dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
_POINTWISE = {**_CONV, "kernel_size": (1, 1), "stride": (1, 1), "padding": (0, 0)}
_POOL = {"stride": 1, "count_include_pad": False, "ceil_mode": False, "divisor_override": None}
_GELU = {"approximate": "none"}
_BLOCK = r"stages\.\d+\.blocks\.\d+"

# Path of a module, its types, and the settings that the code or the file format takes for granted.
# Dropout in all its forms does nothing at inference.
_PARTS = (
    (r"", {"MetaFormer": {}}),
    (r"stem", {"Stem": {}}),
    (r"stages|stages\.\d+\.blocks|head", {"Sequential": {}}),
    (r"stages\.\d+", {"MetaFormerStage": {}}),
    (r"stages\.0\.downsample", {"Identity": {}}),
    (r"stages\.\d+\.downsample", {"Downsampling": {}}),
    (r"(stem|stages\.\d+\.downsample)\.conv", {"Conv2d": _CONV}),
    (r"(stem|stages\.\d+\.downsample)\.norm", {"Identity": {}}),
    (_BLOCK, {"MetaFormerBlock": {}}),
    (rf"{_BLOCK}\.norm[12]", {"GroupNorm1": {"num_groups": 1}}),
    (rf"{_BLOCK}\.token_mixer", {"Pooling": {}}),
    (rf"{_BLOCK}\.token_mixer\.pool", {"AvgPool2d": _POOL}),
    (rf"{_BLOCK}\.drop_path[12]", {"Identity": {}, "DropPath": {}}),
    (rf"{_BLOCK}\.layer_scale[12]", {"Scale": {}, "Identity": {}}),
    (rf"{_BLOCK}\.(res_scale[12]|mlp\.norm)", {"Identity": {}}),
    (rf"{_BLOCK}\.mlp", {"Mlp": {}}),
    (rf"{_BLOCK}\.mlp\.fc[12]", {"Conv2d": _POINTWISE}),
    (rf"{_BLOCK}\.mlp\.act", {"GELU": _GELU, "ReLU": {}, "SiLU": {}}),
    (rf"{_BLOCK}\.mlp\.drop[12]|head\.drop", {"Dropout": {}, "Identity": {}}),
    (r"head\.global_pool", {"SelectAdaptivePool2d": {}}),
    (
        r"head\.global_pool\.pool",
        {"AdaptiveAvgPool2d": {"output_size": 1}, "FastAdaptiveAvgPool": {}},
    ),
    (r"head\.global_pool\.flatten", {"Identity": {}, "Flatten": {}}),
    (r"head\.norm", {"LayerNorm2d": {}}),
    (r"head\.flatten", {"Flatten": {"start_dim": 1, "end_dim": -1}}),
    (r"head\.fc", {"Linear": {}}),
)


def _check(path: str, module) -> None:
    kind = type(module).__name__
    types = next((types for pattern, types in _PARTS if re.fullmatch(pattern, path)), {})
    if kind not in types:
        expected = f"expected {' or '.join(types)}" if types else "which no PoolFormer has"
        raise ExportError(f'module "{path}" of the timm model is {kind}, {expected}')
    _require(path, module, types[kind])


def _require(path: str, module, settings: dict) -> None:
    for name, expected in settings.items():
        found = getattr(module, name)
        if found != expected:
            raise ExportError(
                f'module "{path}" of the timm model has {name} {found!r}, '
                f"only {expected!r} is supported"
            )


def _only(what: str, values) -> object:
    """The one value that every block has."""
    found = sorted(set(values), key=str)
    if len(found) != 1:
        raise ExportError(f"the blocks of the timm model differ in {what}: {found}")
    return found[0]


def _window(path: str, conv) -> tuple[int, int, int]:
    """Kernel, stride and padding of a convolution, which has the same along both sides."""
    windows = set(zip(conv.kernel_size, conv.stride, conv.padding))
    if len(windows) != 1 or isinstance(conv.padding, str):
        raise ExportError(
            f'module "{path}" of the timm model is {conv}, expected numbers that are the same '
            "along height and width"
        )
    return windows.pop()


def _pool_size(path: str, pool) -> int:
    size = pool.kernel_size
    if not isinstance(size, int) or size % 2 == 0:
        raise ExportError(
            f'module "{path}" of the timm model has kernel_size {size!r}, expected an odd number'
        )
    _require(path, pool, {"padding": size // 2})
    return size


def live_architecture(model, shapes: Shapes) -> Architecture:
    """The network that a live model computes at inference; `shapes` is what its parameters tell."""
    modules = dict(model.named_modules(remove_duplicate=False))
    for path, module in modules.items():
        _check(path, module)

    def each(ending: str):
        return ((path, part) for path, part in modules.items() if re.search(ending, path))

    return Architecture(
        embeddings=tuple(_window(path, conv) for path, conv in each(r"\.conv$")),
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
        mlp_ratio=shapes.mlp_ratio,
        pool_size=_only("pool size", (_pool_size(*part) for part in each(r"mixer\.pool$"))),
        norm=Norm("group_norm", _only("eps", (norm.eps for _, norm in each(r"norm[12]$")))),
        activation=_only(
            "activation", (_ACTIVATIONS[type(act).__name__] for _, act in each(r"\.act$"))
        ),
        has_layer_scale=shapes.has_layer_scale,
        head_order="pool_norm",
        head_norm=Norm("layer_norm", model.head.norm.eps),
    )
