# What a live timm model is made of, and the network that this makes.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.layout import Shapes
from poolformer_export.live_parts import CONV, GELU, POINTWISE, POOL, Endings, LiveParts, Table
from poolformer_export.source import Architecture

_ACTIVATIONS = {"GELU": "gelu", "ReLU": "relu", "SiLU": "silu"}
_BLOCK = r"stages\.\d+\.blocks\.\d+"
_ENDINGS = Endings(
    embedding=r"\.conv",
    pool=r"mixer\.pool",
    norm=r"\.norm[12]",
    activation=r"\.act",
    head_norm=r"head\.norm",
)


def _parts() -> Table:
    """Compared by identity: the classes of the timm that the model came from."""
    from timm.layers.adaptive_avgmax_pool import FastAdaptiveAvgPool
    from timm.models import metaformer
    from torch import nn

    # Dropout in all its forms does nothing at inference.
    return (
        (r"", {metaformer.MetaFormer: {}}),
        (r"stem", {metaformer.Stem: {}}),
        (r"stages|stages\.\d+\.blocks|head", {nn.Sequential: {}}),
        (r"stages\.\d+", {metaformer.MetaFormerStage: {}}),
        (r"stages\.0\.downsample", {nn.Identity: {}}),
        (r"stages\.\d+\.downsample", {metaformer.Downsampling: {}}),
        (r"(stem|stages\.\d+\.downsample)\.conv", {nn.Conv2d: CONV}),
        (r"(stem|stages\.\d+\.downsample)\.norm", {nn.Identity: {}}),
        (_BLOCK, {metaformer.MetaFormerBlock: {}}),
        (rf"{_BLOCK}\.norm[12]", {metaformer.GroupNorm1: {"num_groups": 1}}),
        (rf"{_BLOCK}\.token_mixer", {metaformer.Pooling: {}}),
        (rf"{_BLOCK}\.token_mixer\.pool", {nn.AvgPool2d: POOL}),
        (rf"{_BLOCK}\.drop_path[12]", {nn.Identity: {}, metaformer.DropPath: {}}),
        (rf"{_BLOCK}\.layer_scale[12]", {metaformer.Scale: {}, nn.Identity: {}}),
        (rf"{_BLOCK}\.(res_scale[12]|mlp\.norm)", {nn.Identity: {}}),
        (rf"{_BLOCK}\.mlp", {metaformer.Mlp: {}}),
        (rf"{_BLOCK}\.mlp\.fc[12]", {nn.Conv2d: POINTWISE}),
        (rf"{_BLOCK}\.mlp\.act", {nn.GELU: GELU, nn.ReLU: {}, nn.SiLU: {}}),
        (rf"{_BLOCK}\.mlp\.drop[12]|head\.drop", {nn.Dropout: {}, nn.Identity: {}}),
        (r"head\.global_pool", {metaformer.SelectAdaptivePool2d: {}}),
        (
            r"head\.global_pool\.pool",
            {nn.AdaptiveAvgPool2d: {"output_size": 1}, FastAdaptiveAvgPool: {}},
        ),
        (r"head\.global_pool\.flatten", {nn.Identity: {}, nn.Flatten: {}}),
        (r"head\.norm", {metaformer.LayerNorm2d: {}}),
        (r"head\.flatten", {nn.Flatten: {"start_dim": 1, "end_dim": -1}}),
        (r"head\.fc", {nn.Linear: {}}),
    )


def live_parts(model) -> LiveParts:
    return LiveParts("timm", model, _parts())


def live_architecture(parts: LiveParts, shapes: Shapes) -> Architecture:
    """The network that a live model computes at inference; `shapes` is what its parameters tell."""
    return parts.architecture(shapes, _ENDINGS, _ACTIVATIONS, "pool_norm", "layer_norm")
