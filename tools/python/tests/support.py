# What the tests of the module share: the shipped model and inputs for it.
# SPDX-License-Identifier: Apache-2.0
import unittest
from pathlib import Path

import numpy as np
import poolformer

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "models" / "poolformer_c10"
HEADER = ROOT / "engine" / "include" / "poolformer" / "poolformer.h"


def random_photo(height: int = 32, width: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape, np.float32)


class DLPackOnly:
    """What has __dlpack__ and is no numpy array, as a torch tensor."""

    def __init__(self, array: np.ndarray):
        self.array = array

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = poolformer.load(FOLDER)

    def assert_same_bits(self, found: np.ndarray, expected: np.ndarray):
        np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))

    def assert_refused(self, kind: type, words: str, function, *arguments, **keywords):
        with self.assertRaises(kind) as caught:
            function(*arguments, **keywords)
        self.assertIs(type(caught.exception), kind)
        self.assertIn(words, str(caught.exception))
        return caught.exception
