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

# The limits of the engine's logits: root mean square errors against float64, as a multiple of those
# of PyTorch's float32 on one thread; and any error, of the largest value.
MAX_RMS_RATIO = 1.5
TOLERANCE = 1e-4
EVERYTHING = {"probabilities": True, "features": True, "stage_maps": True}


def new_timm(name: str, **arguments):
    torch.manual_seed(0)
    model = torch_models.import_timm().create_model(name, **arguments).eval()
    randomise(model)
    return model


def timm_outputs(timm_model, images: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.set_num_threads(1)
    with torch.inference_mode():
        last_map, maps = timm_model.forward_intermediates(images)
        logits = timm_model.forward_head(last_map)
        return {
            "logits": logits,
            "probabilities": logits.softmax(1),
            "features": timm_model.forward_head(last_map, pre_logits=True),
            **{f"map {i}": stage_map for i, stage_map in enumerate(maps)},
        }


class FromTimmTest(unittest.TestCase):
    def assert_exact(self, name: str, found: np.ndarray, rounded: torch.Tensor, exact: torch.Tensor):
        """As near to float64 as timm's own float32, and nowhere far off."""
        self.assertEqual(found.shape, tuple(exact.shape), name)
        error = torch.from_dlpack(found) - exact
        ratio = error.square().mean().sqrt() / (rounded - exact).square().mean().sqrt()
        self.assertLessEqual(float(ratio), MAX_RMS_RATIO, name)
        self.assertLessEqual(float(error.abs().max() / exact.abs().max()), TOLERANCE, name)

    def assert_timms(self, result: poolformer.Result, timm_model, images: torch.Tensor):
        rounded = timm_outputs(timm_model, images)
        exact = timm_outputs(timm_model.double(), images.double())
        maps = {f"map {i}": stage_map for i, stage_map in enumerate(result.stage_maps)}
        found = {**result._asdict(), **maps}
        del found["stage_maps"]
        self.assertEqual(set(found), set(exact))
        for name, array in found.items():
            self.assert_exact(name, array, rounded[name], exact[name])

    def test_every_output_is_timms(self):
        timm_model = new_timm("poolformer_s12")
        images = torch.randn(4, 3, 224, 224)
        session = poolformer.Session(poolformer.from_timm(timm_model))
        self.assert_timms(session.run(images, **EVERYTHING), timm_model, images)

    def test_tensors_receive_every_output(self):
        model = poolformer.from_timm(new_timm("poolformer_s12"))
        session = poolformer.Session(model, input_size=64)
        images = torch.randn(2, 3, 64, 64)
        expected = session.run(images, **EVERYTHING)
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
        # Of noise alone the features, and so the errors, are nearly the same for every image. Even with
        # these patches the ratio of 16 images was 0.7 to 1.5 from seed to seed.
        patches = torch.nn.functional.interpolate(torch.randn(64, 3, 6, 4), (96, 64))
        images = patches + torch.randn(64, 3, 96, 64) / 4
        session = poolformer.Session(model, input_size=(96, 64))
        self.assert_timms(session.run(images, **EVERYTHING), timm_model.float(), images)

    def test_other_models_are_refused(self):
        timm_model = new_timm("poolformer_s12")
        timm_model.reset_classifier(1000, global_pool="max")
        hooked = new_timm("poolformer_s12")
        hooked.stem.register_forward_hook(lambda _module, _inputs, output: 2 * output)
        for model, words in (
            (new_timm("resnet18"), "is not a PoolFormer"),
            (timm_model, "is AdaptiveMaxPool2d, expected AdaptiveAvgPool2d"),
            (hooked, 'module "stem" of the timm model has a forward hook'),
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
