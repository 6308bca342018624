# Sessions: inputs of every format, outputs, threads, and runs that end early.
# SPDX-License-Identifier: Apache-2.0
import os
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import numpy as np
import poolformer
from poolformer import Result
from poolformer.arguments import as_array
from support import FOLDER, DLPackOnly, ModelTest, random_images, random_photo


class OldDLPack(DLPackOnly):
    """Of before DLPack 1.0, whose capsules cannot say read-only."""

    def __dlpack__(self, **_):
        return self.array.__dlpack__()


def flat(result: Result) -> list[np.ndarray]:
    return [*result[:3], *result.stage_maps]


def views(array: np.ndarray) -> dict[str, object]:
    """The same memory, by every protocol that is understood."""
    found = {"numpy": array, "DLPack": DLPackOnly(array), "old DLPack": OldDLPack(array)}
    return found | {"buffer": memoryview(array)}


class RunTest(ModelTest):
    def setUp(self):
        self.session = poolformer.Session(self.model)

    def test_logits_alone_are_a_plain_array_that_outlives_its_session(self):
        session = poolformer.Session(poolformer.load(FOLDER))
        images = random_images(2, 3, 32, 32)
        logits = session.run(images)
        del session
        self.assertEqual((logits.dtype, logits.shape), (np.float32, (2, 10)))
        self.assertTrue(logits.flags.owndata)
        self.assert_same_bits(np.from_dlpack(logits), self.session.run(images))

    def test_one_image_needs_no_batch_axis(self):
        images = random_images(2, 3, 32, 32)
        batch = self.session.run(images, features=True, stage_maps=True)
        one = self.session.run(images[1], features=True, stage_maps=True)
        self.assert_same_bits(one.logits, batch.logits[1])
        self.assert_same_bits(one.features, batch.features[1])
        for alone, batched in zip(one.stage_maps, batch.stage_maps, strict=True):
            self.assert_same_bits(alone, batched[1])

    def test_all_outputs_at_once(self):
        images = random_images(2, 3, 32, 32)
        result = self.session.run(images, probabilities=True, features=True, stage_maps=True)
        self.assert_same_bits(result.logits, self.session.run(images))
        powers = np.exp(result.logits.astype(np.float64))
        softmax = powers / powers.sum(1, keepdims=True)
        np.testing.assert_allclose(result.probabilities, softmax, rtol=1e-5)
        self.assertEqual(result.features.shape, (2, self.model.info.num_features))
        self.assertEqual(
            [stage_map.shape for stage_map in result.stage_maps],
            [(2, 64, 16, 16), (2, 128, 8, 8), (2, 192, 8, 8), (2, 256, 4, 4)],
        )
        self.assertIsNone(self.session.run(images, features=True).probabilities)

    def test_out_receives_the_logits(self):
        images, block = random_images(2, 3, 32, 32), np.full((3, 10), np.nan, np.float32)
        out = block[:2]
        self.assertIs(self.session.run(images, out=out), out)
        self.assert_same_bits(block[:2], self.session.run(images))
        self.assertTrue(np.isnan(block[2]).all())
        result = self.session.run(images, out=out, probabilities=True)
        self.assertIs(result.logits, out)

    def test_every_output_may_be_the_callers_memory_of_any_kind(self):
        images = random_images(2, 3, 32, 32)
        wanted = {"probabilities": True, "features": True, "stage_maps": True}
        expected = self.session.run(images, **wanted)
        for kind in views(images):
            with self.subTest(kind):
                own = Result(
                    *(np.full_like(array, np.nan) for array in expected[:3]),
                    [np.full_like(array, np.nan) for array in expected.stage_maps],
                )
                found = self.session.run(
                    views(images)[kind],
                    out=views(own.logits)[kind],
                    probabilities=views(own.probabilities)[kind],
                    features=views(own.features)[kind],
                    stage_maps=[views(array)[kind] for array in own.stage_maps],
                )
                for filled, array, right in zip(*map(flat, (own, found, expected)), strict=True):
                    self.assert_same_bits(filled, right)
                    self.assertTrue(np.shares_memory(array, filled))
                    self.assertTrue(array.flags.writeable)
                    self.assertEqual(array is filled, kind == "numpy")

    def test_one_output_may_be_passed_alone(self):
        images, features = random_images(3, 32, 32), np.empty(256, np.float32)
        result = self.session.run(images, features=features)
        self.assertIs(result.features, features)
        self.assertIsNone(result.probabilities)
        self.assertIsNone(result.stage_maps)

    def test_dlpack_is_viewed_not_copied(self):
        images = random_images(2, 3, 32, 32)
        self.assertTrue(np.shares_memory(as_array("x", DLPackOnly(images)), images))
        self.assert_same_bits(self.session.run(DLPackOnly(images)), self.session.run(images))

    def test_input_formats(self):
        photo = random_photo(40, 48)
        size = {"input_size": (40, 48)}
        settings = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}
        pixels = ((photo / 255 - settings["mean"]) / settings["std"]).astype(np.float32)
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        run = {
            input_format: poolformer.Session(self.model, input_format=input_format, **size).run(x)
            for input_format, x in {
                "nchw_f32": planes,
                "nhwc_f32": pixels,
                "nhwc_u8": photo,
            }.items()
        }
        self.assert_same_bits(run["nhwc_f32"], run["nchw_f32"])
        np.testing.assert_allclose(run["nhwc_u8"], run["nchw_f32"], atol=1e-4)

    def test_threads_teams_and_batches_change_no_bit(self):
        images = random_images(3, 3, 32, 32)
        expected = self.session.run(images)
        team = poolformer.Team(2, spin_us=10, cpus=np.array([0, 0]))
        sessions = [
            poolformer.Session(self.model, threads=2),
            poolformer.Session(self.model, threads=2, batch=3, spin_us=10, cpus=[0]),
            poolformer.Session(self.model, team=team),
            poolformer.Session(self.model, team=team, batch=3),
        ]
        del team
        for session in sessions:
            self.assertEqual(session.info.num_threads, 2)
            self.assert_same_bits(session.run(images), expected)

    def test_the_cpu_budget_is_at_most_the_affinity(self):
        allowed = os.sched_getaffinity(0)
        self.assertIn(poolformer.cpu_budget(), range(1, len(allowed) + 1))
        try:
            os.sched_setaffinity(0, {min(allowed)})
            self.assertEqual(poolformer.cpu_budget(), 1)
        finally:
            os.sched_setaffinity(0, allowed)

    def test_the_info_tells_sizes(self):
        info = poolformer.Session(self.model, input_size=64).info
        self.assertEqual((info.input_size, info.num_threads), ((64, 64), 1))
        self.assertGreater(info.macs, self.session.info.macs)
        self.assertGreater(info.arena_bytes, self.session.info.arena_bytes)


