# The pre-processing that the fields of a PoolFormerImageProcessor of transformers describe.
# SPDX-License-Identifier: Apache-2.0
from reprlib import repr as shortened

from poolformer_export.config_file import get, get_list, require, resized_side
from poolformer_export.errors import ExportError
from poolformer_export.source import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

BICUBIC = 3  # PIL's number
# What transformers assumes for a field that its files leave out.
_DEFAULTS = {
    "size": 224,
    "crop_size": 224,
    "crop_pct": 0.9,
    "rescale_factor": 1 / 255,
    "image_mean": IMAGENET_MEAN,
    "image_std": IMAGENET_STD,
}
# The keys of a size, as transformers understands them.
_SHORTER_SIDE = ("shortest_edge",)
_SQUARE = ("height", "width")


def read_preprocessing(processor: dict) -> Preprocessing:
    """`processor`: the fields of preprocessor_config.json."""
    where = "preprocessor_config.json"
    steps = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
    fixed = {"resample": BICUBIC, "default_to_square": False, **dict.fromkeys(steps, True)}
    require(where, processor, fixed)
    _refuse_other_processors(where, processor)
    fields = {**_DEFAULTS, **processor}
    rescale = get(where, fields, "rescale_factor", float)
    if abs(rescale * 255 - 1) > 1e-6:
        raise ExportError(f'{where}: "rescale_factor" is {rescale}, expected 1/255')
    return Preprocessing(
        size=_side(where, fields, "crop_size", [_SQUARE]),
        resize=_resize(where, fields),
        crop_rounding="floor",
        mean=tuple(get_list(where, fields, "image_mean", float, 3)),
        std=tuple(get_list(where, fields, "image_std", float, 3)),
    )


def _refuse_other_processors(where: str, processor: dict) -> None:
    for key in ("image_processor_type", "feature_extractor_type"):
        kind = get(where, processor, key, str, "PoolFormerImageProcessor")
        if not kind.startswith("PoolFormer"):
            raise ExportError(f'{where}: "{key}" is {kind!r}, expected one of PoolFormer')
    if processor.get("do_pad"):
        raise ExportError(f'{where}: "do_pad" is {processor["do_pad"]!r}, only false is supported')


def _resize(where: str, fields: dict) -> int:
    """The shorter side before the crop."""
    if fields["crop_pct"] is None:  # then a size of height and width distorts the image
        return _side(where, fields, "size", [_SHORTER_SIDE])
    side = _side(where, fields, "size", [_SHORTER_SIDE, _SQUARE])
    return resized_side(where, side, get(where, fields, "crop_pct", float))


def _side(where: str, fields: dict, key: str, forms: list[tuple[str, ...]]) -> int:
    """A size: an object with the keys of one of `forms`, or a number, which means the first."""
    value = fields[key]
    sides = value if isinstance(value, dict) else dict.fromkeys(forms[0], value)
    numbers = {get(f"{where}: {key}", sides, name, int) for name in sides}
    if tuple(sorted(sides)) not in forms or len(numbers) != 1:
        expected = " or ".join(map(" and ".join, forms))
        raise ExportError(
            f'{where}: "{key}" is {shortened(value)}, expected one number as {expected}'
        )
    return numbers.pop()
