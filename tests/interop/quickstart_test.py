"""deploy/quickstart.sh, as a newcomer runs it."""

import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

QUICKSTART = harness.ROOT / "deploy/quickstart.sh"


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cairn-quickstart-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_to_its_end(self, *arguments):
        return subprocess.run(
            [QUICKSTART, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=900
        )

    def start(self):
        """Starts it and reads on to the line that says it is ready. Returns process and address."""
        process = subprocess.Popen(
            [QUICKSTART, "--port", "0"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        said = ""
        for line in process.stdout:
            said += line
            if match := re.fullmatch(r"READY (127\.0\.0\.1:\d+)\n", line):
                return process, match.group(1)
        self.fail(f"it ended with {process.wait()}: {said}")

    def test_once_shows_everything_and_may_be_repeated(self):
        for _ in range(2):
            done = self.run_to_its_end("--port=0", "--once", "--data", "store")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for words in (
                "quickstart/mnist@10",
                "cairn.v1.CheckpointService/ListCheckpoints",
                "model/l1/_kernel/.ATTRIBUTES/VARIABLE_VALUE",
                "ckpt-10.index",
            ):
                self.assertIn(words, done.stdout)
            self.assertRegex(done.stdout, re.compile(r"^READY 127\.0\.0\.1:\d+$", re.MULTILINE))
        self.assertTrue(
            (self.folder / "store").is_dir(), "--data is relative to where it was called"
        )

    def test_serves_until_it_is_told_to_stop(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(how=how.name):
                process, address = self.start()
                listed = subprocess.run(
                    [harness.CAIRN, f"--server={address}", "latest", "quickstart/mnist"],
                    capture_output=True,
                    text=True,
                )
                self.assertEqual(listed.stdout, "quickstart/mnist@10\n", listed.stderr)
                process.send_signal(how)
                rest = process.stdout.read()
                self.assertEqual(process.wait(60), 0, rest)
                gone = subprocess.run(
                    [harness.CAIRN, f"--server={address}", "ls"], capture_output=True
                )
                self.assertEqual(gone.returncode, harness.FAILED, "the server must be gone too")

    def test_port_in_use_fails_and_says_so(self):
        process, address = self.start()
        port = address.rsplit(":", 1)[1]
        done = self.run_to_its_end("--port", port, "--once", "--data", "other")
        self.assertEqual(done.returncode, 1)
        self.assertIn(port, done.stderr)
        process.terminate()
        self.assertEqual(process.wait(60), 0)

    def test_help_and_wrong_usage(self):
        for option in ("--help", "-h"):
            done = self.run_to_its_end(option)
            self.assertEqual(done.returncode, 0)
            for words in ("--port", "--data", "--once"):
                self.assertIn(words, done.stdout)
        for arguments in (
            ["--frobnicate"],
            ["--port"],
            ["--port", "x"],
            ["--port=65536"],
            ["--data="],
        ):
            with self.subTest(arguments=arguments):
                done = self.run_to_its_end(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("--help", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
