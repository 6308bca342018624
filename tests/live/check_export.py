# Runs the exporter's own tests (tools/export/tests) and reports each.
# SPDX-License-Identifier: Apache-2.0
import sys
import unittest
from pathlib import Path

from report import Report

TESTS = Path(__file__).resolve().parents[2] / "tools" / "export" / "tests"


class _Result(unittest.TestResult):
    def __init__(self, report: Report):
        super().__init__()
        self.report = report
        self.broken: dict[unittest.TestCase, str] = {}

    def addError(self, test, error):
        super().addError(test, error)
        self._broke(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._broke(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._broke(test, error)

    def _broke(self, test, error):
        self.broken[test] = self._exc_info_to_string(error, test).strip().splitlines()[-1]

    def stopTest(self, test):
        super().stopTest(test)
        group, name = test.id().split(".")[-2:]
        words = name.removeprefix("test_").replace("_", " ")
        self.report.check(
            f"{group.removesuffix('Test')}: {words}",
            test not in self.broken,
            self.broken.get(test, ""),
        )


def check_export(report: Report) -> None:
    suite = unittest.defaultTestLoader.discover(str(TESTS), top_level_dir=str(TESTS))
    result = _Result(report)
    suite.run(result)
    if result.testsRun == 0:
        report.check("exporter: tests were found", False, str(TESTS))
    sys.stdout.flush()
