# A process that ends while daemon threads are inside the library.
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import textwrap
import unittest

from support import FOLDER


class ExitTest(unittest.TestCase):
    def test_threads_inside_runs_do_not_disturb_the_end_of_a_process(self):
        script = textwrap.dedent(
            """
            import sys, threading, time
            import numpy as np
            import poolformer

            model = poolformer.load(sys.argv[1])
            images = np.zeros((3, 32, 32), np.float32)
            started = threading.Barrier(3)

            def serve():
                session = poolformer.Session(model)
                session.run(images)
                started.wait()
                while True:
                    session.run(images)

            class Slow:
                def __del__(self):
                    time.sleep(0.2)  # while Python is being finalised, and lets threads run

            slow = Slow()
            for _ in range(2):
                threading.Thread(target=serve, daemon=True).start()
            started.wait()
            """
        )
        for _ in range(3):
            end = subprocess.run(
                [sys.executable, "-c", script, FOLDER], capture_output=True, text=True, timeout=60
            )
            self.assertEqual((end.returncode, end.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
