# Report: prints one line a check and counts them.
# SPDX-License-Identifier: Apache-2.0
import time


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._start = time.monotonic()

    def section(self, title: str) -> None:
        print(f"\n{title} ({time.monotonic() - self._start:.0f} s)", flush=True)

    def check(self, name: str, is_right: bool, detail: str = "") -> None:
        if is_right:
            self.passed += 1
        else:
            self.failed += 1
        word = "ok  " if is_right else "FAIL"
        print(f"{word} {name}{': ' + detail if detail else ''}", flush=True)

    def note(self, text: str) -> None:
        """Something that was not checked, said aloud."""
        print(f"note {text}", flush=True)

    def summary(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"
