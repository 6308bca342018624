# The engines that are compared, each behind one call that runs the whole batch.
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import MACS, SIDE, Network
from poolformer_ctypes import Library


@dataclass(frozen=True)
class Engine:
    name: str
    title: str
    threads: int
    infer: Callable[[], np.ndarray]  # the network's images -> logits [batch, classes]


def _make_poolformer(network: Network, threads: int, library: Path) -> Engine:
    model = Library(library).load(network.folder)
    session = model.session(SIDE, SIDE, threads)
    if session.macs != MACS[network.size]:
        raise SystemExit(f"error: the engine counts {session.macs} MACs in {network.size}")
    title = f"poolformer.cpp ({model.isa})"
    return Engine("poolformer", title, threads, lambda: session.run(network.images))


def _make_poolformer_alone(network: Network, library: Path) -> Engine:
    """The engine with one thread beside itself with several."""
    engine = _make_poolformer(network, 1, library)
    return Engine("poolformer_1_thread", f"{engine.title}, one thread", 1, engine.infer)


def _make_onnxruntime(network: Network, threads: int) -> Engine:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network.onnx_file, options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: network.images}
    title = f"ONNX Runtime {onnxruntime.__version__}"
    return Engine("onnxruntime", title, threads, lambda: session.run(None, feed)[0])


def _make_pytorch(network: Network, threads: int, is_channels_last: bool) -> Engine:
    import torch

    torch.set_num_threads(threads)
    memory_format = torch.channels_last if is_channels_last else torch.contiguous_format
    module = network.torch_module().to(memory_format=memory_format)
    # The input is laid out beforehand: that is the caller's work, not the engine's.
    images = torch.from_numpy(network.images).contiguous(memory_format=memory_format)

    def infer() -> np.ndarray:
        with torch.inference_mode():
            return module(images).numpy()

    layout = "channels last" if is_channels_last else "contiguous"
    name = "pytorch_channels_last" if is_channels_last else "pytorch"
    return Engine(name, f"PyTorch {torch.__version__} eager, {layout}", threads, infer)


def make_engines(names: list[str], network: Network, threads: int, library: Path) -> list[Engine]:
    makers = {
        "poolformer": lambda: _make_poolformer(network, threads, library),
        "onnxruntime": lambda: _make_onnxruntime(network, threads),
        "pytorch": lambda: _make_pytorch(network, threads, is_channels_last=False),
        "pytorch_channels_last": lambda: _make_pytorch(network, threads, is_channels_last=True),
    }
    engines = [makers[name]() for name in names]
    if "poolformer" in names and threads > 1:
        engines.append(_make_poolformer_alone(network, library))
    return engines
