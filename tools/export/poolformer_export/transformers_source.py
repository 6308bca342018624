# Readers of Hugging Face transformers' PoolFormers: a live model, a hub name, or a local folder.
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from poolformer_export.config_file import (
    get,
    get_list,
    read_json,
    read_weights,
    require,
    require_agreement,
)
from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters, Shapes
from poolformer_export.pickle_file import to_numpy
from poolformer_export.source import (
    PUBLISHED_CROP_PCT,
    Architecture,
    Source,
    published_size,
)
from poolformer_export.transformers_parts import live_architecture, live_parts
from poolformer_export.transformers_processor import read_preprocessing

# What transformers assumes for a field that its files leave out.
_CONFIG_DEFAULTS = {
    "depths": [2, 2, 6, 2],
    "hidden_sizes": [64, 128, 320, 512],
    "num_encoder_blocks": 4,
    "pool_size": 3,
    "mlp_ratio": 4.0,
    "patch_sizes": [7, 3, 3, 3],
    "strides": [4, 2, 2, 2],
    "padding": [2, 1, 1, 1],
    "hidden_act": "gelu",
    "use_layer_scale": True,
}
_WINDOWS = ("patch_sizes", "strides", "padding")
_ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "silu": "silu", "swish": "silu"}


def read_transformers(name: str) -> Source:
    """A local folder if there is one of that name, else a name for from_pretrained."""
    if Path(name).is_dir():
        return _read_folder(Path(name))
    from poolformer_export.torch_models import import_transformers

    return load_pretrained(import_transformers(), name)


def load_pretrained(transformers, name: str) -> Source:
    """What from_pretrained makes of a name, unless it left parameters as they were or out."""
    try:
        model, found = transformers.PoolFormerForImageClassification.from_pretrained(
            name, output_loading_info=True, ignore_mismatched_sizes=True
        )
        processor = transformers.AutoImageProcessor.from_pretrained(name)
    except Exception as error:
        words = f'"{name}" is no folder, and transformers cannot load it'
        raise ExportError(f"{words}: {error}") from None
    for problem in ("missing", "mismatched", "unexpected"):
        keys = found[f"{problem}_keys"]  # of a mismatch, beside both its shapes
        parameters = sorted(key if isinstance(key, str) else key[0] for key in keys)
        if parameters:
            raise ExportError(f'{name}: parameter "{parameters[0]}" is {problem}')
    origin = f"transformers {transformers.__version__} {name}"
    return from_transformers_model(model, processor.to_dict(), origin)


def from_transformers_model(model, processor: dict | None, origin: str) -> Source:
    """A live PoolFormerForImageClassification. Without `processor` (the fields of
    preprocessor_config.json) the size must be a published one, whose settings are known."""
    parts = live_parts(model)
    parameters = Parameters("transformers", to_numpy(model.state_dict()))
    architecture = live_architecture(parts, parameters.shapes())
    size = published_size(architecture.depths, architecture.channels)
    if processor is None:
        if size is None:
            raise ExportError("a PoolFormer of unpublished size needs its image processor")
        processor = {"crop_pct": PUBLISHED_CROP_PCT[size]}
    name = f"poolformer_{size}" if size else "poolformer"
    return _source(name, origin, architecture, parameters, model.config.to_dict(), processor)


def _read_folder(folder: Path) -> Source:
    config = read_json(folder / "config.json")
    processor = read_json(folder / "preprocessor_config.json")
    parameters = Parameters("transformers", read_weights(folder))
    architecture = _described_architecture(config, parameters.shapes())
    origin = f"transformers folder {folder.name}"
    return _source(folder.name, origin, architecture, parameters, config, processor)


def _described_architecture(config: dict, shapes: Shapes) -> Architecture:
    where = "config.json"
    require(where, config, {"model_type": "poolformer", "num_channels": 3})
    config = {**_CONFIG_DEFAULTS, **config}
    _refuse_contradiction(where, config, shapes)
    activation = get(where, config, "hidden_act", str)
    if activation not in _ACTIVATIONS:
        raise ExportError(f'{where}: "hidden_act" {activation!r} is not supported')
    num_stages = len(shapes.depths)
    windows = (get_list(where, config, key, int, num_stages) for key in _WINDOWS)
    return Architecture(
        embeddings=tuple(zip(*windows, strict=True)),
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
        mlp_ratio=shapes.mlp_ratio,
        pool_size=get(where, config, "pool_size", int),
        activation=_ACTIVATIONS[activation],
        has_layer_scale=shapes.has_layer_scale,
    )


def _refuse_contradiction(where: str, config: dict, shapes: Shapes) -> None:
    told = {
        "depths": list(shapes.depths),
        "hidden_sizes": list(shapes.channels),
        "patch_sizes": list(shapes.kernels),
        "num_encoder_blocks": len(shapes.depths),
        "mlp_ratio": shapes.mlp_ratio,
        "use_layer_scale": shapes.has_layer_scale,
        "num_labels": shapes.classes,
    }
    require_agreement(where, config, told)


def _source(
    name: str,
    origin: str,
    architecture: Architecture,
    parameters: Parameters,
    config: dict,
    processor: dict,
) -> Source:
    return Source(
        name=name,
        dialect="transformers",
        origin=origin,
        architecture=architecture,
        preprocessing=read_preprocessing(processor),
        tensors=parameters.check(architecture),
        labels=_labels(config, architecture.classes),
    )


def _labels(config: dict, classes: int) -> list[str]:
    """The names of id2label; those that transformers makes up (LABEL_0, ...) are none."""
    if config.get("id2label") is None:
        return []
    where = "config.json"
    labels = get(where, config, "id2label", dict)
    names = {str(key): get(f"{where}: id2label", labels, key, str) for key in labels}
    expected = [str(index) for index in range(classes)]
    if names and set(names) != set(expected):
        raise ExportError(
            f'config.json: "id2label" has the keys {_shortened(list(names))}, the classifier '
            f"{classes} classes, so expected 0 to {classes - 1}; correct or remove it"
        )
    if all(label == f"LABEL_{key}" for key, label in names.items()):
        return []
    return [names[key] for key in expected]


def _shortened(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:3], "...", names[-1]])
