# Local folders of timm, checkpoints of tools/train: read without torch.
# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
from poolformer_export.describe import describe
from poolformer_export.safetensors_file import safetensors_bytes
from poolformer_export.sail_source import read_training_checkpoint
from poolformer_export.timm_source import read_timm
from support import ExportTest, tiny_parameters


class TimmFolderTest(ExportTest):
    def read(self, **config):
        return read_timm(str(self.write_timm_folder(**config)))

    def test_a_folder_becomes_a_description(self):
        source = self.read()
        self.assert_tiny_weights(source.tensors)
        description = describe(source)
        self.assertEqual(description["name"], "poolformer_s12")
        self.assertEqual(description["source"]["dialect"], "timm")
        self.assertEqual(description["head"]["order"], "pool_norm")
        self.assertEqual(description["head"]["norm"]["kind"], "layer_norm")
        self.assertEqual(description["head"]["norm"]["eps"], 1e-6)
        self.assertEqual(description["head"]["classes"], 5)
        self.assertEqual(description["input"]["height"], 64)
        self.assertEqual(description["input"]["resize"]["shorter_side"], 67)
        self.assertEqual(description["input"]["crop_rounding"], "half_even")
        self.assertEqual(description["input"]["mean"], [0.5, 0.4, 0.3])
        self.assertEqual([stage["depth"] for stage in description["stages"]], [1, 2, 1, 1])
        self.assertEqual([stage["channels"] for stage in description["stages"]], [8, 16, 24, 40])

    def test_an_old_flat_config_is_read_too(self):
        flat = {
            "architecture": "poolformer_s12",
            "model_args": {"depths": [1, 2, 1, 1], "dims": [8, 16, 24, 40]},
            "input_size": [3, 224, 224],
            "crop_pct": 0.9,
            "interpolation": "bicubic",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "labels": list("vwxyz"),
        }
        folder = self.write_timm_folder()
        (folder / "config.json").write_text(json.dumps(flat))
        source = read_timm(str(folder))
        self.assertEqual(source.preprocessing.resize, 248)
        self.assertEqual(source.labels, list("vwxyz"))

    def test_label_names_take_their_descriptions(self):
        source = self.read(label_names=list("abcde"), label_descriptions={"b": "bee, insect"})
        self.assertEqual(source.labels, ["a", "bee, insect", "c", "d", "e"])

    def test_other_architectures_are_refused_by_name(self):
        folder = self.write_timm_folder(architecture="poolformerv2_s12")
        self.assert_refused('"poolformerv2_s12" is a PoolFormerV2', read_timm, str(folder))
        (folder / "config.json").write_text('{"architecture": "caformer_s18"}')
        self.assert_refused('"caformer_s18" is not a PoolFormer', read_timm, str(folder))

    def test_what_would_change_the_network_is_refused(self):
        for config, reason in (
            ({"model_args": {"mlp_act": "relu"}}, 'model_args "mlp_act" is not understood'),
            ({"model_args": {"in_chans": 1}}, '"in_chans" is 1, only 3'),
            ({"global_pool": "max"}, "\"global_pool\" is 'max', only 'avg'"),
            ({"label_names": ["a"]}, "1 label names for 5 classes"),
            ({"pretrained_cfg": {}}, '"input_size" is missing, expected a list'),
            ({"architecture": "poolformer_x1"}, '"architecture" poolformer_x1 is none of timm'),
        ):
            with self.subTest(config):
                folder = self.write_timm_folder(**config)
                self.assert_refused(reason, read_timm, str(folder))

    def test_a_config_that_contradicts_the_parameters_is_refused(self):
        sizes = {"depths": [1, 2, 1, 1], "dims": [8, 16, 24, 40]}
        for config, reason in (
            ({"num_classes": 1000}, '"num_classes" is 1000, the parameters say 5'),
            ({"model_args": {**sizes, "num_classes": 4}}, '"num_classes" is 4, the parameters say'),
            ({"model_args": {**sizes, "dims": [8]}}, '"dims" is [8], the parameters say [8, 16'),
            ({"architecture": "poolformer_m36", "model_args": {}}, '"depths" is [6, 6, 18, 6], '),
        ):
            with self.subTest(reason):
                folder = self.write_timm_folder(**config)
                self.assert_refused(reason, read_timm, str(folder))

    def test_fields_of_a_wrong_type_are_refused(self):
        for config, reason in (
            ({"architecture": 5}, '"architecture" is 5, expected a string'),
            ({"model_args": [1]}, '"model_args" is [1], expected an object'),
            ({"model_args": None}, '"model_args" is None, expected an object'),
            ({"pretrained_cfg": "x"}, "\"pretrained_cfg\" is 'x', expected an object"),
            ({"label_names": 5}, '"label_names" is 5, expected a list'),
            ({"label_names": None}, '"label_names" is None, expected a list'),
            ({"label_names": list("abcd") + [5]}, "'d', 5], expected a list, each a string"),
            ({"label_names": list("abcde"), "label_descriptions": []}, "[], expected an object"),
            (
                {"label_names": list("abcde"), "label_descriptions": {"a": 1}},
                'label_descriptions: "a" is 1, expected a string',
            ),
        ):
            with self.subTest(reason):
                folder = self.write_timm_folder(**config)
                self.assert_refused(reason, read_timm, str(folder))
        folder = self.write_timm_folder()
        config = json.loads((folder / "config.json").read_text())
        for field, value, reason in (
            ("input_size", [3, "a", "a"], "is [3, 'a', 'a'], expected a list, each an integer"),
            ("input_size", [3, 64.5, 64.5], "expected a list, each an integer, 3 in all"),
            ("input_size", [3, 64], "expected a list, each an integer, 3 in all"),
            ("input_size", [1, 64, 64], "is [1, 64, 64], expected [3, N, N]"),
            ("crop_pct", True, '"crop_pct" is True, expected a number'),
            ("crop_pct", 1e-9, '"crop_pct" is 1e-09, expected 0.001 to 1'),
            ("interpolation", None, "\"interpolation\" is None, only 'bicubic' is supported"),
            ("mean", [0.5, "0.5", 0.5], "expected a list, each a number, 3 in all"),
            ("std", 0.5, '"std" is 0.5, expected a list'),
        ):
            with self.subTest(field, value=value):
                changed = {**config["pretrained_cfg"], field: value}
                text = json.dumps({**config, "pretrained_cfg": changed})
                (folder / "config.json").write_text(text)
                self.assert_refused(reason, read_timm, str(folder))

    def test_a_config_is_one_json_object(self):
        folder = self.write_timm_folder()
        for text, reason in (
            ('{"architecture": "a", "architecture": "b"}', 'found "architecture" twice'),
            ('{"crop_pct": Infinity}', "found Infinity, expected a number"),
            ("[" * 100000, "it nests too deep"),
            ("[]", "expected a JSON object"),
        ):
            (folder / "config.json").write_text(text)
            self.assert_refused(reason, read_timm, str(folder))

    def test_a_truncated_weights_file_is_refused(self):
        folder = self.write_timm_folder()
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-4])
        self.assert_refused("is the file complete?", read_timm, str(folder))


