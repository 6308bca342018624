# A published PoolFormer with hash weights: everything works without network and without torch.
# SPDX-License-Identifier: Apache-2.0
from poolformer_export.hash_weights import hash_weights
from poolformer_export.sail_source import published_preprocessing
from poolformer_export.source import (
    GROUP_NORM,
    PUBLISHED,
    PUBLISHED_EMBEDDINGS,
    TIMM_HEAD_NORM,
    Architecture,
    Source,
)


def published_architecture(size: str, head_order: str = "norm_pool") -> Architecture:
    """One of the five; pool_norm is timm's head."""
    depths, channels = PUBLISHED[size]
    return Architecture(
        embeddings=PUBLISHED_EMBEDDINGS,
        depths=depths,
        channels=channels,
        classes=1000,
        head_order=head_order,
        head_norm=GROUP_NORM if head_order == "norm_pool" else TIMM_HEAD_NORM,
    )


def random_source(size: str, seed: int, head_order: str = "norm_pool") -> Source:
    architecture = published_architecture(size, head_order)
    return Source(
        name=f"poolformer_{size}_random",
        dialect="poolformer.cpp",
        origin=f"hash weights, seed {seed}",
        architecture=architecture,
        preprocessing=published_preprocessing(size, "half_even"),
        tensors=hash_weights(architecture, seed),
    )
