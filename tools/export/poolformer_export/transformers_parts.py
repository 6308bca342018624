# What a live transformers model is made of, and the network that this makes.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.layout import Shapes
from poolformer_export.live_parts import CONV, GELU, POINTWISE, POOL, Endings, LiveParts
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

# Stochastic depth does nothing at inference.
_PARTS = (
    (r"", {"PoolFormerForImageClassification": {}}),
    (r"poolformer", {"PoolFormerModel": {}}),
    (_ENCODER, {"PoolFormerEncoder": {}}),
    (rf"{_ENCODER}\.(patch_embeddings|block|block\.\d+)", {"ModuleList": {}}),
    (_EMBEDDING, {"PoolFormerEmbeddings": {}}),
    (rf"{_EMBEDDING}\.projection", {"Conv2d": CONV}),
    (rf"{_EMBEDDING}\.norm", {"Identity": {}}),
    (_BLOCK, {"PoolFormerLayer": {}}),
    (rf"{_BLOCK}\.(before|after)_norm|norm", {"PoolFormerGroupNorm": {"num_groups": 1}}),
    (rf"{_BLOCK}\.pooling", {"PoolFormerPooling": {}}),
    (rf"{_BLOCK}\.pooling\.pool", {"AvgPool2d": POOL}),
    (rf"{_BLOCK}\.(drop_path|output\.drop)", {"PoolFormerDropPath": {}, "Identity": {}}),
    (rf"{_BLOCK}\.output", {"PoolFormerOutput": {}}),
    (rf"{_BLOCK}\.output\.conv[12]", {"Conv2d": POINTWISE}),
    (rf"{_BLOCK}\.output\.act_fn", {**dict.fromkeys(_ACTIVATIONS, {}), "GELU": GELU}),
    (r"classifier", {"Linear": {}}),
)
_ENDINGS = Endings(
    embedding=r"\.projection",
    pool=r"pooling\.pool",
    norm=r"\.(before|after)_norm",
    activation=r"\.act_fn",
    head_norm=r"^norm",
)


def live_architecture(model, shapes: Shapes) -> Architecture:
    """The network that a live model computes at inference; `shapes` is what its parameters tell."""
    parts = LiveParts("transformers", model, _PARTS)
    for path in parts.paths(_BLOCK):  # which says whether the block uses the scales that it has
        parts.require(path, {"use_layer_scale": shapes.has_layer_scale})
    return parts.architecture(shapes, _ENDINGS, _ACTIVATIONS, "norm_pool", "group_norm")
