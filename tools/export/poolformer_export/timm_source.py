# Readers of timm's PoolFormers: a live model, a hub name, or a local folder.
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

from poolformer_export.config_file import (
    get,
    get_list,
    read_json,
    read_weights,
    require,
    require_agreement,
    resized_side,
)
from poolformer_export.errors import ExportError
from poolformer_export.layout import Parameters, Shapes
from poolformer_export.pickle_file import to_numpy
from poolformer_export.source import (
    PUBLISHED,
    PUBLISHED_EMBEDDINGS,
    TIMM_HEAD_NORM,
    Architecture,
    Preprocessing,
    Source,
)
from poolformer_export.timm_parts import live_architecture, live_parts

# Arguments of timm's constructor that are checked, or say nothing about inference.
_UNDERSTOOD_ARGUMENTS = {
    "in_chans",
    "global_pool",
    "pool_size",
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
    size = get_list(where, config, "input_size", int, 3)
    if size[0] != 3 or size[1] != size[2]:
        raise ExportError(f'{where}: "input_size" is {size}, expected [3, N, N]')
    return Preprocessing(
        size=size[1],
        resize=resized_side(where, size[1], get(where, config, "crop_pct", float)),
        crop_rounding="half_even",
        mean=tuple(get_list(where, config, "mean", float, 3)),
        std=tuple(get_list(where, config, "std", float, 3)),
    )


def _labels(where: str, config: dict, classes: int) -> list[str]:
    key = "label_names" if "label_names" in config else "labels"
    names = get_list(where, config, key, str, default=[])
    descriptions = get(where, config, "label_descriptions", dict, {})
    if names and len(names) != classes:
        raise ExportError(f"{where}: {len(names)} label names for {classes} classes")
    return [get(f"{where}: label_descriptions", descriptions, name, str, name) for name in names]


def _refuse_contradiction(where: str, config: dict, arguments: dict, shapes: Shapes) -> None:
    """Between config.json and the parameters; `arguments` are its model_args."""
    size = config["architecture"].removeprefix("poolformer_")
    if size not in PUBLISHED:
        raise ExportError(f'{where}: "architecture" poolformer_{size} is none of timm')
    depths, dims = map(list, PUBLISHED[size])
    told = {
        "num_classes": shapes.classes,
        "depths": list(shapes.depths),
        "dims": list(shapes.channels),
    }
    require_agreement(where, config, {"num_classes": shapes.classes})
    network = {"depths": depths, "dims": dims, **arguments}
    require_agreement(f"{where}: poolformer_{size} with its model_args", network, told)


def _arguments(where: str, config: dict) -> dict:
    arguments = get(where, config, "model_args", dict, {})
    require(f"{where}: model_args", arguments, {"in_chans": 3, "global_pool": "avg"})
    unknown = sorted(set(arguments) - _UNDERSTOOD_ARGUMENTS)
    if unknown:
        raise ExportError(f'{where}: model_args "{unknown[0]}" is not understood')
    return arguments


def _read_folder(folder: Path) -> Source:
    where = str(folder / "config.json")
    config = read_json(folder / "config.json")
    _refuse_other_architectures(where, get(where, config, "architecture", str))
    # Old files hold the fields of pretrained_cfg at the top level.
    settings = {**config, **get(where, config, "pretrained_cfg", dict, {})}
    require(where, config, {"global_pool": "avg"})
    arguments = _arguments(where, config)
    parameters = Parameters("timm", read_weights(folder))
    shapes = parameters.shapes()
    _refuse_contradiction(where, config, arguments, shapes)
    architecture = Architecture(
        embeddings=_embeddings(shapes.channels),
        depths=shapes.depths,
        channels=shapes.channels,
        classes=shapes.classes,
        mlp_ratio=shapes.mlp_ratio,
        pool_size=get(f"{where}: model_args", arguments, "pool_size", int, 3),
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
    config = {key: value for key, value in model.pretrained_cfg.items() if value is not None}
    name = config.get("architecture", "")
    where = f"timm model {name}"
    _refuse_other_architectures(where, name)
    parts = live_parts(model)
    parameters = Parameters("timm", to_numpy(model.state_dict()))
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
