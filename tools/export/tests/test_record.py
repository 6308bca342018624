# record: what PyTorch itself computes, in memory and by the command line; needs torch and timm.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from poolformer_export import torch_models
from poolformer_export.hash_weights import hash_input, hash_weights
from poolformer_export.preprocess import load_image
from poolformer_export.random_source import random_source
from poolformer_export.record import record
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.source import TIMM_HEAD_NORM
from poolformer_export.timm_source import read_timm
from support import TINY, ExportTest, tiny_parameters

PHOTO = Path(__file__).resolve().parents[3] / "models" / "photos" / "chelsea.png"


class RecordTest(ExportTest):
    def test_input_logits_and_every_block_are_recorded(self):
        for order in ("norm_pool", "pool_norm"):
            recorded = record(random_source("s12", 1, order), hash_input(0, 65, 64))
            self.assertEqual(recorded["input"].shape, (3, 65, 64))
            self.assertEqual(recorded["logits.f64"].dtype, np.float64)
            self.assertEqual(recorded["taps.f64.s2.b5"].shape, (320, 4, 4))
            self.assertEqual(sum(name.startswith("taps.f32.") for name in recorded), 12)
            difference = np.abs(recorded["logits.f32"] - recorded["logits.f64"]).max()
            self.assertLess(difference, 1e-4)
            self.assertGreater(difference, 0)

    def test_timms_own_model_is_what_is_built(self):
        for size in ("s12", "m36"):
            source = random_source(size, 1, "pool_norm")
            built = torch_models.build_timm(source.architecture, source.tensors)
            model = torch_models.import_timm().create_model(f"poolformer_{size}")
            self.assertEqual(str(built), str(model))

    def test_a_network_that_timm_cannot_build_is_refused(self):
        source = random_source("s12", 1, "pool_norm")
        for change, reason in (
            ({"mlp_ratio": 2}, "timm has no PoolFormer with mlp_ratio 2, only with 4"),
            ({"embeddings": ((7, 2, 3),) * 4}, "with embeddings ((7, 2, 3), "),
        ):
            source.architecture = replace(source.architecture, **change)
            self.assert_refused(reason, record, source, hash_input(0, 64, 64))
            source.architecture = random_source("s12", 1, "pool_norm").architecture

    def test_a_network_without_layer_scales_is_built_without_them(self):
        paper = replace(TINY, has_layer_scale=False)
        timm = replace(paper, head_order="pool_norm", head_norm=TIMM_HEAD_NORM)
        tensors = hash_weights(paper, 1)
        for model in (
            torch_models.build_transformers(paper, tensors),
            torch_models.build_timm(timm, tensors),
        ):
            self.assertFalse([name for name in model.state_dict() if "scale" in name])


class RecordCommandTest(ExportTest):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out.safetensors"

    def record(self, *arguments) -> dict[str, np.ndarray]:
        status, errors = self.run_main("record", *arguments, self.out)
        self.assertEqual(status, 0, errors)
        return read_safetensors(self.out)[0]

    def assert_main_refuses(self, reason: str, *arguments):
        before = sorted(self.folder.rglob("*"))
        status, errors = self.run_main("record", *arguments)
        self.assertEqual(status, 1)
        self.assertIn(f"error: {reason}", errors)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_a_folder_with_a_pool_of_its_own_records_that_network(self):
        timm = torch_models.import_timm()
        arguments = {"num_classes": 5, "pool_size": 5, "drop_path_rate": 0.2}
        model = timm.create_model("poolformer_s12", **arguments).eval()
        with torch.no_grad():
            for index, parameter in enumerate(model.parameters()):
                parameter.copy_(torch.randn(parameter.shape) * 0.1 + (index % 3) * 0.1)
        model.pretrained_cfg["input_size"] = (3, 64, 64)
        saved = self.folder / "saved"
        timm.models.save_for_hf(model, saved, model_args=arguments, safe_serialization=True)
        recorded = self.record("--timm", saved, "--seed", 3)
        image = hash_input(3, 64, 64)
        np.testing.assert_array_equal(recorded["input"], image)
        for name, dtype in (("f32", "float32"), ("f64", "float64")):
            expected = torch_models.run(model.to(getattr(torch, dtype)), image[None], dtype)[0]
            np.testing.assert_array_equal(recorded[f"logits.{name}"], expected)

    def test_an_unpublished_size_is_recorded_for_a_photo(self):
        folder = self.write_timm_folder()
        recorded = self.record("--timm", folder, "--image", PHOTO)
        image = load_image(PHOTO, read_timm(str(folder)).preprocessing)
        np.testing.assert_array_equal(recorded["input"], image)
        self.assertEqual(recorded["logits.f64"].shape, (TINY.classes,))
        self.assertEqual(recorded["taps.f64.s3.b0"].shape, (TINY.channels[3], 2, 2))

    def test_a_record_is_replaced_with_force_only(self):
        folder = self.write_timm_folder()
        first = self.record("--timm", folder)
        self.assert_main_refuses(
            f"{self.out} exists; give --force", "--timm", folder, "--seed", 1, self.out
        )
        second = self.record("--timm", folder, "--seed", 1, "--force")
        self.assertFalse(np.array_equal(second["logits.f64"], first["logits.f64"]))

    def test_refusals_are_one_line_and_leave_nothing_behind(self):
        folder = self.write_timm_folder()
        halved = tiny_parameters("timm")
        for name, array in halved.items():
            if ".fc1." in name:
                halved[name] = array[: len(array) // 2]
            elif ".fc2.weight" in name:
                halved[name] = array[:, : array.shape[1] // 2]
        narrow = self.write_timm_folder(halved)
        inside_a_file = folder / "config.json" / "out.safetensors"
        for reason, *arguments in (
            ("timm has no PoolFormer with mlp_ratio 2, only with 4", "--timm", narrow, self.out),
            ("absent.png: not readable", "--timm", folder, "--image", "absent.png", self.out),
            (f"{PHOTO.parent}: not readable", "--timm", folder, "--image", PHOTO.parent, self.out),
            (f"{inside_a_file}: cannot be written", "--timm", folder, inside_a_file),
        ):
            with self.subTest(reason):
                self.assert_main_refuses(reason, *arguments)
