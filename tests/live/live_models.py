# The real PyTorch models with random weights that leave no parameter without effect.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from pathlib import Path

from poolformer_export import torch_models
from poolformer_export.paper_layout import PaperPoolFormer
from poolformer_export.random_source import published_architecture
from poolformer_export.sail_source import read_sail_sg
from poolformer_export.source import PUBLISHED_CROP_PCT, Source
from poolformer_export.timm_source import from_timm_model
from poolformer_export.transformers_source import from_transformers_model


@dataclass
class LiveModel:
    """A torch module, and what the exporter makes of it."""

    module: object
    source: Source


def randomise(module) -> None:
    """Vectors (norms, biases, layer scales) start as constants: give them values that matter."""
    import torch

    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim != 1:
                continue
            low, high = (-0.1, 0.1) if name.endswith("bias") else (0.5, 1.5)
            parameter.uniform_(low, high, generator=generator)


def transformers_processor(size: str):
    """transformers' own image processor with its PIL back end, with the published settings."""
    transformers = torch_models.import_transformers()
    module = transformers.models.poolformer.image_processing_pil_poolformer
    return module.PoolFormerImageProcessorPil(crop_pct=PUBLISHED_CROP_PCT[size])


def _timm(size: str, _folder: Path) -> LiveModel:
    module = torch_models.import_timm().create_model(f"poolformer_{size}").eval()
    randomise(module)
    return LiveModel(module, from_timm_model(module, "live timm"))


def _transformers(size: str, _folder: Path) -> LiveModel:
    transformers = torch_models.import_transformers()
    architecture = published_architecture(size)
    config = transformers.PoolFormerConfig(
        depths=list(architecture.depths), hidden_sizes=list(architecture.channels), num_labels=1000
    )
    module = transformers.PoolFormerForImageClassification(config).eval()
    randomise(module)
    processor = transformers_processor(size).to_dict()
    return LiveModel(module, from_transformers_model(module, processor, "live transformers"))


def _paper(size: str, folder: Path) -> LiveModel:
    """Through a checkpoint file, as the paper's authors publish theirs."""
    import torch

    module = PaperPoolFormer(published_architecture(size)).eval()
    randomise(module)
    path = folder / f"poolformer_{size}.pth.tar"
    torch.save(module.state_dict(), path)
    source = read_sail_sg(path)
    path.unlink()
    return LiveModel(module, source)


MAKERS = {"timm": _timm, "transformers": _transformers, "paper": _paper}


def make(kind: str, size: str, folder: Path) -> LiveModel:
    import torch

    torch.manual_seed(0)
    return MAKERS[kind](size, folder)
