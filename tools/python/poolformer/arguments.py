# Checks what the caller passes in; nothing is converted or copied silently.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
import numbers
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, Union

import numpy as np
import numpy.typing as npt

_LARGEST = 2**31 - 1
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Log = Callable[[int, str], object]
Native = TypeVar("Native")

_LOG_LEVELS = (logging.INFO, logging.WARNING)  # in the order of pf_log_level


def whole_number(name: str, value: Any, smallest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected a whole number") from None
    if not smallest <= number <= _LARGEST:
        raise ValueError(f"{name} is {number}, expected {smallest} to {_LARGEST}")
    return number


def height_width(name: str, size: Any) -> tuple[int, int]:
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"{name} is {size!r}, expected a number of pixels or (height, width)")
    return whole_number(name, pair[0], 1), whole_number(name, pair[1], 1)


def cpu_list(cpus: Iterable[int] | None) -> list[int]:
    if cpus is None:
        return []
    if not isinstance(cpus, Iterable):
        raise TypeError(f"cpus is {cpus!r}, expected a list of CPU numbers")
    return [whole_number("cpus", cpu, 0) for cpu in cpus]


def native(name: str, value: Any, kind: type[Native]) -> Native:
    """The extension's object inside the package's object of the same name."""
    inside = getattr(value, "_native", None)
    if not isinstance(inside, kind):
        found = type(value).__name__
        raise TypeError(f"{name} is of type {found}, expected a poolformer.{kind.__name__}")
    return inside


def instruction_set(isa: str | None) -> str | None:
    if not isinstance(isa, (str, type(None))):
        raise TypeError(f'isa is {isa!r}, expected a name such as "avx2", or None')
    return isa


def microseconds(timeout: float | None) -> int:
    """Of a timeout in seconds; 0 is none, as in pf_session_options and pf_run."""
    if timeout is None:
        return 0
    if not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout is {timeout!r}, expected seconds or None")
    if not timeout >= 0:
        raise ValueError(f"timeout is {timeout!r}, expected seconds, 0 or more, or None")
    return max(1, round(min(timeout, 1e9) * 1e6))


def log_receiver(log: Log | None) -> Callable[[int, bytes], object] | None:
    """What the extension calls with a pf_log_level and a line."""
    if log is None:
        return None
    if not callable(log):
        raise TypeError(
            f"log is of type {type(log).__name__}, expected a function of level and message, such "
            "as logging.getLogger().log"
        )
    return lambda level, message: log(_LOG_LEVELS[level], message.decode(errors="replace"))


def path_bytes(path: Path) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"path {path!r} holds a null byte")
    return name


class _Unversioned:
    """Gives an object's memory in the capsule of DLPack before 1.0, which cannot say read-only:
    who has memory that must not be written refuses to give it."""

    def __init__(self, value: Any):
        self._value = value

    def __dlpack__(self, **_: Any) -> Any:
        return self._value.__dlpack__()

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()


class _Writable:
    """What numpy views like `view`, which it took for read-only to be safe, and may write."""

    def __init__(self, view: Array):
        self._view = view  # keeps the memory
        self.__array_interface__ = {**view.__array_interface__, "data": (view.ctypes.data, False)}


def as_array(name: str, value: Any, to_write: bool = False) -> Array:
    """`value` itself, or a view of its memory through DLPack or the buffer protocol.

    An array or a buffer that is read-only stays so, also with `to_write`.
    """
    if isinstance(value, np.ndarray):
        return value
    kind = type(value).__name__
    if not hasattr(value, "__dlpack__"):
        try:
            value = memoryview(value)
        except TypeError:
            raise TypeError(
                f"{name} is of type {kind}, expected a numpy array or what has __dlpack__ or a "
                "buffer, such as a torch tensor on the CPU"
            ) from None
    try:
        if isinstance(value, memoryview):
            return np.asarray(value)
        if to_write:
            return np.asarray(_Writable(np.from_dlpack(_Unversioned(value))))
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
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


def output_view(name: str, value: Any, shape: tuple[int, ...]) -> Floats:
    """A writable view of the caller's memory, of exactly that shape, dense."""
    array = as_array(name, value, to_write=True)
    check_dtype(name, array, np.float32)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    check_dense(name, array)
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return array


def as_output(name: str, wanted: Any, shape: tuple[int, ...]) -> Floats | None:
    """None for False, a new array for True, else a writable view of the caller's memory."""
    if isinstance(wanted, bool):
        return np.empty(shape, np.float32) if wanted else None
    return output_view(name, wanted, shape)


def as_outputs(name: str, wanted: Any, shapes: Sequence[tuple[int, ...]]) -> list[Floats] | None:
    """The same for a list of outputs, all of them or none."""
    if isinstance(wanted, bool):
        return [np.empty(shape, np.float32) for shape in shapes] if wanted else None
    if not isinstance(wanted, (list, tuple)):
        raise TypeError(f"{name} is of type {type(wanted).__name__}, expected a list or a bool")
    if len(wanted) != len(shapes):
        raise ValueError(f"{name} has {len(wanted)} arrays, expected {len(shapes)}, one a stage")
    views = enumerate(zip(wanted, shapes, strict=True))
    return [output_view(f"{name}[{i}]", value, shape) for i, (value, shape) in views]


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
