# SPDX-License-Identifier: Apache-2.0
"""PoolFormer in PyTorch with the parameter names of the paper's code (sail-sg/poolformer)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POOL_SIZE = 3
NORM_EPS = 1e-5


@dataclass(frozen=True)
class PoolFormerConfig:
    """Everything that fixes the shapes; one entry per stage (per patch embedding)."""

    depths: tuple[int, ...] = (1, 2, 2, 2)
    dims: tuple[int, ...] = (64, 128, 192, 256)
    kernels: tuple[int, ...] = (5, 5, 3, 3)
    strides: tuple[int, ...] = (2, 2, 1, 2)
    paddings: tuple[int, ...] = (2, 2, 1, 1)
    mlp_ratio: int = 4
    num_classes: int = 10
    layer_scale_init: float = 0.5


class PatchEmbed(nn.Module):
    """One biased convolution: the stem, or the step down between two stages."""

    def __init__(self, in_dim: int, dim: int, kernel: int, stride: int, padding: int):
        super().__init__()
        self.proj = nn.Conv2d(in_dim, dim, kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class Mlp(nn.Module):
    """Two 1x1 convolutions with the exact GELU between them."""

    def __init__(self, dim: int, ratio: int):
        super().__init__()
        self.fc1 = nn.Conv2d(dim, dim * ratio, 1)
        self.fc2 = nn.Conv2d(dim * ratio, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        # As matrix products over pixels: on a CPU their gradients cost less than a convolution's.
        pixels = x.permute(0, 2, 3, 1)
        hidden = F.gelu(F.linear(pixels, self.fc1.weight.flatten(1), self.fc1.bias))
        pixels = F.linear(hidden, self.fc2.weight.flatten(1), self.fc2.bias)
        return pixels.permute(0, 3, 1, 2)


class Block(nn.Module):
    """x += ls1 * (pool(norm1(x)) - norm1(x)); x += ls2 * mlp(norm2(x))."""

    def __init__(self, dim: int, mlp_ratio: int, layer_scale_init: float):
        super().__init__()
        self.norm1 = nn.GroupNorm(1, dim, NORM_EPS)
        self.norm2 = nn.GroupNorm(1, dim, NORM_EPS)
        self.mlp = Mlp(dim, mlp_ratio)
        self.layer_scale_1 = nn.Parameter(torch.full((dim,), layer_scale_init))
        self.layer_scale_2 = nn.Parameter(torch.full((dim,), layer_scale_init))

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.norm1(x)
        pooled = F.avg_pool2d(mixed, POOL_SIZE, 1, POOL_SIZE // 2, count_include_pad=False)
        x = torch.addcmul(x, self.layer_scale_1[:, None, None], pooled - mixed)
        return torch.addcmul(x, self.layer_scale_2[:, None, None], self.mlp(self.norm2(x)))


class PoolFormer(nn.Module):
    """network[2i] is stage i, network[2i + 1] the patch embedding after it."""

    def __init__(self, config: PoolFormerConfig):
        super().__init__()
        self.config = config
        in_dims: Sequence[int] = (3, *config.dims[:-1])
        embeds = [
            PatchEmbed(*shape)
            for shape in zip(
                in_dims, config.dims, config.kernels, config.strides, config.paddings, strict=True
            )
        ]
        stages = [
            nn.Sequential(
                *(Block(dim, config.mlp_ratio, config.layer_scale_init) for _ in range(depth))
            )
            for depth, dim in zip(config.depths, config.dims, strict=True)
        ]
        self.patch_embed = embeds[0]
        self.network = nn.ModuleList([stages[0]])
        for embed, stage in zip(embeds[1:], stages[1:], strict=True):
            self.network.extend([embed, stage])
        self.norm = nn.GroupNorm(1, config.dims[-1], NORM_EPS)
        self.head = nn.Linear(config.dims[-1], config.num_classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        for part in self.network:
            x = part(x)
        return self.head(self.norm(x).mean((2, 3)))
