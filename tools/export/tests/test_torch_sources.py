# Live models of timm and transformers, which need torch.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json

import numpy as np
import torch
from poolformer_export import torch_models
from poolformer_export.safetensors_file import read_safetensors, safetensors_bytes
from poolformer_export.timm_source import from_timm_model, read_timm
from poolformer_export.transformers_source import (
    from_transformers_model,
    load_pretrained,
    read_transformers,
)
from support import ExportTest


@contextlib.contextmanager
def replaced(model, path: str, part):
    """The model with another part, or setting, at that path."""
    parent, _, name = path.rpartition(".")
    owner = model.get_submodule(parent)
    before = getattr(owner, name, None)
    setattr(owner, name, part)
    try:
        yield
    finally:
        setattr(owner, name, before)


class TimmTest(ExportTest):
    def test_a_live_model_and_its_saved_folder_are_the_same_source(self):
        timm = torch_models.import_timm()
        model = timm.create_model("poolformer_m36", num_classes=7)
        live = from_timm_model(model, "live")
        self.assertEqual(live.name, "poolformer_m36")
        self.assertEqual(live.architecture.head_order, "pool_norm")
        self.assertEqual((live.preprocessing.size, live.preprocessing.resize), (224, 235))
        timm.models.save_for_hf(model, self.folder / "saved", safe_serialization=True)
        saved = read_timm(str(self.folder / "saved"))
        self.assertEqual(saved.architecture, live.architecture)
        self.assertEqual(saved.preprocessing, live.preprocessing)
        for name, array in live.tensors.items():
            np.testing.assert_array_equal(saved.tensors[name], array, err_msg=name)

    def test_other_models_are_refused_by_name(self):
        timm = torch_models.import_timm()
        for name, reason in (
            ("poolformerv2_s12", "is a PoolFormerV2"),
            ("resnet18", "is not a PoolFormer"),
        ):
            self.assert_refused(reason, from_timm_model, timm.create_model(name), "live")

    def test_dropout_and_other_ways_to_average_change_nothing(self):
        timm = torch_models.import_timm()
        plain = from_timm_model(timm.create_model("poolformer_s12"), "live")
        model = timm.create_model(
            "poolformer_s12",
            drop_path_rate=0.1,
            proj_drop_rate=0.1,
            drop_rate=0.1,
            global_pool="fastavg",
        )
        self.assertEqual(from_timm_model(model, "live").architecture, plain.architecture)

    def test_settings_that_the_engine_knows_are_kept(self):
        timm = torch_models.import_timm()
        model = timm.create_model("poolformer_s12", pool_size=5)
        for block in (block for stage in model.stages for block in stage.blocks):
            block.norm1.eps = block.norm2.eps = 0.01
            block.mlp.act = torch.nn.SiLU()
        model.head.norm.eps = 0.02
        model.stages[3].downsample.conv.stride = (1, 1)
        found = from_timm_model(model, "live").architecture
        self.assertEqual((found.pool_size, found.activation), (5, "silu"))
        self.assertEqual((found.norm.eps, found.head_norm.eps), (0.01, 0.02))
        self.assertEqual(found.embeddings, ((7, 4, 2), (3, 2, 1), (3, 2, 1), (3, 1, 1)))

    def test_a_part_that_is_not_poolformers_is_refused(self):
        nn = torch.nn
        model = torch_models.import_timm().create_model("poolformer_s12")
        block = "stages.1.blocks.0"
        for path, part, reason in (
            (f"{block}.mlp.act", nn.GELU(approximate="tanh"), "approximate 'tanh', only 'none'"),
            (f"{block}.mlp.act", nn.Tanh(), "is Tanh, expected GELU or ReLU or SiLU"),
            (f"{block}.mlp.act", nn.ReLU(), "differ in activation: ['gelu', 'relu']"),
            (f"{block}.mlp.norm", nn.ReLU(), "is ReLU, expected Identity"),
            (f"{block}.res_scale1", nn.ReLU(), "is ReLU, expected Identity"),
            (f"{block}.token_mixer", nn.Identity(), "is Identity, expected Pooling"),
            (f"{block}.token_mixer.pool", nn.AvgPool2d(3, 1, 1), "has count_include_pad True"),
            (f"{block}.token_mixer.pool", nn.MaxPool2d(3, 1, 1), "is MaxPool2d, expected AvgPool"),
            (f"{block}.norm2", nn.GroupNorm(2, 128), "is GroupNorm, expected GroupNorm1"),
            (f"{block}.extra", nn.ReLU(), "is ReLU, which no PoolFormer has"),
            ("stem.norm", nn.ReLU(), "is ReLU, expected Identity"),
            ("stages.0.downsample", nn.ReLU(), "is ReLU, expected Identity"),
            ("stem.conv", nn.Conv2d(3, 64, 7, (4, 2), 2), "the same along height and width"),
            ("stem.conv", nn.Conv2d(3, 64, 7, 1, "same"), "the same along height and width"),
            ("stem.conv", nn.Conv2d(3, 64, 7, 4, 2, 2), "has dilation (2, 2), only (1, 1)"),
            ("head.norm", nn.LayerNorm(512), "is LayerNorm, expected LayerNorm2d"),
            ("head.flatten", nn.Flatten(2), "has start_dim 2, only 1"),
        ):
            with self.subTest(path, reason=reason), replaced(model, path, part):
                self.assert_refused(reason, from_timm_model, model, "live")

    def test_pools_that_are_not_averages_are_refused(self):
        timm = torch_models.import_timm()
        model = timm.create_model("poolformer_s12")
        for kind in ("max", "avgmax", "fastmax", ""):
            model.reset_classifier(1000, global_pool=kind)
            reason = '"head.global_pool.pool" of the timm model is '
            self.assert_refused(reason, from_timm_model, model, "live")
        model.reset_classifier(1000, global_pool="avg")
        for size, reason in (
            ((3, 3), "has kernel_size (3, 3), expected an odd number"),
            (4, "has kernel_size 4, expected an odd number"),
            (5, "has padding 1, only 2"),
        ):
            model.stages[2].blocks[5].token_mixer.pool.kernel_size = size
            self.assert_refused(reason, from_timm_model, model, "live")


