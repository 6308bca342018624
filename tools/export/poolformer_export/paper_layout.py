# PoolFormer as a torch module in the paper's parameter layout, of any Architecture.
# SPDX-License-Identifier: Apache-2.0
"""Written for comparison, not for speed: its names are those of the sail-sg checkpoints, its
arithmetic is checked against transformers in tests/golden."""

import torch
from torch import nn
from torch.nn import functional

from poolformer_export.errors import ExportError
from poolformer_export.source import Architecture, Norm

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}


def _group_norm(norm: Norm, channels: int) -> nn.GroupNorm:
    if norm.kind != "group_norm":
        raise ExportError(f"the paper's layout has no {norm.kind}")
    return nn.GroupNorm(1, channels, norm.eps)


class PatchEmbed(nn.Module):
    def __init__(self, in_channels: int, channels: int, window: tuple[int, int, int]):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, *window)

    def forward(self, x):
        return self.proj(x)


class Mlp(nn.Module):
    def __init__(self, channels: int, ratio: int, activation: str):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels * ratio, 1)
        self.act = ACTIVATIONS[activation]()
        self.fc2 = nn.Conv2d(channels * ratio, channels, 1)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, channels: int, architecture: Architecture):
        super().__init__()
        self.pool_size = architecture.pool_size
        self.norm1 = _group_norm(architecture.norm, channels)
        self.norm2 = _group_norm(architecture.norm, channels)
        self.mlp = Mlp(channels, architecture.mlp_ratio, architecture.activation)
        self.layer_scale_1 = nn.Parameter(torch.ones(channels))
        self.layer_scale_2 = nn.Parameter(torch.ones(channels))

    def mix(self, x):
        size = self.pool_size
        mean = functional.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)
        return mean - x

    def forward(self, x):
        x = x + self.layer_scale_1.view(-1, 1, 1) * self.mix(self.norm1(x))
        return x + self.layer_scale_2.view(-1, 1, 1) * self.mlp(self.norm2(x))


class PaperPoolFormer(nn.Module):
    """images [batch, 3, height, width] -> logits [batch, classes]."""

    def __init__(self, architecture: Architecture):
        super().__init__()
        if architecture.head_order != "norm_pool" or not architecture.has_layer_scale:
            raise ExportError("the paper's layout has layer scales and the head norm, mean, linear")
        channels = architecture.channels
        embeds = [
            PatchEmbed(*shape)
            for shape in zip((3, *channels[:-1]), channels, architecture.embeddings, strict=True)
        ]
        stages = [
            nn.Sequential(*(Block(width, architecture) for _ in range(depth)))
            for depth, width in zip(architecture.depths, channels, strict=True)
        ]
        self.patch_embed = embeds[0]
        self.network = nn.ModuleList([stages[0]])
        for embed, stage in zip(embeds[1:], stages[1:], strict=True):
            self.network.extend([embed, stage])
        self.norm = _group_norm(architecture.head_norm, channels[-1])
        self.head = nn.Linear(channels[-1], architecture.classes)

    def forward(self, images):
        x = self.patch_embed(images)
        for part in self.network:
            x = part(x)
        return self.head(self.norm(x).mean((-2, -1)))
