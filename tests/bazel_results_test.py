"""Shows that a test target without a result of its own counts as failed."""

import io
import json
import pathlib
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from unittest import mock

import bazel_results


def summary(label, status):
    return json.dumps(
        {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}}
    )


class BazelResultsTest(unittest.TestCase):
    def lines(self, expected, events):
        """What it prints for these labels and lines of the event file (None: there is none)."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "expected").write_text("".join(label + "\n" for label in expected))
            if events is not None:
                (folder / "events").write_text("\n".join(events))
            arguments = [
                "bazel_results.py",
                "unit",
                str(folder / "expected"),
                str(folder / "events"),
            ]
            with (
                mock.patch.object(sys, "argv", arguments),
                redirect_stdout(io.StringIO()) as printed,
            ):
                bazel_results.main()
            return printed.getvalue().splitlines()

    def test_only_passed_passes(self):
        statuses = ("PASSED", "FAILED", "TIMEOUT", "FLAKY", "NO_STATUS")
        labels = [f"//a:{status}" for status in statuses]
        printed = self.lines(labels, [summary(label, label[4:]) for label in labels])
        self.assertEqual(printed[0], "passed unit: //a:PASSED")
        for line, status in zip(printed[1:], statuses[1:], strict=True):
            self.assertEqual(line, f"failed unit: //a:{status} ({status})")

    def test_target_without_result_has_failed(self):
        other = [summary("//a:b", "PASSED"), '{"id":{"progress":{}}}', '{"id":{"testSumm']
        for events in (other, [], None):
            self.assertEqual(self.lines(["//a:a"], events), ["failed unit: //a:a (NOT_BUILT)"])

    def test_no_target_at_all_has_failed(self):
        self.assertEqual(self.lines([], []), ["failed unit: there is no test target"])


if __name__ == "__main__":
    unittest.main()
