# Folds what norms and layer scales multiply and add into the weights beside them.
# SPDX-License-Identifier: Apache-2.0
import torch
from torch import nn


class _Standardise(nn.Module):
    """[batch, channels, height, width] -> the same with mean 0 and variance 1 for each image.

    GroupNorm with one group and no weights, as instance norm of one channel: torch writes a
    GroupNorm without weights into ONNX as one that multiplies by 1 and adds 0, and ONNX Runtime
    computes both.
    """

    def __init__(self, eps: float):
        super().__init__()
        self._eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.reshape(x.shape[0], 1, -1)
        return nn.functional.instance_norm(flat, eps=self._eps).reshape(x.shape)


def _fold_norm(norm: nn.Module, layer: nn.Module) -> None:
    """layer(gamma n + beta) -> layer'(n); a convolution is 1x1."""
    layer.bias += layer.weight.flatten(1) @ norm.bias
    layer.weight *= norm.weight.view(1, -1, *[1] * (layer.weight.dim() - 2))


def _fold_block(block: nn.Module) -> None:
    # pool(n) - n of a constant is 0, which cancels beta; gamma commutes with it.
    block.layer_scale1.scale *= block.norm1.weight
    block.norm1 = _Standardise(block.norm1.eps)

    _fold_norm(block.norm2, block.mlp.fc1)
    block.norm2 = _Standardise(block.norm2.eps)

    scale = block.layer_scale2.scale
    block.mlp.fc2.weight *= scale.view(-1, 1, 1, 1)
    block.mlp.fc2.bias *= scale
    block.layer_scale2 = nn.Identity()


def fold(module: nn.Module) -> nn.Module:
    """timm's PoolFormer, changed in place to compute the same with fewer operations."""
    with torch.no_grad():
        for stage in module.stages:
            for block in stage.blocks:
                _fold_block(block)
        _fold_norm(module.head.norm, module.head.fc)
        module.head.norm.weight = module.head.norm.bias = None
    return module
