# Tensors of torch as numpy arrays: those of a live model, and of a checkpoint in a pickle.
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np

from poolformer_export.errors import ExportError


def load_pickle(path: Path) -> dict[str, np.ndarray]:
    """A flat tensor dict in a torch pickle; code inside the file is never run."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception:  # whose words advise to load it with its code
        raise ExportError(
            f"{path}: not a complete checkpoint of plain tensors, as torch.save writes of a "
            "state_dict; other objects, which can hold code, are never loaded"
        ) from None
    if not isinstance(state, dict):
        raise ExportError(f"{path}: holds a {type(state).__name__}, expected a dict of tensors")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ExportError(
                f'{path}: "{name}" is a {type(value).__name__}, expected a flat dict of tensors '
                "by name"
            )
    return to_numpy(state)


def to_numpy(state: dict) -> dict[str, np.ndarray]:
    """numpy has no bfloat16, so that widens; every other dtype stays for the layout to judge."""
    import torch

    arrays = {}
    for name, tensor in state.items():
        try:
            tensor = tensor.detach().cpu()
            arrays[name] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        except (TypeError, RuntimeError):
            raise ExportError(
                f'parameter "{name}" has dtype {tensor.dtype} and layout {tensor.layout}, '
                "expected dense floating point of 16, 32 or 64 bits"
            ) from None
    return arrays
