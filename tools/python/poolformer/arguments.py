# Checks what the caller passes in; nothing is converted or copied silently.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import Any, Union

import numpy as np
import numpy.typing as npt

_LARGEST = 2**31 - 1
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Array = npt.NDArray[Any]


def whole_number(name: str, value: Any, smallest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected a whole number") from None
    if not smallest <= number <= _LARGEST:
        raise ValueError(f"{name} is {number}, expected {smallest} to {_LARGEST}")
    return number


def cpu_list(cpus: Iterable[int] | None) -> list[int]:
    return [whole_number("cpus", cpu, 0) for cpu in cpus or ()]


def microseconds(timeout: float | None) -> int:
    """Of a timeout in seconds; 0 is never, as in pf_run."""
    if timeout is None:
        return 0
    if not timeout >= 0:
        raise ValueError(f"timeout is {timeout!r}, expected seconds, 0 or more, or None")
    return max(1, round(min(timeout, 1e9) * 1e6))


def path_bytes(path: Path) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"path {path!r} holds a null byte")
    return name


def as_array(name: str, value: Any) -> Array:
    """`value` itself, or a view of its memory through DLPack."""
    if isinstance(value, np.ndarray):
        return value
    if not hasattr(value, "__dlpack__"):
        raise TypeError(
            f"{name} is of type {type(value).__name__}, expected a numpy array or what has "
            "__dlpack__, such as a torch tensor on the CPU"
        )
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        kind = type(value).__name__
        raise ValueError(f"{name}: numpy cannot view this {kind}: {error}") from None


def check_dtype(name: str, array: Array, dtype: type[np.generic]) -> None:
    if array.dtype != dtype:
        expected = np.dtype(dtype).name
        raise TypeError(
            f"{name} has dtype {array.dtype}, expected {expected}; nothing is converted silently"
        )


def check_dense(name: str, array: Array) -> None:
    if not array.flags.c_contiguous:
        raise ValueError(
            f"{name} with shape {array.shape} and strides {array.strides} is not C-contiguous; "
            "numpy.ascontiguousarray makes a copy that is"
        )


def as_images(
    name: str, value: Any, image_shape: tuple[int, ...], dtype: type[np.generic]
) -> Array:
    """One image or a batch, dense, of exactly that dtype."""
    images = as_array(name, value)
    check_dtype(name, images, dtype)
    lead = images.shape[:-3]
    if images.shape != (*lead, *image_shape) or len(lead) > 1 or 0 in lead:
        sizes = ", ".join(map(str, image_shape))
        raise ValueError(
            f"{name} has shape {images.shape}, expected ({sizes}) or (batch, {sizes}), batch 1 "
            "or more"
        )
    check_dense(name, images)
    return images


def check_output(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is of type {type(array).__name__}, expected a numpy array")
    check_dtype(name, array, np.float32)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    check_dense(name, array)
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only")


def as_photo(name: str, value: Any) -> tuple[Array, int]:
    """uint8 [height, width, 3] with dense rows, and the bytes from one row to the next."""
    if hasattr(value, "convert") and hasattr(value, "mode"):  # a PIL image
        value = np.asarray(value.convert("RGB"))
    rgb = as_array(name, value)
    check_dtype(name, rgb, np.uint8)
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"{name} has shape {rgb.shape}, expected (height, width, 3)")
    height, width, _ = rgb.shape
    row_bytes = rgb.strides[0] if height > 1 else 3 * width
    if row_bytes < 3 * width or not rgb[:1].flags.c_contiguous:
        raise ValueError(f"{name} has strides {rgb.strides}, expected rows of dense pixels")
    return rgb, row_bytes
