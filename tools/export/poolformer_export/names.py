# The one table of parameter names: neutral (models/README.md) against each source's own.
# SPDX-License-Identifier: Apache-2.0
"""{i} is the stage, {j} the block, {n} the stage's index in sail-sg's `network` (2i), {d} that of
the patch embedding in front of it (2i - 1)."""

import re
from functools import cache

from poolformer_export.errors import ExportError

DIALECTS = ("sail-sg", "timm", "transformers")

_BLOCKS = ("network.{n}.{j}.", "stages.{i}.blocks.{j}.", "poolformer.encoder.block.{i}.{j}.")

_EMBEDS = {
    "embed.0": (
        "patch_embed.proj",
        "stem.conv",
        "poolformer.encoder.patch_embeddings.0.projection",
    ),
    "embed.{i}": (
        "network.{d}.proj",
        "stages.{i}.downsample.conv",
        "poolformer.encoder.patch_embeddings.{i}.projection",
    ),
}
_IN_BLOCK = {
    "norm1": ("norm1", "norm1", "before_norm"),
    "ls1": ("layer_scale_1", "layer_scale1.scale", "layer_scale_1"),
    "norm2": ("norm2", "norm2", "after_norm"),
    "fc1": ("mlp.fc1", "mlp.fc1", "output.conv1"),
    "fc2": ("mlp.fc2", "mlp.fc2", "output.conv2"),
    "ls2": ("layer_scale_2", "layer_scale2.scale", "layer_scale_2"),
}
_HEAD = {
    "final_norm": ("norm", "head.norm", "norm"),
    "fc": ("head", "head.fc", "classifier"),
}
TABLE = {
    **_EMBEDS,
    **{
        f"s{{i}}.b{{j}}.{part}": tuple(b + own for b, own in zip(_BLOCKS, owns, strict=True))
        for part, owns in _IN_BLOCK.items()
    },
    **_HEAD,
}

# Why a parameter outside the table is refused, by the part of its name that gives it away.
_KNOWN_STRANGERS = (
    (r"token_mixer\.(qkv|proj)|pos_embed", "attention hybrids are not supported"),
    (r"token_mixer\.fc", "spatial_fc hybrids are not supported"),
    (
        r"(stem|downsample)\.norm|res_scale|mlp\.act\.|downsample_layers",
        "PoolFormerV2 and the other MetaFormer baselines are not supported",
    ),
    (r"token_mixer\.(pwconv|dwconv|conv)", "convolutional token mixers are not supported"),
    (r"^norm[0246]\.", "backbones for detection and segmentation are not supported"),
    (r"^(backbone|neck|decode_head|module)\.", "wrapped checkpoints are not supported"),
)


def _is_bare(neutral: str) -> bool:
    return neutral.endswith((".ls1", ".ls2"))


def _split(name: str) -> tuple[str, str]:
    """'a.b.weight' -> ('a.b', '.weight')."""
    for suffix in (".weight", ".bias"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), suffix
    return name, ""


@cache
def _matcher(template: str) -> re.Pattern:
    pattern = re.escape(template)
    for letter in "ijnd":
        pattern = pattern.replace(rf"\{{{letter}\}}", rf"(?P<{letter}>\d{{1,9}})")
    return re.compile(pattern)


def _stage_and_block(found: re.Match) -> dict[str, int] | None:
    """The numbers of a match in terms of i and j; None if an index of `network` has no meaning."""
    numbers = {key: int(value) for key, value in found.groupdict().items()}
    if "n" in numbers:
        if numbers["n"] % 2 != 0:
            return None
        numbers["i"] = numbers.pop("n") // 2
    if "d" in numbers:
        if numbers["d"] % 2 != 1:
            return None
        numbers["i"] = (numbers.pop("d") + 1) // 2
    return numbers


def to_neutral(dialect: str, name: str) -> str | None:
    """The neutral name of a source's parameter, or None if the table does not hold it."""
    column = DIALECTS.index(dialect)
    for neutral, owns in TABLE.items():
        module, suffix = (name, "") if _is_bare(neutral) else _split(name)
        if (suffix == "") != _is_bare(neutral):
            continue
        found = _matcher(owns[column]).fullmatch(module)
        numbers = _stage_and_block(found) if found else None
        if numbers is not None:
            return neutral.format(**numbers) + suffix
    return None


def to_dialect(dialect: str, neutral: str) -> str:
    """The source's name of a neutral parameter that models/README.md lists."""
    column = DIALECTS.index(dialect)
    module, suffix = (neutral, "") if _is_bare(neutral) else _split(neutral)
    for template, owns in TABLE.items():
        found = _matcher(template).fullmatch(module)
        if found:
            numbers = {key: int(value) for key, value in found.groupdict().items()}
            i = numbers.get("i", 0)
            return owns[column].format(i=i, j=numbers.get("j"), n=2 * i, d=2 * i - 1) + suffix
    raise KeyError(neutral)


def refuse_stranger(name: str) -> ExportError:
    """The error for a parameter outside the table."""
    for pattern, reason in _KNOWN_STRANGERS:
        if re.search(pattern, name):
            return ExportError(f'parameter "{name}" is not understood: {reason}')
    return ExportError(f'parameter "{name}" is not understood: it belongs to no PoolFormer')
