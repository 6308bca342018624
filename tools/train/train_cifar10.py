# SPDX-License-Identifier: Apache-2.0
"""Trains a small PoolFormer on CIFAR-10 on the CPU; resumable, and ends on time."""

import argparse
import math
import os
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from checkpoint import read_checkpoint, write_checkpoint
from data import augment, load_cifar10, normalize
from model import PoolFormer, PoolFormerConfig
from muon import Muon

# (progress up to which it holds, training image size): cheap small images first.
RESOLUTIONS = ((0.55, 24), (0.8, 28), (1.01, 32))
# Augmentation is at full strength until this progress, then fades so that the last images
# look like test images.
FADE_FROM = 0.7


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--archive", type=Path, help="tar of {train,test}/CLASS/NNNN.jpg; needed once")
    add("--cache", type=Path, required=True, help="decoded images, .npz; made if missing")
    add("--out", type=Path, required=True, help="checkpoint to write after every epoch")
    add("--resume", action="store_true", help="go on from OUT.state, if there is one")
    add("--start-from", type=Path, help="checkpoint to start from instead of random weights")
    add("--epochs", type=int, default=24, help="passes over the 50,000 training images")
    add("--minutes", type=float, default=math.inf, help="anneal to zero within this wall time")
    add("--batch", type=int, default=200, help="images per step")
    add("--part", type=int, default=50, help="images of a batch that one thread takes at a time")
    add("--muon-lr", type=float, default=0.02, help="peak rate of hidden weight matrices")
    add("--adam-lr", type=float, default=2e-3, help="peak rate of all other parameters")
    add("--weight-decay", type=float, default=0.05, help="decay of weight matrices")
    add("--warm-up", type=float, default=0.03, help="share of the run with a rising rate")
    add("--label-smoothing", type=float, default=0.1)
    add("--ema-decay", type=float, default=0.996, help="per step, of the averaged weights")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=os.cpu_count(), help="worker threads")
    add(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        default=torch.cpu.get_capabilities().get("avx512_bf16", False),
        help="compute in bfloat16; by default where the CPU has instructions for it",
    )
    return parser.parse_args()


@dataclass
class Progress:
    """How far the run is; the larger of its two shares drives the schedule."""

    num_steps: int
    seconds_allowed: float
    steps: int = 0
    seconds_before: float = 0.0
    started: float = 0.0

    def seconds(self) -> float:
        return self.seconds_before + time.time() - self.started

    def share(self) -> float:
        return min(1.0, max(self.steps / self.num_steps, self.seconds() / self.seconds_allowed))

    def rate(self, warm_up: float) -> float:
        """Factor on the peak learning rates: linear up, then linear down to zero."""
        share = self.share()
        if share < warm_up:
            return max(share, 1 / self.num_steps) / warm_up
        return (1 - share) / (1 - warm_up)


