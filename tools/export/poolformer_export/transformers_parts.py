# What a live transformers model is made of, and the network that this makes.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.layout import Shapes
from poolformer_export.live_parts import CONV, GELU, POINTWISE, POOL, Endings, LiveParts, Table
from poolformer_export.source import Architecture

# transformers' own beside those of torch, which a caller may have put there.
_ACTIVATIONS = {
    "GELUActivation": "gelu",
    "GELU": "gelu",
    "ReLU": "relu",
    "SiLUActivation": "silu",
    "SiLU": "silu",
}
_ENCODER = r"poolformer\.encoder"
_EMBEDDING = rf"{_ENCODER}\.patch_embeddings\.\d+"
_BLOCK = rf"{_ENCODER}\.block\.\d+\.\d+"
_ENDINGS = Endings(
    embedding=r"\.projection",
    pool=r"pooling\.pool",
    norm=r"\.(before|after)_norm",
    activation=r"\.act_fn",
    head_norm=r"^norm",
)


def _parts() -> Table:
    """Compared by identity: the classes of the transformers that the model came from."""
    from torch import nn
    from transformers import activations
    from transformers.models.poolformer import modeling_poolformer as poolformer

    # Stochastic depth does nothing at inference.
    return (
        (r"", {poolformer.PoolFormerForImageClassification: {}}),
        (r"poolformer", {poolformer.PoolFormerModel: {}}),
        (_ENCODER, {poolformer.PoolFormerEncoder: {}}),
        (rf"{_ENCODER}\.(patch_embeddings|block|block\.\d+)", {nn.ModuleList: {}}),
        (_EMBEDDING, {poolformer.PoolFormerEmbeddings: {}}),
        (rf"{_EMBEDDING}\.projection", {nn.Conv2d: CONV}),
        (rf"{_EMBEDDING}\.norm", {nn.Identity: {}}),
        (_BLOCK, {poolformer.PoolFormerLayer: {}}),
        (
            rf"{_BLOCK}\.(before|after)_norm|norm",
            {poolformer.PoolFormerGroupNorm: {"num_groups": 1}},
        ),
        (rf"{_BLOCK}\.pooling", {poolformer.PoolFormerPooling: {}}),
        (rf"{_BLOCK}\.pooling\.pool", {nn.AvgPool2d: POOL}),
        (
            rf"{_BLOCK}\.(drop_path|output\.drop)",
            {poolformer.PoolFormerDropPath: {}, nn.Identity: {}},
        ),
        (rf"{_BLOCK}\.output", {poolformer.PoolFormerOutput: {}}),
        (rf"{_BLOCK}\.output\.conv[12]", {nn.Conv2d: POINTWISE}),
        (
            rf"{_BLOCK}\.output\.act_fn",
            {
                activations.GELUActivation: {},
                nn.GELU: GELU,
                nn.ReLU: {},
                activations.SiLUActivation: {},
                nn.SiLU: {},
            },
        ),
        (r"classifier", {nn.Linear: {}}),
    )


def live_parts(model) -> LiveParts:
    return LiveParts("transformers", model, _parts())


def live_architecture(parts: LiveParts, shapes: Shapes) -> Architecture:
    """The network that a live model computes at inference; `shapes` is what its parameters tell."""
    for path in parts.paths(_BLOCK):  # which says whether the block uses the scales that it has
        parts.require(path, {"use_layer_scale": shapes.has_layer_scale})
    return parts.architecture(shapes, _ENDINGS, _ACTIVATIONS, "norm_pool", "group_norm")
