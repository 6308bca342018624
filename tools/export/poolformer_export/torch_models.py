# The real PyTorch models, filled with neutral weights and run with every block tapped.
# SPDX-License-Identifier: Apache-2.0
from functools import partial
from types import ModuleType

import numpy as np

from poolformer_export import timm_parts, transformers_parts
from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters
from poolformer_export.names import to_dialect
from poolformer_export.pickle_file import to_numpy
from poolformer_export.source import Architecture, Source

_declared_operators: list = []  # torch forgets a declaration when its Library is destroyed


def _import_torchvision() -> None:
    """timm and transformers import torchvision's Python code; none of its operators is used.

    torchvision's compiled part only loads beside the very build of torch that it was made for; a
    wheel made for a CUDA torch does not load beside a CPU torch of the same version. Its import
    then fails, because it describes two operators that nobody has declared. Declaring these two is
    enough for the rest to import. Where the compiled part loads, nothing is changed.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared_operators.append(library)
        import torchvision  # noqa: F401


def import_timm():
    _import_torchvision()
    import timm

    return timm


def import_transformers():
    _import_torchvision()
    import transformers

    return transformers


def _require_architecture(
    architecture: Architecture, model, dialect: str, dialect_parts: ModuleType
) -> None:
    """That the dialect's own model is of that architecture."""
    parts = dialect_parts.live_parts(model)
    parameters = Parameters(dialect, to_numpy(model.state_dict()))
    built = dialect_parts.live_architecture(parts, parameters.shapes())
    if built != architecture:
        wanted = vars(architecture)
        name, has = next((n, v) for n, v in vars(built).items() if v != wanted[n])
        raise ExportError(
            f"{dialect} has no PoolFormer with {name} {wanted[name]}, only with {has}"
        )


def _load(model, dialect: str, architecture: Architecture, tensors: dict[str, np.ndarray]):
    """`model` with its parameters replaced, in evaluation mode."""
    import torch

    state = model.state_dict()
    renamed = {to_dialect(dialect, name): array for name, array in tensors.items()}
    values = {
        name: torch.from_numpy(np.array(array)).reshape(state[name].shape)
        for name, array in renamed.items()
    }
    model.load_state_dict(values, strict=True)
    return model.eval()


def build_timm(architecture: Architecture, tensors: dict[str, np.ndarray]):
    """timm's own model of any depths and channels, with these weights."""
    from poolformer_export.paper_layout import ACTIVATIONS

    timm = import_timm()
    model = timm.models.MetaFormer(
        num_classes=architecture.classes,
        depths=architecture.depths,
        dims=architecture.channels,
        pool_size=architecture.pool_size,
        mlp_act=ACTIVATIONS[architecture.activation],
        mlp_bias=True,
        norm_layers=partial(timm.layers.GroupNorm1, eps=architecture.norm.eps),
        layer_scale_init_values=1e-5 if architecture.has_layer_scale else None,
        res_scale_init_values=None,
        downsample_norm=None,
        output_norm=partial(timm.layers.LayerNorm2d, eps=architecture.head_norm.eps),
        use_mlp_head=False,
    )
    _require_architecture(architecture, model, "timm", timm_parts)
    return _load(model, "timm", architecture, tensors)


def build_transformers(architecture: Architecture, tensors: dict[str, np.ndarray]):
    """transformers' own model of these depths, channels and patch embeddings."""
    transformers = import_transformers()
    kernels, strides, paddings = (list(c) for c in zip(*architecture.embeddings, strict=True))
    config = transformers.PoolFormerConfig(
        depths=list(architecture.depths),
        hidden_sizes=list(architecture.channels),
        patch_sizes=kernels,
        strides=strides,
        padding=paddings,
        pool_size=architecture.pool_size,
        hidden_act=architecture.activation,
        use_layer_scale=architecture.has_layer_scale,
        mlp_ratio=float(architecture.mlp_ratio),
        num_encoder_blocks=len(architecture.depths),
        num_labels=architecture.classes,
    )
    model = transformers.PoolFormerForImageClassification(config)
    _require_architecture(architecture, model, "transformers", transformers_parts)
    return _load(model, "transformers", architecture, tensors)


def build_paper(architecture: Architecture, tensors: dict[str, np.ndarray]):
    from poolformer_export.paper_layout import PaperPoolFormer

    return _load(PaperPoolFormer(architecture), "sail-sg", architecture, tensors)


def build(source: Source):
    """The PyTorch model that a Source came from."""
    if source.architecture.head_order == "pool_norm":
        return build_timm(source.architecture, source.tensors)
    builder = build_transformers if source.dialect == "transformers" else build_paper
    return builder(source.architecture, source.tensors)


def blocks(model) -> dict[str, object]:
    """Every block's module, by its neutral name."""
    if hasattr(model, "stages"):
        stages = [stage.blocks for stage in model.stages]
    elif hasattr(model, "poolformer"):
        stages = list(model.poolformer.encoder.block)
    else:
        stages = list(model.network)[::2]
    return {f"s{i}.b{j}": block for i, s in enumerate(stages) for j, block in enumerate(s)}


def run(model, images: np.ndarray, dtype: str = "float32") -> np.ndarray:
    """Logits of a batch, as plain eager PyTorch computes them on contiguous tensors."""
    import torch

    with torch.inference_mode():
        output = model(torch.from_numpy(np.ascontiguousarray(images, dtype)))
    return getattr(output, "logits", output).numpy()


def run_tapped(
    model, image: np.ndarray, dtype: str = "float32"
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Logits [classes] and every block's output [channels, height, width] of one image."""
    taps: dict[str, np.ndarray] = {}

    def hook(name: str):
        def keep(_module, _inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            taps[name] = value[0].numpy()

        return keep

    handles = [block.register_forward_hook(hook(name)) for name, block in blocks(model).items()]
    try:
        logits = run(model, image[None], dtype)
    finally:
        for handle in handles:
            handle.remove()
    return logits[0], taps
