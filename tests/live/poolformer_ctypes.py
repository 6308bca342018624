# The C API (engine/include/poolformer/poolformer.h) for Python, through ctypes and numpy.
# SPDX-License-Identifier: Apache-2.0
"""library = Library("build/release/engine/libpoolformer.so")
model = library.load("models/poolformer_c10")
logits = model.session().run(images)"""

import ctypes
from ctypes import (
    POINTER,
    c_char_p,
    c_float,
    c_int,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ISAS = ("avx512", "avx2", "sse4_1")  # best first
OK, UNSUPPORTED = 0, 4


class PoolformerError(Exception):
    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


# The first fields of each struct, as many as are used here: the library takes the others as 0.
class _ModelOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("isa", c_char_p)]


class _ModelInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("isa", c_char_p),
        ("num_classes", c_size_t),
        ("num_labels", c_size_t),
        ("num_parameters", c_size_t),
        ("input_height", c_size_t),
        ("input_width", c_size_t),
        ("weight_bytes", c_size_t),
    ]


class _SessionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input_height", c_size_t),
        ("input_width", c_size_t),
        ("num_threads", c_size_t),
        ("spin_us", c_uint32),
        ("team", c_void_p),
        ("batch", c_size_t),
    ]


class _SessionInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input_height", c_size_t),
        ("input_width", c_size_t),
        ("num_threads", c_size_t),
        ("num_taps", c_size_t),
        ("arena_bytes", c_size_t),
        ("macs", c_uint64),
    ]


class _TapInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("channels", c_size_t),
        ("height", c_size_t),
        ("width", c_size_t),
    ]


_FLOATS = POINTER(c_float)
_SIGNATURES = {
    "pf_version": (c_char_p, []),
    "pf_last_error": (c_char_p, []),
    "pf_model_load": (c_int, [c_char_p, POINTER(_ModelOptions), POINTER(c_void_p)]),
    "pf_model_destroy": (None, [c_void_p]),
    "pf_model_get_info": (c_int, [c_void_p, POINTER(_ModelInfo)]),
    "pf_model_label": (c_char_p, [c_void_p, c_size_t]),
    "pf_preprocess": (
        c_int,
        [c_void_p, POINTER(c_uint8), c_size_t, c_size_t, c_size_t, _FLOATS],
    ),
    "pf_session_create": (c_int, [c_void_p, POINTER(_SessionOptions), POINTER(c_void_p)]),
    "pf_session_destroy": (None, [c_void_p]),
    "pf_session_get_info": (c_int, [c_void_p, POINTER(_SessionInfo)]),
    "pf_session_tap_info": (c_int, [c_void_p, c_size_t, POINTER(_TapInfo)]),
    "pf_session_run": (c_int, [c_void_p, _FLOATS, c_size_t, _FLOATS]),
    "pf_session_run_tapped": (c_int, [c_void_p, _FLOATS, _FLOATS, POINTER(_FLOATS), c_size_t]),
}


def _floats(array: np.ndarray):
    return array.ctypes.data_as(_FLOATS)


def _info(structure):
    return structure(struct_size=ctypes.sizeof(structure))


class Library:
    """libpoolformer.so."""

    def __init__(self, path: str | Path):
        self.functions = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self.functions, name)
            function.restype, function.argtypes = result, arguments

    def demand(self, status: int) -> None:
        if status != OK:
            raise PoolformerError(status, self.functions.pf_last_error().decode())

    def load(self, folder: str | Path, isa: str | None = None) -> "Model":
        return Model(self, folder, isa)

    def runnable_isas(self, folder: str | Path) -> list[str]:
        """The instruction sets this CPU can run, best first; `folder` is any model."""
        found = []
        for isa in ISAS:
            try:
                self.load(folder, isa)
                found.append(isa)
            except PoolformerError as error:
                if error.status != UNSUPPORTED:
                    raise
        return found


