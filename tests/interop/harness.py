"""What the interop programs share: a real server, the real command, and a way to look at both.

Each program is a file of unittest cases that tests/run.sh runs with the Python of the TensorFlow
environment, after an optimized build. One can be run alone in the same way, with unittest's
arguments.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAIRND = ROOT / "bazel-bin/server/cairnd"
CAIRN = ROOT / "bazel-bin/client/cli/cairn"
GOLDEN = ROOT / "tests/golden"

DONE, FAILED, WRONG_USAGE = 0, 1, 2


class Server:
    """A cairnd of our own on a free port of this machine."""

    def __init__(self, data: pathlib.Path):
        self.data = data
        self.address = ""
        self._process = None

    def start(self):
        """Starts it and waits until it serves; an earlier one on the same data must have ended."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self._process = subprocess.Popen(
            [CAIRND, "--listen=127.0.0.1:0", f"--data={self.data}"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        line = self._process.stdout.readline()
        match = re.fullmatch(r"READY (\S+)\n", line)
        if not match:
            self._process.wait(30)
            raise AssertionError(f"cairnd said {line!r}, then: {self.log()}")
        self.address = match.group(1)
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return pathlib.Path(self._log.name).read_text(errors="replace")[-4000:]

    def stop(self):
        """Ends it as an operator does; it must do so cleanly."""
        self._end(self._process.terminate)
        if self._process.returncode != 0:
            raise AssertionError(f"cairnd ended with {self._process.returncode}: {self.log()}")

    def kill(self):
        """Ends it as a crash does."""
        self._end(self._process.kill)

    def _end(self, how):
        how()
        self._process.wait(60)
        self._process.stdout.close()
        self._log.close()

    def serves(self) -> bool:
        return self._process.poll() is None

    def peak_memory_mib(self) -> float:
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+) kB", status).group(1)) / 1024

    def stored_bytes(self) -> int:
        """What the data folder takes on the disk."""
        return folder_bytes(self.data)


def folder_bytes(folder: pathlib.Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass  # Renamed or removed while we look.
    return total


class Answer:
    """How a run of the command ended, and what it said."""

    def __init__(self, process: subprocess.CompletedProcess):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.command = " ".join(map(str, process.args))

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"{self.command}\nstatus {self.status}\nstdout: {self.out}\nstderr: {self.err}"


class InteropTest(unittest.TestCase):
    """A server for each class, a scratch folder for each test."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cairn-interop-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = Server(cls.folder / "data").start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        # A directory of its own, so that the tests of a class do not see each other's checkpoints.
        self.directory = "runs/" + self.id().rsplit(".", 1)[-1]

    def command(self, *arguments, server: Server | None = None) -> Answer:
        """Runs `cairn ARGUMENTS...` against the server, however it ends."""
        environment = os.environ | {"CAIRN_SERVER": (server or self.server).address}
        return Answer(
            subprocess.run(
                [CAIRN, *map(str, arguments)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
            )
        )

    def command_and_peak_mib(self, *arguments) -> tuple[Answer, float]:
        """The same, with the command's peak memory.

        A process begins with the peak of the one that started it: a small one does that here.
        """
        peak = self.scratch / "peak"
        measure = (
            "import pathlib, resource, subprocess, sys\n"
            "status = subprocess.run(sys.argv[2:]).returncode\n"
            "kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
            "pathlib.Path(sys.argv[1]).write_text(str(kib))\n"
            "sys.exit(status)"
        )
        process = subprocess.run(
            ["/usr/bin/python3", "-c", measure, peak, CAIRN, *map(str, arguments)],
            env=os.environ | {"CAIRN_SERVER": self.server.address},
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Answer(process), int(peak.read_text()) / 1024

    def cairn(self, *arguments, server: Server | None = None) -> str:
        """Runs `cairn ARGUMENTS...`, which must succeed. Returns what it printed."""
        answer = self.command(*arguments, server=server)
        self.assertEqual(answer.status, DONE, answer)
        return answer.out.removesuffix("\n")

    def cairn_json(self, *arguments, server: Server | None = None):
        """The same with --json, whose one document it returns."""
        return json.loads(self.cairn(*arguments, "--json", server=server))

    def assert_fails(
        self, *arguments, status=FAILED, says=(), server: Server | None = None
    ) -> Answer:
        """`cairn ARGUMENTS...` must end with `status`, print nothing and say all of `says`."""
        answer = self.command(*arguments, server=server)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.out, "", answer)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word.lower(), answer.err.lower(), answer)
        self.assertTrue(answer.err.strip(), "a failure must say why")
        return answer

    def assert_still_serves(self):
        self.assertTrue(self.server.serves(), "the server is gone: " + self.server.log())
        self.cairn("ls")

    def checkpoints(self, directory: str) -> list[dict]:
        """What is visible in a directory; nothing in one that is not known."""
        known = {d["directory"] for d in self.cairn_json("ls")["directories"]}
        return self.cairn_json("ls", directory)["checkpoints"] if directory in known else []

    def wait_for(self, what: str, condition, process: subprocess.Popen):
        """Waits until `condition()`, while `process` runs."""
        deadline = time.monotonic() + 120
        while not condition():
            if process.poll() is not None:
                self.fail(f"{what}: the command ended before, with {process.returncode}")
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within 120 s")
            time.sleep(0.002)

    def catch(self, what: str, condition, process: subprocess.Popen):
        """Stops `process` in the middle, when `condition()` is met; SIGCONT lets it go on.

        It runs for a moment at a time, so that it cannot end unseen on a machine that is busy.
        """
        deadline = time.monotonic() + 300
        while True:
            process.send_signal(signal.SIGSTOP)
            if process.poll() is not None:
                self.fail(f"{what}: the command ended before, with {process.returncode}")
            if condition():
                return
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within 300 s")
            process.send_signal(signal.SIGCONT)
            time.sleep(0.002)


def measured(text: str):
    """A measurement that tests/run.sh shows even if all is well."""
    print(f"\nmeasured: {text}", flush=True)  # unittest is in the middle of a line
