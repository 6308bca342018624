# Readers of timm's PoolFormers: a live model, a hub name, or a local folder.
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

from poolformer_export.config_file import (
    read_json,
    read_weights,
    require,
    resized_side,
    three_numbers,
)
from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters
from poolformer_export.sail_source import to_numpy
from poolformer_export.source import (
    PUBLISHED_EMBEDDINGS,
    TIMM_HEAD_NORM,
    Architecture,
    Preprocessing,
    Source,
)
from poolformer_export.timm_parts import live_architecture, live_parts

# Arguments of timm's constructor that say nothing the shapes do not, or nothing about inference.
_HARMLESS_ARGUMENTS = {
    "depths",
    "dims",
    "num_classes",
    "drop_rate",
    "drop_path_rate",
    "proj_drop_rate",
    "layer_scale_init_values",
}


def read_timm(name: str) -> Source:
    """A local folder if there is one of that name, else a name for timm.create_model."""
    if Path(name).is_dir():
        return _read_folder(Path(name))
    from poolformer_export.torch_models import import_timm

    timm = import_timm()
    try:
        model = timm.create_model(name, pretrained=True)
    except Exception as error:
        raise ExportError(f'"{name}" is no folder, and timm cannot create it: {error}') from None
    return from_timm_model(model.eval(), f"timm {timm.__version__} {name}")


def _refuse_other_architectures(where: str, name: str) -> None:
    if name.startswith("poolformerv2"):
        raise ExportError(f'{where}: "{name}" is a PoolFormerV2, which is not supported')
    if not re.fullmatch(r"poolformer_[a-z0-9]+", name):
        raise ExportError(f'{where}: architecture "{name}" is not a PoolFormer')


def _preprocessing(where: str, config: dict) -> Preprocessing:
    require(where, config, {"interpolation": "bicubic", "crop_mode": "center"})
    size = config.get("input_size")
    if not isinstance(size, (list, tuple)) or len(size) != 3 or size[0] != 3 or size[1] != size[2]:
        raise ExportError(f'{where}: "input_size" is {size!r}, expected [3, N, N]')
    return Preprocessing(
        size=size[1],
        resize=resized_side(where, size[1], config.get("crop_pct")),
        crop_rounding="half_even",
        mean=three_numbers(where, config, "mean"),
        std=three_numbers(where, config, "std"),
    )


def _labels(where: str, config: dict, classes: int) -> list[str]:
    names = config.get("label_names") or config.get("labels") or []
    descriptions = config.get("label_descriptions") or {}
    if not names:
        return []
    if len(names) != classes:
        raise ExportError(f"{where}: {len(names)} label names for {classes} classes")
    return [str(descriptions.get(name, name)) for name in names]


def _read_folder(folder: Path) -> Source:
    config = read_json(folder / "config.json")
    where = str(folder / "config.json")
    _refuse_other_architectures(where, str(config.get("architecture")))
    # Old files hold the fields of pretrained_cfg at the top level.
    settings = {**config, **(config.get("pretrained_cfg") or {})}
    require(where, config, {"global_pool": "avg"})
    arguments = dict(config.get("model_args") or {})
    require(f"{where}: model_args", arguments, {"in_chans": 3, "global_pool": "avg"})
    pool_size = arguments.get("pool_size", 3)
    understood = _HARMLESS_ARGUMENTS | {"in_chans", "global_pool", "pool_size"}
    unknown = sorted(set(arguments) - understood)
    if unknown:
        raise ExportError(f'{where}: model_args "{unknown[0]}" is not understood')

    parameters = Parameters("timm", read_weights(folder))
    shapes = parameters.shapes()
    architecture = Architecture(
        embeddings=_embeddings(shapes.channels),
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
        mlp_ratio=shapes.mlp_ratio,
        pool_size=pool_size,
        has_layer_scale=shapes.has_layer_scale,
        head_order="pool_norm",
        head_norm=TIMM_HEAD_NORM,
    )
    return Source(
        name=config["architecture"],
        dialect="timm",
        origin=f"timm folder {folder.name} {settings.get('tag') or ''}".strip(),
        architecture=architecture,
        preprocessing=_preprocessing(where, settings),
        tensors=parameters.check(architecture),
        labels=_labels(where, settings, shapes.classes),
    )


def _embeddings(channels: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """timm's fixed ones: the stem's and one in front of every further stage."""
    return (PUBLISHED_EMBEDDINGS[0],) + (PUBLISHED_EMBEDDINGS[1],) * (len(channels) - 1)


def from_timm_model(model, origin: str) -> Source:
    """A live timm model, built by timm.create_model."""
    config = model.pretrained_cfg
    name = config.get("architecture") or ""
    where = f"timm model {name}"
    _refuse_other_architectures(where, name)
    parts = live_parts(model)
    raw = {key: to_numpy(value) for key, value in model.state_dict().items()}
    parameters = Parameters("timm", raw)
    shapes = parameters.shapes()
    architecture = live_architecture(parts, shapes)
    return Source(
        name=name,
        dialect="timm",
        origin=origin,
        architecture=architecture,
        preprocessing=_preprocessing(where, config),
        tensors=parameters.check(architecture),
        labels=_labels(where, config, shapes.classes),
    )