class Model:
    def __init__(self, library: Library, folder: str | Path, isa: str | None):
        self.library = library
        self.handle = c_void_p()
        options = _ModelOptions(ctypes.sizeof(_ModelOptions), isa.encode() if isa else None)
        functions = library.functions
        library.demand(
            functions.pf_model_load(str(folder).encode(), options, ctypes.byref(self.handle))
        )
        info = _info(_ModelInfo)
        library.demand(functions.pf_model_get_info(self.handle, ctypes.byref(info)))
        self.name, self.isa = info.name.decode(), info.isa.decode()
        self.num_classes, self.num_parameters = info.num_classes, info.num_parameters
        self.input_height, self.input_width = info.input_height, info.input_width
        self.weight_bytes = info.weight_bytes
        self.labels = [
            functions.pf_model_label(self.handle, i).decode() for i in range(info.num_labels)
        ]

    def __del__(self):
        self.library.functions.pf_model_destroy(self.handle)

    def session(
        self,
        height: int = 0,
        width: int = 0,
        num_threads: int = 1,
        batch: int = 1,
        spin_us: int = 0,
    ) -> "Session":
        return Session(self, height, width, num_threads, batch, spin_us)

    def preprocess(self, rgb: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 3] -> float32 [3, input_height, input_width]."""
        rgb = np.ascontiguousarray(rgb, np.uint8)
        height, width, _ = rgb.shape
        output = np.empty((3, self.input_height, self.input_width), np.float32)
        pixels = rgb.ctypes.data_as(POINTER(c_uint8))
        self.library.demand(
            self.library.functions.pf_preprocess(
                self.handle, pixels, height, width, rgb.strides[0], _floats(output)
            )
        )
        return output


@dataclass
class Tap:
    name: str
    value: np.ndarray  # [channels, height, width]


class Session:
    def __init__(
        self, model: Model, height: int, width: int, num_threads: int, batch: int, spin_us: int
    ):
        self.model, self.library = model, model.library
        self.handle = c_void_p()
        options = _SessionOptions(
            ctypes.sizeof(_SessionOptions), height, width, num_threads, spin_us, batch=batch
        )
        functions = self.library.functions
        self.library.demand(
            functions.pf_session_create(model.handle, options, ctypes.byref(self.handle))
        )
        info = _info(_SessionInfo)
        self.library.demand(functions.pf_session_get_info(self.handle, ctypes.byref(info)))
        self.input_shape = (3, info.input_height, info.input_width)
        self.num_threads, self.num_taps = info.num_threads, info.num_taps
        self.arena_bytes, self.macs = info.arena_bytes, info.macs

    def __del__(self):
        self.library.functions.pf_session_destroy(self.handle)

    def _checked(self, images: np.ndarray) -> np.ndarray:
        images = np.ascontiguousarray(images, np.float32)
        if images.ndim != 4 or images.shape[1:] != self.input_shape:
            raise ValueError(f"images are {images.shape}, expected [batch, {self.input_shape}]")
        return images

    def run(self, images: np.ndarray) -> np.ndarray:
        """[batch, 3, height, width] -> [batch, classes]."""
        images = self._checked(images)
        logits = np.empty((len(images), self.model.num_classes), np.float32)
        self.library.demand(
            self.library.functions.pf_session_run(
                self.handle, _floats(images), len(images), _floats(logits)
            )
        )
        return logits

    def run_tapped(self, image: np.ndarray) -> tuple[np.ndarray, list[Tap]]:
        """[3, height, width] -> logits [classes] and every block's output."""
        images = self._checked(image[None])
        logits = np.empty(self.model.num_classes, np.float32)
        taps = [self._new_tap(index) for index in range(self.num_taps)]
        pointers = (_FLOATS * len(taps))(*(_floats(tap.value) for tap in taps))
        self.library.demand(
            self.library.functions.pf_session_run_tapped(
                self.handle, _floats(images), _floats(logits), pointers, len(taps)
            )
        )
        return logits, taps

    def _new_tap(self, index: int) -> Tap:
        info = _info(_TapInfo)
        self.library.demand(
            self.library.functions.pf_session_tap_info(self.handle, index, ctypes.byref(info))
        )
        shape = (info.channels, info.height, info.width)
        return Tap(info.name.decode(), np.empty(shape, np.float32))