class EarlyEndTest(ModelTest):
    def setUp(self):
        self.session = poolformer.Session(self.model)
        self.expected = self.session.run(random_images(3, 32, 32))

    def tearDown(self):
        self.assert_same_bits(self.session.run(random_images(3, 32, 32)), self.expected)

    def test_a_timeout(self):
        error = self.assert_refused(
            poolformer.DeadlineExceeded,
            "timeout",
            self.session.run,
            random_images(100, 3, 32, 32),
            timeout=0.001,
        )
        self.assertIs(error.status, poolformer.Status.DEADLINE_EXCEEDED)
        self.session.run(random_images(3, 32, 32), timeout=60)
        self.session.run(random_images(3, 32, 32), timeout=float("inf"))

    def test_a_timeout_of_the_session_is_that_of_runs_without_their_own(self):
        session, images = poolformer.Session(self.model, timeout=0), random_images(3, 32, 32)
        self.assert_refused(poolformer.DeadlineExceeded, "timeout", session.run, images)
        for timeout in (60, float("inf")):
            self.assert_same_bits(session.run(images, timeout=timeout), self.expected)
        patient = poolformer.Session(self.model, timeout=60)
        self.assert_same_bits(patient.run(images), self.expected)
        self.assert_refused(
            poolformer.DeadlineExceeded, "timeout", patient.run, images, timeout=1e-6
        )

    def test_a_second_run_is_refused_and_the_first_cancelled(self):
        """Which takes that the GIL is released: both runs take seconds."""
        self.session.cancel()  # of nothing
        images = np.zeros((3000, 3, 32, 32), np.float32)
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(self.session.run, images) for _ in range(2)]
            (refused,), (running,) = wait(runs, return_when=FIRST_COMPLETED)
            self.assertIs(type(refused.exception()), poolformer.Busy)
            self.session.cancel()
            self.assertIs(type(running.exception()), poolformer.Cancelled)