class TrainingCheckpointTest(ExportTest):
    METADATA = {
        "depths": "[1, 2, 1, 1]",
        "dims": "[8, 16, 24, 40]",
        "kernels": "[7, 3, 3, 3]",
        "strides": "[2, 2, 1, 2]",
        "paddings": "[3, 1, 1, 1]",
        "mean": "[0.5, 0.5, 0.5]",
        "std": "[0.25, 0.25, 0.25]",
        "classes": '["a", "b", "c", "d", "e"]',
    }

    def write(self, **metadata):
        path = self.folder / "mine.safetensors"
        parameters = tiny_parameters("sail-sg")
        path.write_bytes(safetensors_bytes(parameters, {**self.METADATA, **metadata}))
        return path

    def test_a_checkpoint_becomes_a_description(self):
        source = read_training_checkpoint(self.write())
        self.assert_tiny_weights(source.tensors)
        description = describe(source)
        self.assertEqual(description["name"], "mine")
        self.assertEqual(description["source"]["dialect"], "poolformer.cpp")
        self.assertEqual(
            description["patch_embeddings"][2], {"kernel": 3, "stride": 1, "padding": 1}
        )
        self.assertEqual(description["input"]["height"], 32)
        self.assertEqual(description["input"]["resize"]["shorter_side"], 32)
        self.assertEqual(description["labels"], list("abcde"))

    def test_metadata_that_contradicts_the_parameters_is_refused(self):
        for metadata, reason in (
            ({"depths": "[1, 1, 1, 1]"}, 'metadata: "depths" is [1, 1, 1, 1], the parameters'),
            ({"strides": "[2, 2]"}, '"strides" needs one number per stage'),
            ({"classes": '["a"]'}, '"classes" has 1 names'),
            ({"mean": "half"}, 'metadata "mean" is not JSON'),
            ({"mean": "5"}, 'metadata: "mean" is 5, expected a list'),
            ({"paddings": '["a", 1, 1, 1]'}, "expected a list, each an integer"),
            ({"classes": '"abcde"'}, "metadata: \"classes\" is 'abcde', expected a list"),
        ):
            self.assert_refused(reason, read_training_checkpoint, self.write(**metadata))

    def test_a_file_without_metadata_is_refused(self):
        path = self.folder / "bare.safetensors"
        path.write_bytes(safetensors_bytes({"a": np.ones(1, np.float32)}))
        self.assert_refused('the metadata lacks "depths"', read_training_checkpoint, path)
