# The networks that are compared: published sizes with hash weights, for every engine.
# SPDX-License-Identifier: Apache-2.0
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from agreement import demand_agreement
from model_folder import read_model_folder
from poolformer_export import torch_models
from poolformer_export.hash_weights import hash_input
from poolformer_export.random_source import random_source
from poolformer_export.write import write_model

SIDE = 224
SEED = 1
ONNX_NAME = "model.onnx"

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
    images: np.ndarray  # [batch, 3, SIDE, SIDE]

    @property
    def operations(self) -> int:
        """Floating-point operations of one run; a multiply-accumulate is two."""
        return 2 * MACS[self.size] * len(self.images)

    def torch_module(self):
        """timm's own model with these weights."""
        return torch_models.build(read_model_folder(self.folder))

    def onnx_file(self, is_folded: bool = False) -> Path:
        """The network for these images from the cache folder, exported first if need be."""
        import torch

        timm_version = torch_models.import_timm().__version__
        versions = f"torch{torch.__version__}_timm{timm_version}"
        suffix = "_folded" if is_folded else ""
        name = f"{self.folder.name}_batch{len(self.images)}_{versions}{suffix}"
        folder = self.folder.with_name(name)
        if not folder.exists():
            module = _folded_module(self) if is_folded else self.torch_module()
            _export_onnx(module, self.images, folder)
        return folder / ONNX_NAME


def prepare(size: str, batch: int, cache: Path) -> Network:
    """The network from the cache folder, put there first if need be."""
    folder = cache / f"poolformer_{size}_seed{SEED}"
    if not folder.exists():
        write_model(random_source(size, SEED, head_order="pool_norm"), folder)
    images = np.stack([hash_input(index, SIDE, SIDE) for index in range(batch)])
    return Network(size, folder, images)


def _folded_module(network: Network):
    from folding import fold

    folded = fold(network.torch_module())
    demand_agreement(
        "the folded module",
        torch_models.run(folded, network.images),
        "the plain one",
        torch_models.run(network.torch_module(), network.images),
    )
    return folded


def _export_onnx(module, images: np.ndarray, folder: Path) -> None:
    """A plain export: torch's default exporter and operator set, nothing in the file rewritten."""
    import torch

    partial = Path(tempfile.mkdtemp(prefix=".onnx-", dir=folder.parent))
    try:
        torch.onnx.export(module, (torch.from_numpy(images),), partial / ONNX_NAME, verbose=False)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
