# from_timm against live timm, and torch's tensors in and out; needs torch and timm.
# SPDX-License-Identifier: Apache-2.0
import sys
import unittest
from pathlib import Path

import numpy as np
import poolformer
import torch
from poolformer_export import torch_models

sys.path.append(str(Path(__file__).resolve().parents[4] / "tests" / "live"))
from live_models import randomise  # noqa: E402

TOLERANCE = 1e-4  # of the largest value


def new_timm(name: str, **arguments):
    torch.manual_seed(0)
    model = torch_models.import_timm().create_model(name, **arguments).eval()
    randomise(model)
    return model


class FromTimmTest(unittest.TestCase):
    def assert_close(self, found: np.ndarray, expected: torch.Tensor):
        self.assertEqual(found.shape, tuple(expected.shape))
        error = (torch.from_dlpack(found) - expected).abs().max() / expected.abs().max()
        self.assertLessEqual(float(error), TOLERANCE)

    def test_every_output_is_timms(self):
        timm_model = new_timm("poolformer_s12")
        images = torch.randn(2, 3, 224, 224)
        session = poolformer.Session(poolformer.from_timm(timm_model))
        result = session.run(images, probabilities=True, features=True, stage_maps=True)
        with torch.inference_mode():
            logits = timm_model(images)
            last_map = timm_model.forward_features(images)
            self.assert_close(result.logits, logits)
            self.assert_close(result.probabilities, logits.softmax(1))
            self.assert_close(result.stage_maps[-1], last_map)
            self.assert_close(
                result.features, timm_model.forward_head(last_map, pre_logits=True)
            )

    def test_tensors_receive_every_output(self):
        model = poolformer.from_timm(new_timm("poolformer_s12"))
        session = poolformer.Session(model, input_size=64)
        images = torch.randn(2, 3, 64, 64)
        wanted = {"probabilities": True, "features": True, "stage_maps": True}
        expected = session.run(images, **wanted)
        own = [torch.full(array.shape, torch.nan) for array in expected[:3]]
        maps = [torch.full(array.shape, torch.nan) for array in expected.stage_maps]
        out, probabilities, features = own
        found = session.run(
            images, out=out, probabilities=probabilities, features=features, stage_maps=maps
        )
        for tensor, array, right in zip(
            own + maps,
            [*found[:3], *found.stage_maps],
            [*expected[:3], *expected.stage_maps],
            strict=True,
        ):
            self.assertTrue(torch.equal(tensor, torch.from_dlpack(right)))
            self.assertEqual(array.ctypes.data, tensor.data_ptr())

    def test_a_fine_tuned_model_with_a_name_and_another_input_size(self):
        timm_model = new_timm("poolformer_m36", num_classes=7)
        model = poolformer.from_timm(timm_model.half(), name="mine", isa="sse4_1")
        info = model.info
        self.assertEqual((info.name, info.isa, info.num_classes), ("mine", "sse4_1", 7))
        images = torch.randn(3, 96, 64)
        with torch.inference_mode():
            expected = timm_model.float()(images[None])[0]
        self.assert_close(poolformer.Session(model, input_size=(96, 64)).run(images), expected)

    def test_other_models_are_refused(self):
        timm_model = new_timm("poolformer_s12")
        timm_model.reset_classifier(1000, global_pool="max")
        for model, words in (
            (new_timm("resnet18"), "is not a PoolFormer"),
            (timm_model, "is AdaptiveMaxPool2d, expected AdaptiveAvgPool2d"),
        ):
            with self.assertRaisesRegex(poolformer.Error, words) as caught:
                poolformer.from_timm(model)
            self.assertIs(caught.exception.status, poolformer.Status.UNSUPPORTED)

    def test_tensors_that_are_refused(self):
        model = poolformer.from_timm(new_timm("poolformer_s12"))
        session = poolformer.Session(model, input_size=32)
        images = torch.randn(1, 3, 32, 32)
        for kind, words, wrong in (
            (TypeError, "x has dtype float64", images.double()),
            (TypeError, "x has dtype float16", images.half()),
            (ValueError, "x: numpy cannot view this Tensor", images.bfloat16()),
            (ValueError, "gradient", images.clone().requires_grad_()),
            (ValueError, "is not C-contiguous", images.to(memory_format=torch.channels_last)),
        ):
            with self.subTest(words), self.assertRaisesRegex(kind, words):
                session.run(wrong)
