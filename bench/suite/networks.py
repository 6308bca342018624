# The networks that are compared: published sizes with hash weights, for every engine.
# SPDX-License-Identifier: Apache-2.0
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_folder import read_model_folder
from poolformer_export import torch_models
from poolformer_export.hash_weights import hash_input
from poolformer_export.random_source import random_source
from poolformer_export.write import write_model

SIDE = 224
SEED = 1

# Multiply-accumulates of convolutions and linear layers for one image of 224x224, exactly.
MACS = {
    "s12": 1_812_267_008,
    "s24": 3_392_208_896,
    "s36": 4_972_150_784,
    "m36": 8_758_788_096,
    "m48": 11_533_320_192,
}


@dataclass(frozen=True)
class Network:
    size: str
    folder: Path  # model.json and model.safetensors
    onnx_file: Path
    images: np.ndarray  # [batch, 3, SIDE, SIDE]

    @property
    def operations(self) -> int:
        """Floating-point operations of one run; a multiply-accumulate is two."""
        return 2 * MACS[self.size] * len(self.images)

    def torch_module(self):
        """timm's own model with these weights."""
        return torch_models.build(read_model_folder(self.folder))


def prepare(size: str, batch: int, cache: Path) -> Network:
    """The network from the cache folder, put there first if need be."""
    import torch

    folder = cache / f"poolformer_{size}_seed{SEED}"
    if not folder.exists():
        write_model(random_source(size, SEED, head_order="pool_norm"), folder)
    timm_version = torch_models.import_timm().__version__
    versions = f"torch{torch.__version__}_timm{timm_version}"
    onnx_folder = cache / f"{folder.name}_batch{batch}_{versions}"
    images = np.stack([hash_input(index, SIDE, SIDE) for index in range(batch)])
    network = Network(size, folder, onnx_folder / "model.onnx", images)
    if not onnx_folder.exists():
        _export_onnx(network, onnx_folder)
    return network


def _export_onnx(network: Network, folder: Path) -> None:
    """A plain export: torch's default exporter and operator set, nothing rewritten by hand."""
    import torch

    partial = Path(tempfile.mkdtemp(prefix=".onnx-", dir=folder.parent))
    try:
        inputs = (torch.from_numpy(network.images),)
        file = partial / network.onnx_file.name
        torch.onnx.export(network.torch_module(), inputs, file, verbose=False)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
