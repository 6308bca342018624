# Local folders of transformers: read without torch.
# SPDX-License-Identifier: Apache-2.0
import json

from poolformer_export.describe import describe
from poolformer_export.transformers_source import read_transformers
from support import ExportTest


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

    def preprocessing(self, **processor):
        return read_transformers(str(self.write_transformers_folder(processor))).preprocessing

    def test_a_size_may_be_written_in_several_ways(self):
        square = {"height": 64, "width": 64}
        for size in (64, {"shortest_edge": 64}, square):
            for crop_size in (64, square):
                found = self.preprocessing(size=size, crop_size=crop_size, crop_pct=0.95)
                self.assertEqual((found.size, found.resize), (64, 67))

    def test_without_crop_pct_the_size_is_the_shorter_side(self):
        for size in (72, {"shortest_edge": 72}):
            self.assertEqual(self.preprocessing(size=size, crop_pct=None).resize, 72)
        folder = self.write_transformers_folder()
        text = json.dumps({"size": 240})
        (folder / "preprocessor_config.json").write_text(text)
        self.assertEqual(read_transformers(str(folder)).preprocessing.resize, 266)

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
            ("crop_pct", "x", "\"crop_pct\" is 'x', expected a number"),
            ("crop_size", {"height": 64, "width": 32}, "expected one number as height and width"),
            ("crop_size", {"shortest_edge": 64}, "expected one number as height and width"),
            ("crop_size", None, 'crop_size: "height" is None, expected an integer'),
            ("size", {"longest_edge": 64}, "expected one number as shortest_edge or height and"),
            ("size", {"shortest_edge": 64, "longest_edge": 64}, "expected one number as shortest"),
            ("size", {}, '"size" is {}, expected one number'),
            ("size", True, 'size: "shortest_edge" is True, expected an integer'),
            ("size", 64.0, 'size: "shortest_edge" is 64.0, expected an integer'),
            ("resample", None, '"resample" is None, only 3'),
            ("do_resize", None, '"do_resize" is None, only True'),
            ("image_mean", None, '"image_mean" is None, expected a list'),
            ("rescale_factor", None, '"rescale_factor" is None, expected a number'),
            ("do_pad", True, '"do_pad" is True, only false'),
            ("default_to_square", True, '"default_to_square" is True, only False'),
            ("image_processor_type", "ViTImageProcessor", "expected one of PoolFormer"),
            ("rescale_factor", 1.0, '"rescale_factor" is 1.0'),
        ):
            with self.subTest(field):
                folder = self.write_transformers_folder({field: value})
                self.assert_refused(reason, read_transformers, str(folder))
        distorting = {"size": {"height": 72, "width": 72}, "crop_pct": None}
        folder = self.write_transformers_folder(distorting)
        self.assert_refused("number as shortest_edge", read_transformers, str(folder))

    def test_a_config_that_contradicts_the_parameters_is_refused(self):
        for field, value, told in (
            ("depths", [2, 2, 6, 2], "[1, 2, 1, 1]"),
            ("hidden_sizes", [8, 16, 24], "[8, 16, 24, 40]"),
            ("num_encoder_blocks", 3, "4"),
            ("patch_sizes", 7, "[7, 3, 3, 3]"),
            ("mlp_ratio", 2.0, "4"),
            ("use_layer_scale", False, "True"),
            ("num_labels", 2, "5"),
        ):
            with self.subTest(field):
                folder = self.write_transformers_folder(**{field: value})
                reason = f'config.json: "{field}" is {value}, the parameters say {told}'
                self.assert_refused(reason, read_transformers, str(folder))
        folder = self.write_transformers_folder()
        (folder / "config.json").write_text("{}")
        self.assert_refused('"depths" is [2, 2, 6, 2], the', read_transformers, str(folder))

    def test_fields_of_a_wrong_type_are_refused(self):
        for field, value, reason in (
            ("hidden_act", "gelu_new", "'gelu_new' is not supported"),
            ("hidden_act", ["gelu"], "is ['gelu'], expected a string"),
            ("strides", None, "is None, expected a list"),
            ("strides", [4, 2, 2, 4.5], "each an integer, 4 in all"),
            ("strides", [4, 2, 2], "each an integer, 4 in all"),
            ("padding", ["a", 1, 1, 1], "is ['a', 1, 1, 1], expected a list, each an integer"),
            ("pool_size", "x", "is 'x', expected an integer"),
            ("id2label", list("abcde"), "expected an object"),
            ("id2label", {"0": 5}, 'id2label: "0" is 5, expected a string'),
        ):
            with self.subTest(field, value=value):
                folder = self.write_transformers_folder(**{field: value})
                self.assert_refused(reason, read_transformers, str(folder))
        folder = self.write_transformers_folder({"rescale_factor": "x"})
        self.assert_refused("is 'x', expected a number", read_transformers, str(folder))
