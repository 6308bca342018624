# The name table and the checks on parameters.
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from poolformer_export.layout import Parameters, tensor_shapes
from poolformer_export.names import DIALECTS, to_dialect, to_neutral
from poolformer_export.random_source import published_architecture
from support import TINY, ExportTest, tiny_parameters

# Parameters of the published models (facts of the papers' repositories).
PUBLISHED_PARAMETERS = {
    "s12": 11_915_176,
    "s24": 21_388_968,
    "s36": 30_862_760,
    "m36": 56_172_520,
    "m48": 73_473_448,
}


class NamesTest(ExportTest):
    def test_every_name_survives_the_way_there_and_back(self):
        for dialect in DIALECTS:
            for name in tensor_shapes(published_architecture("m48")):
                self.assertEqual(to_neutral(dialect, to_dialect(dialect, name)), name)

    def test_the_dialects_write_their_own_names(self):
        self.assertEqual(to_dialect("sail-sg", "embed.3.bias"), "network.5.proj.bias")
        self.assertEqual(to_dialect("sail-sg", "s2.b4.ls1"), "network.4.4.layer_scale_1")
        self.assertEqual(to_dialect("timm", "s2.b4.ls2"), "stages.2.blocks.4.layer_scale2.scale")
        self.assertEqual(to_dialect("timm", "embed.1.weight"), "stages.1.downsample.conv.weight")
        self.assertEqual(
            to_dialect("transformers", "s1.b0.fc2.weight"),
            "poolformer.encoder.block.1.0.output.conv2.weight",
        )

    def test_a_stage_where_a_patch_embedding_belongs_is_no_name(self):
        self.assertIsNone(to_neutral("sail-sg", "network.1.0.norm1.weight"))
        self.assertIsNone(to_neutral("sail-sg", "network.2.proj.weight"))

    def test_published_sizes_have_the_published_parameter_counts(self):
        for size, expected in PUBLISHED_PARAMETERS.items():
            shapes = tensor_shapes(published_architecture(size)).values()
            self.assertEqual(sum(int(np.prod(shape)) for shape in shapes), expected)


class LayoutTest(ExportTest):
    def check(self, parameters):
        return Parameters("timm", parameters).check(TINY)

    def test_linear_layers_may_be_convolutions(self):
        self.assert_tiny_weights(self.check(tiny_parameters("timm")))

    def test_a_missing_parameter_is_named(self):
        parameters = tiny_parameters("timm")
        del parameters["stages.1.blocks.1.mlp.fc2.bias"]
        self.assert_refused('"stages.1.blocks.1.mlp.fc2.bias" is missing', self.check, parameters)

    def test_a_misshaped_parameter_is_named_with_both_shapes(self):
        parameters = tiny_parameters("timm")
        parameters["stages.2.blocks.0.norm1.weight"] = np.ones(23, np.float32)
        self.assert_refused(
            '"stages.2.blocks.0.norm1.weight" has shape [23], expected [24]',
            self.check,
            parameters,
        )

    def test_a_parameter_without_a_place_is_named(self):
        parameters = tiny_parameters("timm")
        parameters["stages.4.blocks.0.norm1.weight"] = np.ones(8, np.float32)
        self.assert_refused('"stages.4.blocks.0.norm1.weight" has no place', self.check, parameters)

    def test_a_missing_stage_is_named(self):
        parameters = {
            name: array
            for name, array in tiny_parameters("timm").items()
            if not name.startswith("stages.2.blocks")
        }
        self.assert_refused(
            '"stages.2.blocks.0.norm1.weight" is missing', Parameters("timm", parameters).shapes
        )

    def test_a_second_name_for_a_place_is_refused(self):
        for dialect, name, own in (
            ("timm", "stages.00.blocks.0.norm1.bias", "stages.0.blocks.0.norm1.bias"),
            ("timm", "stages.0.blocks.\u0660.norm1.bias", "stages.0.blocks.0.norm1.bias"),
            ("timm", "stages.0.downsample.conv.bias", "stem.conv.bias"),
            ("sail-sg", "network.02.0.norm1.bias", "network.2.0.norm1.bias"),
        ):
            parameters = tiny_parameters(dialect) | {name: np.ones(8, np.float32)}
            reason = f'parameter "{name}" is not understood: the name for its place is "{own}"'
            self.assert_refused(reason, Parameters, dialect, parameters)

    def test_blocks_are_numbered_without_a_gap(self):
        for number, missing in ((123456789, "blocks.1"), (2, "blocks.1")):
            name = f"stages.0.blocks.{number}.norm1.weight"
            parameters = tiny_parameters("timm") | {name: np.ones(8, np.float32)}
            reason = f'"stages.0.{missing}.norm1.weight" is missing'
            self.assert_refused(reason, Parameters("timm", parameters).shapes)
        for name in ("stages.0.blocks.1234567890.norm1.weight", "stages.9999999999.blocks.0.norm1"):
            parameters = tiny_parameters("timm") | {name: np.ones(8, np.float32)}
            self.assert_refused(f'"{name}" is not understood', Parameters, "timm", parameters)

    def test_shapes_that_tell_nothing_are_refused(self):
        for name, array, found in (
            ("stages.0.blocks.0.mlp.fc1.weight", np.array(1.0), "[], expected 2 or 4 dimensions"),
            ("stem.conv.weight", np.ones((0, 3, 7, 7)), "[0, 3, 7, 7], which is empty"),
            ("head.fc.weight", np.ones(5), "[5], expected 2 dimensions"),
        ):
            parameters = tiny_parameters("timm") | {name: array}
            reason = f'parameter "{name}" has shape {found}'
            self.assert_refused(reason, lambda: Parameters("timm", parameters).shapes())

    def test_strangers_are_refused_with_the_reason(self):
        strangers = {
            "stages.0.blocks.0.token_mixer.qkv.weight": "attention hybrids are not supported",
            "stages.3.blocks.0.token_mixer.fc.weight": "spatial_fc hybrids are not supported",
            "stem.norm.weight": "PoolFormerV2",
            "stages.2.blocks.0.res_scale1.scale": "PoolFormerV2",
            "backbone.stem.conv.weight": "wrapped checkpoints are not supported",
            "pos_embed": "attention hybrids are not supported",
            "nonsense": "belongs to no PoolFormer",
        }
        for name, reason in strangers.items():
            parameters = tiny_parameters("timm") | {name: np.ones(1, np.float32)}
            self.assert_refused(f'parameter "{name}" is not understood: ', self.check, parameters)
            self.assert_refused(reason, self.check, parameters)

    def test_values_that_are_not_finite_or_not_floating_point_are_refused(self):
        for value, reason in (
            (np.full(8, np.nan, np.float32), "NaN or infinity"),
            (np.full(8, 1e300), "NaN or infinity"),
            (np.ones(8, np.int64), "dtype int64"),
        ):
            parameters = tiny_parameters("timm") | {"stem.conv.bias": value}
            self.assert_refused(reason, self.check, parameters)
