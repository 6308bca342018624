# What the engine would refuse is not written.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from poolformer_export.hash_weights import hash_weights
from poolformer_export.source import Norm, Preprocessing, Source
from poolformer_export.write import model_files
from support import TINY, ExportTest

PLAIN = Preprocessing(64, 64, "floor")
NAN = float("nan")


def tiny_source(preprocessing=PLAIN, architecture=TINY, **fields) -> Source:
    tensors = hash_weights(TINY, 1)
    return Source("tiny", "timm", "a test", architecture, preprocessing, tensors, **fields)


class BoundsTest(ExportTest):
    def assert_not_written(self, field: str, source: Source):
        with self.subTest(field):
            self.assert_refused(f'"{field}" of model.json would be ', model_files, source)

    def test_texts(self):
        for name in ("", "two\nlines", "n" * 129, "ä" * 65, "\x9b1m", "\udcff"):
            self.assert_not_written("name", replace(tiny_source(), name=name))
        for origin in ("o" * 1025, "\x1b[31m"):
            self.assert_not_written("source.origin", replace(tiny_source(), origin=origin))
        for label in ("l" * 513, "\t", "\ud800"):
            labels = ["a", "b", label, "d", "e"]
            self.assert_not_written("labels[2]", tiny_source(labels=labels))
        self.assert_not_written("labels", tiny_source(labels=["a"]))
        model_files(replace(tiny_source(labels=list("äßçđ") + [""]), name="ä" * 64))

    def test_the_input(self):
        for change, field in (
            ({"size": 0, "resize": 0}, "input.height"),
            ({"size": -5}, "input.height"),
            ({"size": 100000, "resize": 100000}, "input.height"),
            ({"resize": 63}, "input.resize.shorter_side"),
            ({"resize": 8193}, "input.resize.shorter_side"),
            ({"mean": (0.5, 123, 0.5)}, "input.mean"),
            ({"mean": (0.5, NAN, 0.5)}, "input.mean"),
            ({"mean": (0.5, 0.5)}, "input.mean"),
            ({"std": (0.5, 0, 0.5)}, "input.std"),
            ({"std": (0.5, 1e-46, 0.5)}, "input.std"),
            ({"std": (0.5, 0.5, 1.5)}, "input.std"),
        ):
            self.assert_not_written(field, tiny_source(replace(PLAIN, **change)))

    def test_the_network(self):
        windows = TINY.embeddings
        for change, field in (
            ({"pool_size": 4}, "stages[0].token_mixer.size"),
            ({"pool_size": 65}, "stages[0].token_mixer.size"),
            ({"pool_size": "x"}, "stages[0].token_mixer.size"),
            ({"pool_size": 3.0}, "stages[0].token_mixer.size"),
            ({"embeddings": ((7, 0, 2), *windows[1:])}, "patch_embeddings[0].stride"),
            ({"embeddings": (*windows[:3], (3, 4.5, 1))}, "patch_embeddings[3].stride"),
            ({"embeddings": (*windows[:3], (3, 2, 3))}, "patch_embeddings[3].padding"),
            ({"embeddings": (*windows[:3], (3, 2, "a"))}, "patch_embeddings[3].padding"),
            ({"embeddings": (*windows[:3], (65, 2, 1))}, "patch_embeddings[3].kernel"),
            ({"depths": (1, 257, 1, 1)}, "stages[1].depth"),
            ({"channels": (8, 16, 24, 16385)}, "stages[3].channels"),
            ({"channels": (8, 16, 24, 16384), "mlp_ratio": 5}, "stages[3].mlp.ratio"),
            ({"mlp_ratio": 17}, "stages[0].mlp.ratio"),
            ({"norm": Norm("group_norm", 0)}, "stages[0].norm.eps"),
            ({"norm": Norm("group_norm", 1e-80)}, "stages[0].norm.eps"),
            ({"head_norm": Norm("group_norm", NAN)}, "head.norm.eps"),
            ({"classes": 65537}, "head.classes"),
            (
                {"embeddings": windows[:1] * 17, "depths": (1,) * 17, "channels": (8,) * 17},
                "stages",
            ),
        ):
            self.assert_not_written(field, tiny_source(architecture=replace(TINY, **change)))

    def test_the_description_is_not_too_large(self):
        architecture = replace(TINY, classes=40000)
        source = tiny_source(architecture=architecture, labels=["l" * 500] * 40000)
        self.assert_refused("larger than 16777216 bytes, by its labels", model_files, source)


class CommandLineTest(ExportTest):
    def export(self, folder, *arguments) -> tuple[int, str]:
        return self.run_main("export", "--timm", folder, *arguments, self.folder / "out")

    def test_a_name_that_the_engine_refuses_is_refused(self):
        for name in ("", "two\nlines", "n" * 200):
            status, errors = self.export(self.write_timm_folder(), "--name", name)
            self.assertEqual(status, 1)
            self.assertIn('error: "name" of model.json would be ', errors)
            self.assertNotIn("two\nlines", errors)
            self.assertFalse((self.folder / "out").exists())

    def test_a_record_keeps_to_the_bounds_too(self):
        folder = self.write_transformers_folder({"crop_size": 10**6})
        status, errors = self.run_main("record", "--transformers", folder, self.folder / "out")
        self.assertEqual(status, 1)
        self.assertIn('error: "input.height" of model.json would be 1000000', errors)

    def test_a_network_that_only_the_interpreter_runs_is_noted(self):
        sizes = {"depths": list(TINY.depths), "dims": list(TINY.channels)}
        for pool_size in (3, 5):
            folder = self.write_timm_folder(model_args={**sizes, "pool_size": pool_size})
            status, errors = self.export(folder, "--force")
            self.assertEqual(status, 0)
            note = "note: a pool of size 5 with gelu runs in the float64 interpreter of the"
            self.assertEqual(note in errors, pool_size == 5)
