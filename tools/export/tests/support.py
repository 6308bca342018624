# What the exporter's tests share: a tiny network in every dialect, a place to write, refusals.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
from poolformer_export.cli import main
from poolformer_export.errors import ExportError
from poolformer_export.hash_weights import hash_weights
from poolformer_export.names import to_dialect
from poolformer_export.safetensors_file import safetensors_bytes
from poolformer_export.source import PUBLISHED_EMBEDDINGS, Architecture

TINY = Architecture(
    embeddings=PUBLISHED_EMBEDDINGS, depths=(1, 2, 1, 1), channels=(8, 16, 24, 40), classes=5
)


def tiny_parameters(dialect: str, seed: int = 3) -> dict[str, np.ndarray]:
    """Hash weights under a dialect's names, linear layers as 1x1 convolutions."""
    parameters = {}
    for name, array in hash_weights(TINY, seed).items():
        is_convolution = ".fc1.weight" in name or ".fc2.weight" in name
        shape = (*array.shape, 1, 1) if is_convolution else array.shape
        parameters[to_dialect(dialect, name)] = array.reshape(shape)
    return parameters


class ExportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_refused(self, expected: str, action, *arguments):
        """`action` raises an ExportError whose message holds `expected`."""
        with self.assertRaises(ExportError) as caught:
            action(*arguments)
        self.assertIn(expected, str(caught.exception))

    def run_main(self, *arguments) -> tuple[int, str]:
        """The command line's exit code and what it says on stderr."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            status = main([str(argument) for argument in arguments])
        return status, errors.getvalue()

    def assert_tiny_weights(self, tensors: dict[str, np.ndarray], seed: int = 3):
        expected = hash_weights(TINY, seed)
        self.assertEqual(list(tensors), list(expected))
        for name, array in expected.items():
            np.testing.assert_array_equal(tensors[name], array, err_msg=name)

    def new_folder(self, prefix: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self.folder))

    def write_timm_folder(self, parameters=None, **config) -> Path:
        folder = self.new_folder("timm")
        content = {
            "architecture": "poolformer_s12",
            "num_classes": TINY.classes,
            "model_args": {"depths": list(TINY.depths), "dims": list(TINY.channels)},
            "global_pool": "avg",
            "pretrained_cfg": {
                "input_size": [3, 64, 64],
                "crop_pct": 0.95,
                "crop_mode": "center",
                "interpolation": "bicubic",
                "mean": [0.5, 0.4, 0.3],
                "std": [0.2, 0.2, 0.1],
            },
            **config,
        }
        self.write_folder(folder, content, parameters or tiny_parameters("timm"))
        return folder

    def write_transformers_folder(self, processor=None, parameters=None, **config) -> Path:
        folder = self.new_folder("transformers")
        content = {
            "model_type": "poolformer",
            "depths": list(TINY.depths),
            "hidden_sizes": list(TINY.channels),
            "id2label": {str(i): name for i, name in enumerate("abcde")},
            **config,
        }
        self.write_folder(folder, content, parameters or tiny_parameters("transformers"))
        processor = {"crop_pct": 0.9, "size": {"shortest_edge": 64}, "crop_size": 64} | (
            processor or {}
        )
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
        return folder

    def write_folder(self, folder: Path, config: dict, parameters: dict[str, np.ndarray]):
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "model.safetensors").write_bytes(safetensors_bytes(parameters))
