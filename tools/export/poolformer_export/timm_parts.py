# What a live timm model is made of, and the network that this makes.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.layout import Shapes
from poolformer_export.live_parts import CONV, GELU, POINTWISE, POOL, Endings, LiveParts
from poolformer_export.source import Architecture

_ACTIVATIONS = {"GELU": "gelu", "ReLU": "relu", "SiLU": "silu"}
_BLOCK = r"stages\.\d+\.blocks\.\d+"

# Dropout in all its forms does nothing at inference.
_PARTS = (
    (r"", {"MetaFormer": {}}),
    (r"stem", {"Stem": {}}),
    (r"stages|stages\.\d+\.blocks|head", {"Sequential": {}}),
    (r"stages\.\d+", {"MetaFormerStage": {}}),
    (r"stages\.0\.downsample", {"Identity": {}}),
    (r"stages\.\d+\.downsample", {"Downsampling": {}}),
    (r"(stem|stages\.\d+\.downsample)\.conv", {"Conv2d": CONV}),
    (r"(stem|stages\.\d+\.downsample)\.norm", {"Identity": {}}),
    (_BLOCK, {"MetaFormerBlock": {}}),
    (rf"{_BLOCK}\.norm[12]", {"GroupNorm1": {"num_groups": 1}}),
    (rf"{_BLOCK}\.token_mixer", {"Pooling": {}}),
    (rf"{_BLOCK}\.token_mixer\.pool", {"AvgPool2d": POOL}),
    (rf"{_BLOCK}\.drop_path[12]", {"Identity": {}, "DropPath": {}}),
    (rf"{_BLOCK}\.layer_scale[12]", {"Scale": {}, "Identity": {}}),
    (rf"{_BLOCK}\.(res_scale[12]|mlp\.norm)", {"Identity": {}}),
    (rf"{_BLOCK}\.mlp", {"Mlp": {}}),
    (rf"{_BLOCK}\.mlp\.fc[12]", {"Conv2d": POINTWISE}),
    (rf"{_BLOCK}\.mlp\.act", {"GELU": GELU, "ReLU": {}, "SiLU": {}}),
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
_ENDINGS = Endings(
    embedding=r"\.conv",
    pool=r"mixer\.pool",
    norm=r"\.norm[12]",
    activation=r"\.act",
    head_norm=r"head\.norm",
)


def live_architecture(model, shapes: Shapes) -> Architecture:
    """The network that a live model computes at inference; `shapes` is what its parameters tell."""
    parts = LiveParts("timm", model, _PARTS)
    return parts.architecture(shapes, _ENDINGS, _ACTIVATIONS, "pool_norm", "layer_norm")
