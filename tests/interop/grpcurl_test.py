"""The grpcurl commands that stand in README.md, run as they stand there by the real program."""

import json
import os
import re
import shlex
import subprocess
import unittest

import bundles
import harness

README = harness.ROOT / "README.md"
ADDRESS = "localhost:7070"
SERVICE = "cairn.v1.CheckpointService"


def commands_in(text: str) -> list[str]:
    """All commands in fenced blocks of a Markdown text that start with `grpcurl`."""
    commands = []
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for command in block.replace("\\\n", " ").splitlines():
            command = command.strip().removeprefix("$ ")
            if command.startswith("grpcurl "):
                commands.append(command)
    return commands


class GrpcurlTest(harness.InteropTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # They build on each other as in the README: all are run once, in order.
        cls.commands = commands_in(README.read_text())
        cls.answers = [(command, cls.run_command(command)) for command in cls.commands]

    @classmethod
    def run_command(cls, command: str) -> str:
        words = shlex.split(command.replace(ADDRESS, cls.server.address), comments=True)
        words[0] = os.environ["CAIRN_GRPCURL"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def answer(self, word: str) -> str:
        """What the first command that ends in `word` printed."""
        for command, answer in self.answers:
            if shlex.split(command, comments=True)[-1].endswith(word):
                return answer
        self.fail(f"README.md has no grpcurl command that ends in {word!r}; it has {self.commands}")

    def request(self, method: str) -> dict:
        for command in self.commands:
            if command.endswith(method):
                words = shlex.split(command)
                return json.loads(words[words.index("-d") + 1])
        self.fail(f"README.md has no grpcurl command for {method}")

    def call(self, method: str, request: dict):
        """A call that does not stand in the README."""
        line = (
            f"grpcurl -plaintext -d {shlex.quote(json.dumps(request))} {ADDRESS} {SERVICE}/{method}"
        )
        return json.loads(self.run_command(line))

    def test_lists_the_services(self):
        services = self.answer("list").split()
        for service in (SERVICE, "cairn.v1.TransferService", "grpc.health.v1.Health"):
            self.assertIn(service, services)

    def test_describes_a_service(self):
        described = self.answer(SERVICE)
        for method in ("ListCheckpoints", "SaveCheckpoint", "OpenRestore"):
            self.assertIn(f"rpc {method} ", described)

    def test_saves_three_numbers_inline(self):
        request = self.request("SaveCheckpoint")
        (tensor,) = request["tensors"]
        self.assertEqual(len(tensor["values"]), 3)
        saved = json.loads(self.answer("SaveCheckpoint"))
        self.assertEqual(saved["directory"], request["directory"])
        self.assertRegex(saved["uid"], "^[0-9a-f]{32}$")
        # int64 prints as a string in protobuf's JSON.
        self.assertEqual(saved["tensor_count"], "1")

    def test_lists_checkpoints(self):
        saved = json.loads(self.answer("SaveCheckpoint"))
        listed = json.loads(self.answer("ListCheckpoints"))["checkpoints"]
        self.assertIn((saved["uid"], saved["number"]), [(c["uid"], c["number"]) for c in listed])

    def test_finds_the_latest(self):
        saved = json.loads(self.answer("SaveCheckpoint"))
        latest = json.loads(self.answer("GetLatestCheckpoint"))
        self.assertEqual((latest["uid"], latest["number"]), (saved["uid"], saved["number"]))

    def test_previews_a_tensor_by_its_plain_key(self):
        (tensor,) = self.request("SaveCheckpoint")["tensors"]
        preview = json.loads(self.answer("PreviewTensor"))
        self.assertEqual(preview["tensor"]["key"], tensor["key"])
        self.assertEqual(preview["values"], tensor["values"])
        self.assertEqual(preview["element_count"], "3")

    def test_health_check_answers(self):
        self.assertEqual(json.loads(self.answer("Health/Check")), {"status": "SERVING"})

    def test_original_name_is_an_annotation(self):
        self.cairn("save", harness.GOLDEN / "shards/model-7", self.directory)
        checkpoint = self.call("GetCheckpoint", {"directory": self.directory})
        self.assertEqual(checkpoint["annotations"], {"tensorflow.prefix": "model-7"})
        self.assertEqual(checkpoint["number"], "7")

    def test_what_grpcurl_saves_the_command_restores(self):
        self.call(
            "SaveCheckpoint",
            {"directory": self.directory, "tensors": [{"key": "a/b", "values": [1, 2.5, -3]}]},
        )
        output = self.scratch / "out/ckpt"
        self.cairn("restore", f"{self.directory}@latest", "--output", output)
        value = bundles.read(output)["a/b"]
        self.assertEqual((str(value.dtype), value.tolist()), ("float32", [1.0, 2.5, -3.0]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