class TransformersTest(ExportTest):
    def test_a_live_model_and_its_saved_folder_are_the_same_source(self):
        transformers = torch_models.import_transformers()
        module = transformers.models.poolformer.image_processing_pil_poolformer
        processor = module.PoolFormerImageProcessorPil(crop_pct=0.95)
        config = transformers.PoolFormerConfig(num_labels=3)
        model = transformers.PoolFormerForImageClassification(config)
        live = from_transformers_model(model, processor.to_dict(), "live")
        self.assertEqual(live.preprocessing.resize, 235)
        model.save_pretrained(self.folder / "saved")
        processor.save_pretrained(self.folder / "saved")
        saved = read_transformers(str(self.folder / "saved"))
        self.assertEqual(saved.architecture, live.architecture)
        self.assertEqual(saved.preprocessing, live.preprocessing)
        for name, array in live.tensors.items():
            np.testing.assert_array_equal(saved.tensors[name], array, err_msg=name)

    def test_without_a_processor_the_published_settings_are_taken(self):
        transformers = torch_models.import_transformers()
        config = transformers.PoolFormerConfig(
            depths=[6, 6, 18, 6], hidden_sizes=[96, 192, 384, 768]
        )
        model = transformers.PoolFormerForImageClassification(config)
        self.assertEqual(from_transformers_model(model, None, "live").preprocessing.resize, 235)

    def new_model(self, **config):
        transformers = torch_models.import_transformers()
        return transformers.PoolFormerForImageClassification(
            transformers.PoolFormerConfig(**config)
        )

    def test_what_drops_in_training_changes_nothing(self):
        plain, model = self.new_model(), self.new_model(drop_path_rate=0.1)
        self.assertEqual(
            from_transformers_model(model, None, "live").architecture,
            from_transformers_model(plain, None, "live").architecture,
        )

    def test_activations_are_known_by_their_modules(self):
        for name in ("gelu", "relu", "silu", "swish"):
            model = self.new_model(hidden_act=name)
            found = from_transformers_model(model, None, "live").architecture.activation
            self.assertEqual(found, name.replace("swish", "silu"))

    def test_settings_that_the_engine_knows_are_kept(self):
        """As the modules have them, which the configuration does not know."""
        model = self.new_model()
        for block in (block for stage in model.poolformer.encoder.block for block in stage):
            block.before_norm.eps = block.after_norm.eps = 0.01
            block.output.act_fn = torch.nn.ReLU()
            block.pooling.pool = torch.nn.AvgPool2d(5, 1, 2, count_include_pad=False)
        model.norm.eps = 0.02
        model.poolformer.encoder.patch_embeddings[3].projection.stride = (1, 1)
        source = from_transformers_model(model, None, "live")
        found = source.architecture
        self.assertEqual((found.pool_size, found.activation), (5, "relu"))
        self.assertEqual((found.norm.eps, found.head_norm.eps), (0.01, 0.02))
        self.assertEqual(found.embeddings, ((7, 4, 2), (3, 2, 1), (3, 2, 1), (3, 1, 1)))
        reason = "transformers has no PoolFormer with norm Norm(kind='group_norm', eps=0.01)"
        self.assert_refused(reason, torch_models.build, source)

    def test_a_part_that_is_not_poolformers_is_refused(self):
        nn, model = torch.nn, self.new_model()
        encoder = "poolformer.encoder"
        block, embedding = f"{encoder}.block.1.0", f"{encoder}.patch_embeddings.0"
        activation = f"{block}.output.act_fn"
        chain = nn.Sequential(*model.get_submodule(f"{encoder}.block.1"))
        for path, part, reason in (
            (activation, nn.GELU("tanh"), "has approximate 'tanh', only 'none'"),
            (activation, nn.Tanh(), "is Tanh, expected GELUActivation or GELU or ReLU or SiLU"),
            (activation, nn.ReLU(), "differ in activation: ['gelu', 'relu']"),
            (f"{block}.pooling", nn.Identity(), "is Identity, expected PoolFormerPooling"),
            (f"{block}.pooling.pool", nn.AvgPool2d(3, 1, 1), "has count_include_pad True"),
            (f"{block}.pooling.pool", nn.MaxPool2d(3, 1, 1), "is MaxPool2d, expected AvgPool2d"),
            (f"{block}.pooling.pool.kernel_size", 5, "has padding 1, only 2"),
            (f"{block}.after_norm", nn.GroupNorm(2, 128), "is GroupNorm, expected PoolFormerGroup"),
            (f"{block}.after_norm.num_groups", 2, "has num_groups 2, only 1"),
            (f"{block}.after_norm.eps", 0.01, "differ in eps: [0.01, 1e-05]"),
            (f"{block}.use_layer_scale", False, "has use_layer_scale False, only True"),
            (f"{block}.drop_path", nn.ReLU(), "is ReLU, expected PoolFormerDropPath or Identity"),
            (f"{block}.output.drop", nn.ReLU(), "is ReLU, expected PoolFormerDropPath or Identity"),
            (f"{block}.output.conv1.padding", (1, 1), "has padding (1, 1), only (0, 0)"),
            (f"{block}.extra", nn.ReLU(), "is ReLU, which no PoolFormer has"),
            (f"{encoder}.block.1", chain, "is Sequential, expected ModuleList"),
            (f"{embedding}.norm", nn.ReLU(), "is ReLU, expected Identity"),
            (f"{embedding}.projection.dilation", (2, 2), "has dilation (2, 2), only (1, 1)"),
            (f"{embedding}.projection.stride", (4, 2), "the same along height and width"),
            ("norm", nn.LayerNorm(512), "is LayerNorm, expected PoolFormerGroupNorm"),
        ):
            with self.subTest(path, reason=reason), replaced(model, path, part):
                self.assert_refused(reason, from_transformers_model, model, None, "live")

    def test_parameters_that_from_pretrained_makes_up_or_drops_are_refused(self):
        transformers = torch_models.import_transformers()
        module = transformers.models.poolformer.image_processing_pil_poolformer
        saved = self.folder / "saved"
        self.new_model(depths=[1] * 4, hidden_sizes=[8] * 4).save_pretrained(saved)
        module.PoolFormerImageProcessorPil().save_pretrained(saved)
        load_pretrained(transformers, str(saved))
        parameters, metadata = read_safetensors(saved / "model.safetensors")
        bias = {"norm.bias": parameters.pop("norm.bias")}
        for change, problem in (
            ({}, 'parameter "norm.bias" is missing'),
            ({**bias, "norm.extra": np.ones(8)}, 'parameter "norm.extra" is unexpected'),
            ({"norm.bias": np.ones(7)}, 'parameter "norm.bias" is mismatched'),
        ):
            content = safetensors_bytes({**parameters, **change}, metadata)
            (saved / "model.safetensors").write_bytes(content)
            self.assert_refused(problem, load_pretrained, transformers, str(saved))

    def test_a_bare_encoder_is_refused(self):
        transformers = torch_models.import_transformers()
        model = transformers.PoolFormerModel(transformers.PoolFormerConfig())
        model.save_pretrained(self.folder / "saved")
        (self.folder / "saved" / "preprocessor_config.json").write_text(json.dumps({}))
        self.assert_refused("is not understood", read_transformers, str(self.folder / "saved"))
