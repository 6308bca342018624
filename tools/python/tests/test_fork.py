# Processes that are forked after a model was loaded, as servers do.
# SPDX-License-Identifier: Apache-2.0
import os
import signal

import numpy as np
import poolformer
from support import ModelTest, random_images


class ForkTest(ModelTest):
    def run_in_a_child(self, function) -> np.ndarray:
        """The logits that function() returns in a forked child."""
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(sending, function().tobytes())
            finally:
                os._exit(0)
        os.close(sending)
        with os.fdopen(receiving, "rb") as pipe:
            logits = np.frombuffer(pipe.read(), np.float32)
        os.waitpid(child, 0)
        return logits

    def test_children_classify_though_a_thread_of_their_parent_does(self):
        photo = np.full((32, 32, 3), 128, np.uint8)
        expected = np.float32([score for _, score in self.model.classify(photo)])

        def scores():
            signal.alarm(60)  # ends a child that waits for ever
            return np.float32([score for _, score in self.model.classify(photo)])

        with self.model._lock:  # as another thread holds it
            found = self.run_in_a_child(scores)
        self.assert_same_bits(found, expected)

    def test_children_run_the_model_and_sessions_of_their_parent(self):
        images = random_images(3, 32, 32)
        session = poolformer.Session(self.model, threads=2)
        expected = session.run(images)
        for run in (
            lambda: poolformer.Session(self.model, threads=2).run(images),
            lambda: session.run(images),
        ):
            self.assert_same_bits(self.run_in_a_child(run), expected)
