# SPDX-License-Identifier: Apache-2.0
"""Muon: momentum whose update is made orthogonal, for the weight matrices of hidden layers."""

from collections.abc import Iterable
from concurrent.futures import Executor

import torch
from torch import Tensor


def orthogonalize(matrix: Tensor, dtype: torch.dtype, num_iterations: int = 5) -> Tensor:
    """Moves all singular values near 1 with a quintic Newton-Schulz iteration in `dtype`.

    bfloat16 is exact enough, and on a CPU without its instructions twenty times slower.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.to(dtype)
    is_tall = x.shape[0] > x.shape[1]
    if is_tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(num_iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if is_tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalized; a convolution counts as a [out, in * kh * kw] matrix.

    The matrices are independent of each other: the executor's threads share them out.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        executor: Executor,
        dtype: torch.dtype,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ):
        largest_first = sorted(params, key=lambda param: -param.numel())
        super().__init__(
            largest_first, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        )
        self.executor = executor
        self.dtype = dtype

    @torch.no_grad()
    def _update(self, param: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
        state = self.state[param]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(param)
        buffer = state["momentum"].lerp_(param.grad, 1 - momentum)
        update = param.grad.lerp(buffer, momentum).flatten(1)
        scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        param.mul_(1 - lr * weight_decay)
        param.add_(orthogonalize(update, self.dtype).view(param.shape), alpha=-lr * scale)

    def step(self) -> None:
        jobs = [
            self.executor.submit(
                self._update, param, group["lr"], group["momentum"], group["weight_decay"]
            )
            for group in self.param_groups
            for param in group["params"]
        ]
        for job in jobs:
            job.result()
