# The engines that are compared, each behind one call that runs the whole batch.
# SPDX-License-Identifier: Apache-2.0
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from networks import MACS, SIDE, Network
from poolformer_ctypes import Library, Model, Session

SPIN_US = 200  # as in tools/cli/runner.cpp


@dataclass(frozen=True)
class Engine:
    name: str
    title: str
    threads: int
    infer: Callable[[], np.ndarray]  # the network's images -> logits [batch, classes]


def new_session(model: Model, network: Network, threads: int) -> Session:
    """This engine's session for the network's images."""
    spin_us = SPIN_US if threads > 1 else 0
    return model.session(SIDE, SIDE, threads, len(network.images), spin_us)


def _make_poolformer(network: Network, threads: int, library: Path) -> Engine:
    model = Library(library).load(network.folder)
    session = new_session(model, network, threads)
    if session.macs != MACS[network.size]:
        raise SystemExit(f"error: the engine counts {session.macs} MACs in {network.size}")
    title = f"poolformer.cpp ({model.isa})"
    return Engine("poolformer", title, threads, lambda: session.run(network.images))


def _make_poolformer_alone(network: Network, library: Path) -> Engine:
    """The engine with one thread beside itself with several."""
    engine = _make_poolformer(network, 1, library)
    return Engine("poolformer_1_thread", f"{engine.title}, one thread", 1, engine.infer)


def _make_poolformer_one_by_one(network: Network, threads: int, library: Path) -> Engine:
    """The engine with an image at a time beside itself with a batch."""
    one = replace(network, images=network.images[:1])
    model = Library(library).load(network.folder)
    session = new_session(model, one, threads)
    return Engine(
        "poolformer_one_by_one",
        f"poolformer.cpp ({model.isa}), image by image",
        threads,
        lambda: np.concatenate([session.run(image[None]) for image in network.images]),
    )


def _make_onnxruntime(network: Network, threads: int, is_folded: bool) -> Engine:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network.onnx_file(is_folded), options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: network.images}
    name = "onnxruntime_folded" if is_folded else "onnxruntime"
    title = f"ONNX Runtime {onnxruntime.__version__}{', folded export' if is_folded else ''}"
    return Engine(name, title, threads, lambda: session.run(None, feed)[0])


def _make_openvino(network: Network, threads: int) -> Engine:
    # Through this package OpenVINO reports its own import, unasked; without it, it reports nothing.
    sys.modules["openvino_telemetry"] = None
    import openvino

    core = openvino.Core()
    model = core.read_model(network.onnx_file())
    model.reshape(network.images.shape)
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # the whole process is pinned
    }
    request = core.compile_model(model, "CPU", options).create_infer_request()
    request.set_input_tensor(openvino.Tensor(network.images, shared_memory=True))

    def infer() -> np.ndarray:
        request.infer()
        return request.get_output_tensor().data.copy()  # the next run overwrites it

    version = openvino.__version__.partition("-")[0]
    return Engine("openvino", f"OpenVINO {version}", threads, infer)


def _make_pytorch(
    name: str, network: Network, threads: int, is_channels_last: bool, is_compiled: bool = False
) -> Engine:
    import torch

    torch.set_num_threads(threads)
    memory_format = torch.channels_last if is_channels_last else torch.contiguous_format
    module = network.torch_module().to(memory_format=memory_format)
    if is_compiled:
        torch.compiler.reset()  # what was compiled for the network before counts against a limit
        # Freezing makes weights constants, which are then laid out once and not at every call.
        module = torch.compile(module, dynamic=False, options={"freezing": True})
    # The input is laid out beforehand: that is the caller's work, not the engine's.
    images = torch.from_numpy(network.images).contiguous(memory_format=memory_format)

    def infer() -> np.ndarray:
        with torch.inference_mode():
            return module(images).numpy()

    infer()  # torch.compile compiles now, not while others are timed
    layout = "channels last" if is_channels_last else "contiguous"
    how = "torch.compile" if is_compiled else "eager"
    return Engine(name, f"PyTorch {torch.__version__} {how}, {layout}", threads, infer)


def make_engines(names: list[str], network: Network, threads: int, library: Path) -> list[Engine]:
    makers = {
        "poolformer": lambda: _make_poolformer(network, threads, library),
        "onnxruntime": lambda: _make_onnxruntime(network, threads, is_folded=False),
        "onnxruntime_folded": lambda: _make_onnxruntime(network, threads, is_folded=True),
        "openvino": lambda: _make_openvino(network, threads),
        "pytorch": lambda: _make_pytorch("pytorch", network, threads, is_channels_last=False),
        "pytorch_channels_last": lambda: _make_pytorch(
            "pytorch_channels_last", network, threads, is_channels_last=True
        ),
        "pytorch_compile": lambda: _make_pytorch(
            "pytorch_compile", network, threads, is_channels_last=True, is_compiled=True
        ),
    }
    engines = [makers[name]() for name in names]
    if "poolformer" in names and threads > 1:
        engines.append(_make_poolformer_alone(network, library))
    if "poolformer" in names and len(network.images) > 1:
        engines.append(_make_poolformer_one_by_one(network, threads, library))
    return engines
