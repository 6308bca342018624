# model.json of a Source, field by field as models/README.md specifies it.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.source import Architecture, Norm, Preprocessing, Source


def _norm(norm: Norm) -> dict:
    return {"kind": norm.kind, "eps": norm.eps, "weight": True, "bias": True}


def _input(preprocessing: Preprocessing) -> dict:
    return {
        "height": preprocessing.size,
        "width": preprocessing.size,
        "resize": {"shorter_side": preprocessing.resize, "interpolation": "bicubic"},
        "crop_rounding": preprocessing.crop_rounding,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }


def _stage(architecture: Architecture, depth: int, channels: int) -> dict:
    return {
        "depth": depth,
        "channels": channels,
        "token_mixer": {"kind": "pool", "size": architecture.pool_size},
        "norm": _norm(architecture.norm),
        "mlp": {
            "ratio": architecture.mlp_ratio,
            "activation": architecture.activation,
            "bias": True,
        },
        "layer_scale": architecture.has_layer_scale,
        "residual_scale": False,
        "position_embedding": False,
    }


def describe(source: Source) -> dict:
    """The JSON object, in the order a person reads it."""
    architecture = source.architecture
    return {
        "schema_version": 1,
        "name": source.name,
        "source": {"dialect": source.dialect, "origin": source.origin},
        "input": _input(source.preprocessing),
        "patch_embeddings": [
            {"kernel": kernel, "stride": stride, "padding": padding}
            for kernel, stride, padding in architecture.embeddings
        ],
        "stages": [
            _stage(architecture, depth, channels)
            for depth, channels in zip(architecture.depths, architecture.channels, strict=True)
        ],
        "head": {
            "order": architecture.head_order,
            "norm": _norm(architecture.head_norm),
            "classes": architecture.classes,
        },
        "labels": source.labels,
    }
