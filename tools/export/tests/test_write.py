# Writing a model folder, and the command line around it.
# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
from poolformer_export.hash_weights import hash_input, hash_tensor
from poolformer_export.safetensors_file import read_safetensors
from poolformer_export.timm_source import read_timm
from poolformer_export.write import model_files, write_model
from support import ExportTest, tiny_parameters


class WriteTest(ExportTest):
    def tiny_source(self):
        return read_timm(str(self.write_timm_folder()))

    def test_f32_is_exact_and_f16_is_rounded_once(self):
        source = self.tiny_source()
        for dtype in ("f32", "f16"):
            write_model(source, self.folder / dtype, dtype)
            stored, _ = read_safetensors(self.folder / dtype / "model.safetensors")
            self.assertEqual(list(stored), sorted(source.tensors))
            for name, array in source.tensors.items():
                expected = array.astype(np.float16 if dtype == "f16" else np.float32)
                self.assertEqual(stored[name].dtype, expected.dtype)
                np.testing.assert_array_equal(stored[name], expected)

    def test_a_folder_holds_what_model_files_returns(self):
        source, out = self.tiny_source(), self.folder / "out"
        write_model(source, out)
        written = {path.name: path.read_bytes() for path in out.iterdir()}
        self.assertEqual(written, model_files(source))

    def test_f16_refuses_what_it_cannot_hold_and_leaves_nothing_behind(self):
        source = self.tiny_source()
        source.tensors["s0.b0.ls1"][3] = 70000.0
        before = sorted(self.folder.iterdir())
        self.assert_refused(
            'parameter "s0.b0.ls1" holds 70000, more than f16 can store',
            write_model,
            source,
            self.folder / "f16",
            "f16",
        )
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_an_existing_model_needs_force(self):
        source, out = self.tiny_source(), self.folder / "out"
        write_model(source, out)
        before = sorted(self.folder.iterdir())
        self.assert_refused("exists; give --force", write_model, source, out)
        source.name = "second"
        write_model(source, out, force=True)
        self.assertEqual(json.loads((out / "model.json").read_text())["name"], "second")
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_force_never_replaces_anything_but_a_model(self):
        source, out = self.tiny_source(), self.folder / "out"
        out.mkdir()
        (out / "thesis.txt").write_text("years of work")
        self.assert_refused("holds thesis.txt", write_model, source, out, "f32", True)
        self.assertEqual((out / "thesis.txt").read_text(), "years of work")


class CommandLineTest(ExportTest):
    def test_random_weights_are_the_hash(self):
        out = self.folder / "s12"
        status, _ = self.run_main("export", "--random", 1, "--size", "s12", out)
        self.assertEqual(status, 0)
        stored, _ = read_safetensors(out / "model.safetensors")
        expected = hash_tensor(1, "s2.b5.ls1", (320,), 0.5, 0.25)
        np.testing.assert_array_equal(stored["s2.b5.ls1"], expected)
        self.assertEqual(json.loads((out / "model.json").read_text())["head"]["order"], "norm_pool")

    def test_a_refusal_is_one_line_and_exit_code_1(self):
        folder = self.write_timm_folder(
            tiny_parameters("timm") | {"stem.norm.weight": np.ones(8, np.float32)}
        )
        status, errors = self.run_main("export", "--timm", folder, self.folder / "out")
        self.assertEqual(status, 1)
        self.assertIn('error: parameter "stem.norm.weight" is not understood', errors)
        self.assertNotIn("Traceback", errors)
        self.assertFalse((self.folder / "out").exists())

    def test_what_exists_is_refused_before_anything_is_read(self):
        for command in ("export", "record"):
            status, errors = self.run_main(command, "--from", "absent", self.folder)
            expected = f"error: {self.folder} exists; give --force to replace it\n"
            self.assertEqual((status, errors), (1, expected))

    def test_options_of_random_weights_are_refused_beside_other_sources(self):
        folder = self.write_timm_folder()
        for option in (("--size", "m36"), ("--head", "pool_norm")):
            with self.assertRaises(SystemExit) as caught:
                self.run_main("export", "--timm", folder, *option, self.folder / "out")
            self.assertEqual(caught.exception.code, 2)

    def test_the_name_can_be_chosen(self):
        out = self.folder / "out"
        status, _ = self.run_main(
            "export", "--timm", self.write_timm_folder(), "--name", "mine", out
        )
        self.assertEqual(status, 0)
        self.assertEqual(json.loads((out / "model.json").read_text())["name"], "mine")


class HashTest(ExportTest):
    def test_the_values_of_the_specification(self):
        unit = hash_tensor(7, "embed.0.weight", (3,), 0.0, 1.0)
        np.testing.assert_allclose(unit, [0.786722422, 0.410228491, -0.626100421], atol=5e-10)

    def test_a_tensor_is_the_same_in_one_piece_and_in_chunks(self):
        whole = hash_input(0, 700, 700)
        self.assertEqual(whole.shape, (3, 700, 700))
        self.assertLess(abs(float(whole.mean())), 0.01)
        self.assertLessEqual(float(np.abs(whole).max()), 2.0)
