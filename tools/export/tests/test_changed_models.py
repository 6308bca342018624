# Live models that no longer compute what their types do: refused, with the module's path.
# SPDX-License-Identifier: Apache-2.0
import copy

import torch
from poolformer_export import torch_models
from poolformer_export.timm_source import from_timm_model
from poolformer_export.transformers_source import from_transformers_model
from support import ExportTest


def other(images, *_):
    return images


def parametrize(module):
    torch.nn.utils.parametrize.register_parametrization(module, "weight", torch.nn.Identity())


def compute_otherwise(module):
    module.forward = other


CHANGES = (
    (compute_otherwise, "has a forward of its own (other)"),
    (lambda module: module.register_forward_pre_hook(other), "has a forward pre-hook (other)"),
    (lambda module: module.register_forward_hook(other), "has a forward hook (other)"),
)
PARAMETRIZATION = (parametrize, "has a parametrization of weight")  # of a module with a weight


def impostor(name: str):
    """A module whose class has that name, and nothing else."""
    return type(name, (torch.nn.Identity,), {"__module__": "elsewhere"})()


class ChangedModelsTest(ExportTest):
    def assert_changes_refused(self, model, library: str, convolution: str, export):
        """Changes of the model as a whole and of a convolution inside."""
        inside = f'module "{convolution}" of the {library} model'
        for path, where in (("", f"the {library} model"), (convolution, inside)):
            for change, words in (*CHANGES, PARAMETRIZATION) if path else CHANGES:
                changed = copy.deepcopy(model)
                change(changed.get_submodule(path))
                with self.subTest(path=path, words=words):
                    self.assert_refused(f"{where} {words}", export, changed)

    def assert_impostors_refused(self, model, paths: tuple[str, ...], export):
        """Parts of a class that only has the right name."""
        for path in paths:
            changed = copy.deepcopy(model)
            parent, _, name = path.rpartition(".")
            kind = type(model.get_submodule(path))
            setattr(changed.get_submodule(parent), name, impostor(kind.__name__))
            words = f"is elsewhere.{kind.__name__}, expected {kind.__module__}.{kind.__name__}"
            with self.subTest(path=path):
                self.assert_refused(f'module "{path}" of the ', export, changed)
                self.assert_refused(words, export, changed)

    def test_timms(self):
        def export(model):
            return from_timm_model(model, "live")

        model = torch_models.import_timm().create_model("poolformer_s12")
        self.assert_changes_refused(model, "timm", "stages.1.blocks.0.mlp.fc1", export)
        impostors = ("stages.1.blocks.0.token_mixer", "stages.1.blocks.0.drop_path1", "head.drop")
        self.assert_impostors_refused(model, impostors, export)
        compiled = torch.compile(model)
        self.assert_refused("is OptimizedModule, expected MetaFormer", export, compiled)
        model.compile()  # compiles the calls of the model, which stays what it was
        self.assertEqual(export(model).name, "poolformer_s12")

    def test_transformers(self):
        def export(model):
            return from_transformers_model(model, None, "live")

        transformers = torch_models.import_transformers()
        model = transformers.PoolFormerForImageClassification(transformers.PoolFormerConfig())
        block = "poolformer.encoder.block.1.0"
        convolution = f"{block}.output.conv1"
        self.assert_changes_refused(model, "transformers", convolution, export)
        impostors = (f"{block}.pooling", f"{block}.pooling.pool", f"{block}.output.act_fn")
        self.assert_impostors_refused(model, impostors, export)
        words = "is PoolFormerModel, expected PoolFormerForImageClassification"
        self.assert_refused(words, export, model.poolformer)
