# What sessions and teams refuse, and in which words.
# SPDX-License-Identifier: Apache-2.0
import resource
from pathlib import Path

import numpy as np
import poolformer
from support import DLPackOnly, ModelTest, random_images


class RefusalTest(ModelTest):
    def setUp(self):
        self.session = poolformer.Session(self.model)
        self.images = random_images(2, 3, 32, 32)

    def test_inputs(self):
        images = self.images
        for kind, words, wrong in (
            (TypeError, "x is of type list, expected a numpy array", images.tolist()),
            (TypeError, "x has dtype float64, expected float32", images.astype(np.float64)),
            (TypeError, "x has dtype >f4, expected float32", images.astype(">f4")),
            (ValueError, "x has shape (2, 3, 32, 31), expected (3, 32, 32) or", images[..., :31]),
            (ValueError, "x has shape (32, 32)", images[0, 0]),
            (ValueError, "x has shape (1, 2, 3, 32, 32)", images[None]),
            (ValueError, "x has shape (0, 3, 32, 32)", images[:0]),
            (ValueError, "is not C-contiguous", images.transpose(0, 1, 3, 2)),
            (ValueError, "is not C-contiguous", images[::-1]),
        ):
            with self.subTest(words):
                self.assert_refused(kind, words, self.session.run, wrong)

    def test_what_dlpack_cannot_give_is_a_value_error(self):
        class Elsewhere(DLPackOnly):
            def __dlpack__(self, **_):
                raise BufferError("on another device")

        wrong = Elsewhere(self.images)
        words = "x: numpy cannot view this Elsewhere: on another device"
        self.assert_refused(ValueError, words, self.session.run, wrong)

    def test_outputs(self):
        read_only = np.empty((2, 10), np.float32)
        read_only.flags.writeable = False
        for kind, words, wrong in (
            (TypeError, "out is of type list", [0.0] * 10),
            (TypeError, "out is of type bool", False),
            (ValueError, "out: numpy cannot view this DLPackOnly", DLPackOnly(read_only)),
            (ValueError, "out is read-only", memoryview(read_only)),
            (TypeError, "out has dtype float64", np.empty((2, 10))),
            (ValueError, "out has shape (10,), expected (2, 10)", np.empty(10, np.float32)),
            (ValueError, "out with shape", np.empty((10, 2), np.float32).T),
            (ValueError, "out is read-only", read_only),
            (ValueError, "overlaps the input", self.images.reshape(-1)[:20].reshape(2, 10)),
        ):
            with self.subTest(words):
                self.assert_refused(kind, words, self.session.run, self.images, out=wrong)

    def test_other_outputs(self):
        short, found = np.empty((2, 9), np.float32), "has shape (2, 9), expected (2, 10)"
        maps = [np.empty((2, *shape), np.float32) for shape in self.session._stage_shapes]
        for kind, words, wrong in (
            (ValueError, f"probabilities {found}", {"probabilities": short}),
            (TypeError, "features is of type int", {"features": 1}),
            (TypeError, "stage_maps is of type ndarray", {"stage_maps": maps[0]}),
            (ValueError, "stage_maps has 3 arrays, expected 4", {"stage_maps": maps[:3]}),
            (TypeError, "stage_maps[3] is of type NoneType", {"stage_maps": [*maps[:3], None]}),
            (ValueError, "stage_maps[0] has shape", {"stage_maps": maps[::-1]}),
        ):
            with self.subTest(words):
                self.assert_refused(kind, words, self.session.run, self.images, **wrong)

    def test_outputs_that_overlap(self):
        memory = np.empty(1000, np.float32)
        first, sharing_a_float = memory[:20].reshape(2, 10), memory[19:39].reshape(2, 10)
        features = memory[10:522].reshape(2, 256)
        *maps, last = (np.empty((2, *shape), np.float32) for shape in self.session._stage_shapes)
        inside = maps[0].reshape(-1)[: last.size].reshape(last.shape)
        in_a_map = {"features": maps[0].reshape(-1)[:512].reshape(2, 256)}
        for words, wrong in (
            ("probabilities overlaps logits", {"out": first, "probabilities": first}),
            ("probabilities overlaps logits", {"out": first, "probabilities": sharing_a_float}),
            ("features overlaps probabilities", {"probabilities": first, "features": features}),
            ("stage_maps overlaps features", {**in_a_map, "stage_maps": [*maps, last]}),
            ("stage_maps overlaps stage_maps", {"stage_maps": [*maps, inside]}),
        ):
            with self.subTest(words):
                self.assert_refused(ValueError, words, self.session.run, self.images, **wrong)

    def test_options(self):
        for kind, words, wrong in (
            (ValueError, "threads is 0", {"threads": 0}),
            (TypeError, "threads is '2'", {"threads": "2"}),
            (ValueError, "batch is -1", {"batch": -1}),
            (ValueError, "input_size is 0", {"input_size": (32, 0)}),
            (TypeError, "input_size is 1.5", {"input_size": 1.5}),
            (ValueError, "input_format is 'rgb'", {"input_format": "rgb"}),
            (ValueError, "input_size is (32,), expected a number", {"input_size": (32,)}),
            (TypeError, "cpus is 1, expected a list", {"threads": 2, "cpus": 1}),
            (ValueError, "cpus is -1", {"threads": 2, "cpus": [-1]}),
            (ValueError, "with a team", {"threads": 2, "team": poolformer.Team(1)}),
            (TypeError, "team is of type int, expected a poolformer.Team", {"team": 2}),
            (ValueError, "timeout is -1", {"timeout": -1}),
            (TypeError, "timeout is '1', expected seconds", {"timeout": "1"}),
        ):
            with self.subTest(words):
                self.assert_refused(kind, words, poolformer.Session, self.model, **wrong)
        words = "model is of type str, expected a poolformer.Model"
        self.assert_refused(TypeError, words, poolformer.Session, "models/poolformer_c10")
        self.assert_refused(ValueError, "num_threads is 0", poolformer.Team, 0)
        for timeout in (-1, float("nan")):
            self.assert_refused(
                ValueError, "timeout is", self.session.run, self.images, timeout=timeout
            )

    def test_threads_that_the_system_does_not_start(self):
        """Because their stacks have no room in what this process may address."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + 2**26
        try:
            resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
            self.assert_refused(MemoryError, "cannot start 199 threads", poolformer.Team, 200)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
