# Local folders of timm and transformers, checkpoints of tools/train: read without torch.
# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
from poolformer_export.describe import describe
from poolformer_export.safetensors_file import safetensors_bytes
from poolformer_export.sail_source import read_training_checkpoint
from poolformer_export.timm_source import read_timm
from poolformer_export.transformers_source import read_transformers
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
            ({"pretrained_cfg": {}}, '"input_size" is None'),
        ):
            with self.subTest(config):
                folder = self.write_timm_folder(**config)
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


class TransformersFolderTest(ExportTest):
    def test_a_folder_becomes_a_description(self):
        source = read_transformers(str(self.write_transformers_folder()))
        self.assert_tiny_weights(source.tensors)
        description = describe(source)
        self.assertEqual(description["source"]["dialect"], "transformers")
        self.assertEqual(description["head"]["order"], "norm_pool")
        self.assertEqual(description["head"]["norm"]["kind"], "group_norm")
        self.assertEqual(description["input"]["crop_rounding"], "floor")
        self.assertEqual(description["input"]["resize"]["shorter_side"], 71)
        self.assertEqual(description["input"]["mean"], [0.485, 0.456, 0.406])
        self.assertEqual(description["labels"], list("abcde"))

    def test_made_up_labels_are_none(self):
        labels = {str(i): f"LABEL_{i}" for i in range(5)}
        source = read_transformers(str(self.write_transformers_folder(id2label=labels)))
        self.assertEqual(source.labels, [])

    def test_labels_of_other_classes_are_refused(self):
        for names, found in (("abcd", "0, 1, 2, 3"), ("abcdefghi", "0, 1, 2, ..., 8")):
            labels = {str(i): name for i, name in enumerate(names)}
            folder = self.write_transformers_folder(id2label=labels)
            reason = f'"id2label" has the keys {found}, the classifier 5 classes, so expected 0'
            self.assert_refused(reason, read_transformers, str(folder))
        folder = self.write_transformers_folder(id2label={"cat": "a"})
        self.assert_refused('has the keys cat, the class', read_transformers, str(folder))
        folder = self.write_transformers_folder(id2label=None)
        self.assertEqual(read_transformers(str(folder)).labels, [])

    def test_a_size_may_be_written_in_three_ways(self):
        folder = self.write_transformers_folder()
        for size in (64, {"shortest_edge": 64}, {"height": 64, "width": 64}):
            text = json.dumps({"size": size, "crop_size": size, "crop_pct": 0.95})
            (folder / "preprocessor_config.json").write_text(text)
            preprocessing = read_transformers(str(folder)).preprocessing
            self.assertEqual((preprocessing.size, preprocessing.resize), (64, 67))

    def test_the_preprocessor_file_is_needed(self):
        folder = self.write_transformers_folder()
        (folder / "preprocessor_config.json").unlink()
        self.assert_refused(
            "preprocessor_config.json: no such file", read_transformers, str(folder)
        )

    def test_what_the_engine_cannot_do_is_refused(self):
        for field, value, reason in (
            ("do_center_crop", False, '"do_center_crop" is False'),
            ("resample", 2, '"resample" is 2, only 3'),
            ("crop_pct", 1.5, '"crop_pct" is 1.5'),
            ("crop_size", {"height": 64, "width": 32}, "expected a square"),
            ("rescale_factor", 1.0, '"rescale_factor" is 1.0'),
        ):
            with self.subTest(field):
                folder = self.write_transformers_folder({field: value})
                self.assert_refused(reason, read_transformers, str(folder))

    def test_a_config_that_contradicts_the_parameters_is_refused(self):
        folder = self.write_transformers_folder(hidden_act="gelu_new", mlp_ratio=4.0)
        self.assert_refused("'gelu_new' is not supported", read_transformers, str(folder))
        config = {"model_type": "poolformer", "mlp_ratio": 2.0}
        (folder / "config.json").write_text(json.dumps(config))
        self.assert_refused('"mlp_ratio" is 2.0, only 4', read_transformers, str(folder))


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
            ({"depths": "[1, 1, 1, 1]"}, 'metadata "depths" is [1, 1, 1, 1]'),
            ({"strides": "[2, 2]"}, '"strides" needs one number per stage'),
            ({"classes": '["a"]'}, '"classes" has 1 names'),
            ({"mean": "half"}, '"mean" is not a JSON list'),
        ):
            self.assert_refused(reason, read_training_checkpoint, self.write(**metadata))

    def test_a_file_without_metadata_is_refused(self):
        path = self.folder / "bare.safetensors"
        path.write_bytes(safetensors_bytes({"a": np.ones(1, np.float32)}))
        self.assert_refused('the metadata lacks "depths"', read_training_checkpoint, path)