def make_optimizers(
    model: nn.Module, args: argparse.Namespace, executor: Executor
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the network, AdamW for stem, head, norms, scales and biases."""
    matrices, edges, vectors = [], [], []
    for name, param in model.named_parameters():
        if param.ndim == 1:
            vectors.append(param)
        elif name.startswith("network."):
            matrices.append(param)
        else:
            edges.append(param)
    adam_groups = [
        {"params": edges, "weight_decay": args.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    dtype = torch.bfloat16 if args.bfloat16 else torch.float32
    optimizers = [
        Muon(matrices, args.muon_lr, executor, dtype, weight_decay=args.weight_decay),
        torch.optim.AdamW(adam_groups, args.adam_lr, betas=(0.9, 0.98)),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def add_gradients(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    size: int,
    strength: float,
    step: int,
    args: argparse.Namespace,
    executor: Executor,
) -> float:
    """Sets the gradients of one batch and returns its loss.

    Threads take the batch part by part, each running its part alone: on a shared machine a
    preempted thread then holds up its own part, not every operation. Seeds belong to parts and
    the sum is in order, so the result does not depend on which thread took what.
    """
    params = list(model.parameters())

    def run_part(index: int, x: torch.Tensor, y: torch.Tensor) -> tuple[float, tuple]:
        generator = torch.Generator().manual_seed((args.seed << 40) + (step << 10) + index)
        x = normalize(augment(x, size, strength, generator))
        # The cache of cast weights is shared by all threads: off.
        with torch.autocast(
            "cpu", torch.bfloat16, enabled=args.bfloat16, cache_enabled=False
        ):
            logits = model(x)
        loss = F.cross_entropy(
            logits.float(), y, label_smoothing=args.label_smoothing, reduction="sum"
        )
        loss = loss / len(images)
        return loss.item(), torch.autograd.grad(loss, params)

    image_parts, label_parts = images.split(args.part), labels.split(args.part)
    parts = list(executor.map(run_part, range(len(image_parts)), image_parts, label_parts))
    total = list(parts[0][1])
    for _, gradients in parts[1:]:
        torch._foreach_add_(total, gradients)
    for param, gradient in zip(params, total, strict=True):
        param.grad = gradient
    return sum(loss for loss, _ in parts)


def accuracy(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    executor: Executor,
    bfloat16: bool = False,
) -> float:
    """Share of images whose largest logit is at the label."""

    @torch.no_grad()
    def count_right(x: torch.Tensor, y: torch.Tensor) -> int:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16, cache_enabled=False):
            return int((model(normalize(x)).argmax(1) == y).sum())

    return sum(executor.map(count_right, images.split(100), labels.split(100))) / len(images)


def save_state(path: Path, state: dict[str, object]) -> None:
    partial = path.with_name(path.name + ".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # the executor's threads are all the parallelism there is
    executor = ThreadPoolExecutor(args.threads, initializer=torch.set_num_threads, initargs=(1,))
    data = load_cifar10(args.archive, args.cache)
    images, labels = data["train_images"], data["train_labels"]
    if args.start_from is None:
        model = PoolFormer(PoolFormerConfig())
    else:
        model = read_checkpoint(args.start_from)[0].train()
    model = model.to(memory_format=torch.channels_last)
    config = model.config
    averaged = PoolFormer(config).to(memory_format=torch.channels_last).eval()
    averaged.load_state_dict(model.state_dict())
    optimizers = make_optimizers(model, args, executor)
    num_params = sum(p.numel() for p in model.parameters())
    print(f"{config}\n{num_params} parameters, {args.threads} threads", flush=True)

    steps_per_epoch = len(images) // args.batch
    progress = Progress(args.epochs * steps_per_epoch, args.minutes * 60)
    generator = torch.Generator().manual_seed(args.seed)
    epoch = 0
    state_path = args.out.with_name(args.out.name + ".state")
    if args.resume and state_path.exists():
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        generator.set_state(state["generator"])
        epoch, progress.steps, progress.seconds_before = state["where"]
        print(f"resumed after epoch {epoch}", flush=True)
    progress.started = time.time()

    while progress.share() < 1:
        order = torch.randperm(len(images), generator=generator)
        loss_sum, epoch_steps = 0.0, 0
        for chosen in order[: steps_per_epoch * args.batch].split(args.batch):
            rate = progress.rate(args.warm_up)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak_lr"] * rate
            share = progress.share()
            size = next(size for until, size in RESOLUTIONS if share < until)
            strength = min(1.0, 1 - 0.75 * (share - FADE_FROM) / (1 - FADE_FROM))
            loss_sum += add_gradients(
                model,
                images[chosen],
                labels[chosen],
                size,
                strength,
                progress.steps,
                args,
                executor,
            )
            for optimizer in optimizers:
                optimizer.step()
            progress.steps += 1
            decay = min(args.ema_decay, (1 + progress.steps) / (10 + progress.steps))
            with torch.no_grad():
                torch._foreach_lerp_(
                    list(averaged.parameters()), list(model.parameters()), 1 - decay
                )
            epoch_steps += 1
            if epoch_steps % 50 == 0:
                eta = progress.seconds() * (1 / max(progress.share(), 1e-9) - 1)
                print(
                    f"  step {progress.steps}/{progress.num_steps} size {size} "
                    f"loss {loss_sum / epoch_steps:.4f} rate {rate:.4f} "
                    f"elapsed {progress.seconds():.0f} s, eta {eta / 60:.1f} min",
                    flush=True,
                )
            if progress.share() >= 1:
                break
        epoch += 1
        # The test set is sorted by class; a fifth of it is enough to watch the run.
        is_last = progress.share() >= 1
        stride = 1 if is_last else 5
        test = accuracy(
            averaged,
            data["test_images"][::stride],
            data["test_labels"][::stride],
            executor,
            bfloat16=args.bfloat16 and not is_last,
        )
        print(
            f"epoch {epoch} loss {loss_sum / epoch_steps:.4f} test {test:.4f} "
            f"({len(data['test_images'][::stride])} images) elapsed {progress.seconds():.0f} s",
            flush=True,
        )
        notes = {
            "epochs": epoch,
            "steps": progress.steps,
            "test_accuracy": test,
            "test_images": len(data["test_images"][::stride]),
            "weights": f"moving average, decay {args.ema_decay}",
            "parameters": num_params,
        }
        write_checkpoint(args.out, config, averaged.state_dict(), notes)
        save_state(
            state_path,
            {
                "model": model.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "generator": generator.get_state(),
                "where": (epoch, progress.steps, progress.seconds()),
            },
        )


if __name__ == "__main__":
    main()
