# Checkpoints in pickles, which need torch.
# SPDX-License-Identifier: Apache-2.0
import os

import numpy as np
import torch
from poolformer_export import torch_models
from poolformer_export.errors import ExportError
from poolformer_export.random_source import random_source
from poolformer_export.sail_source import read_sail_sg
from support import ExportTest, tiny_parameters


class Bomb:
    """Unpickling it would create a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


class SailTest(ExportTest):
    def save(self, content):
        path = self.folder / "poolformer.pth.tar"
        torch.save(content, path)
        return path

    def test_a_published_checkpoint_round_trips(self):
        source = random_source("s12", 5)
        model = torch_models.build_paper(source.architecture, source.tensors)
        found = read_sail_sg(self.save(model.state_dict()))
        self.assertEqual(found.name, "poolformer_s12")
        self.assertEqual(found.architecture, source.architecture)
        self.assertEqual(found.preprocessing, source.preprocessing)
        self.assertEqual(list(found.tensors), list(source.tensors))
        for name, array in source.tensors.items():
            np.testing.assert_array_equal(found.tensors[name], array, err_msg=name)

    def test_code_in_a_checkpoint_is_never_run(self):
        path = self.save({"patch_embed.proj.weight": Bomb(self.folder / "exploded")})
        with self.assertRaisesRegex(ExportError, "can hold code, are never loaded") as refused:
            read_sail_sg(path)
        self.assertNotIn("weights_only", str(refused.exception))
        self.assertFalse((self.folder / "exploded").exists())

    def test_other_contents_are_refused(self):
        self.assert_refused("expected a flat dict", read_sail_sg, self.save({"epoch": 3}))
        self.assert_refused("expected a dict", read_sail_sg, self.save([torch.ones(1)]))
        tiny = {n: torch.from_numpy(a) for n, a in tiny_parameters("sail-sg").items()}
        for odd in (torch.ones(2).to_sparse(), torch.ones(2).to(torch.float8_e4m3fn)):
            reason = f'parameter "norm.bias" has dtype {odd.dtype} and layout {odd.layout}'
            self.assert_refused(reason, read_sail_sg, self.save({"norm.bias": odd}))
        self.assert_refused("none of the published PoolFormers", read_sail_sg, self.save(tiny))
        hybrid = tiny | {"network.0.0.token_mixer.qkv.weight": torch.ones(3)}
        self.assert_refused(
            '"network.0.0.token_mixer.qkv.weight" is not understood: attention hybrids',
            read_sail_sg,
            self.save(hybrid),
        )
        unnamed = self.save({1: torch.ones(1)})
        self.assert_refused("expected a flat dict of tensors by name", read_sail_sg, unnamed)
        absent = self.folder / "absent.pth.tar"
        self.assert_refused(f"{absent}: cannot be read: No such file", read_sail_sg, absent)
        cut = self.save(tiny)
        cut.write_bytes(cut.read_bytes()[:-100])
        self.assert_refused(f"{cut}: not a complete checkpoint", read_sail_sg, cut)
