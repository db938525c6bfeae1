"""Several writers make one checkpoint, whole or not at all."""

import json
import os
import subprocess
import unittest

import numpy as np

import bundles
import harness
import make_golden
import roundtrip

WRITERS = 4


def some_tensors(seed=1):
    rng = np.random.default_rng(seed)
    tensors = {f"layer{i}/kernel": rng.normal(size=(50, 40)).astype(np.float32) for i in range(30)}
    return tensors | {"step": np.int64(7), "empty": np.zeros((0, 3), np.float32)}


class WritersTest(roundtrip.RoundTripTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.scratch / "model.ckpt-5"
        make_golden.save_v2(self.prefix, some_tensors())

    def share(self, writer, writers=WRITERS, session="step-5"):
        """The arguments of one writer."""
        return (
            *("save", self.prefix, self.directory, "--session", session),
            *("--writers", writers, "--writer", writer),
        )

    def session(self, name="step-5"):
        sessions = self.cairn_json("sessions", self.directory)["sessions"]
        return next(session for session in sessions if session["session"] == name)

    def test_all_at_once(self):
        environment = os.environ | {"CAIRN_SERVER": self.server.address}
        commands = [
            subprocess.Popen(
                [harness.CAIRN, *map(str, self.share(writer)), "--json"],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for writer in range(WRITERS)
        ]
        answers = [json.loads(command.communicate(timeout=120)[0]) for command in commands]
        states = sorted(answer["state"] for answer in answers)
        self.assertEqual(states, ["committed"] + ["sealed"] * (WRITERS - 1), answers)
        self.assertEqual({answer["number"] for answer in answers}, {5})
        alone = self.cairn("save", self.prefix, self.directory + "-alone")
        restored = self.restore(f"{self.directory}@5")
        self.assertEqual(bundles.files(restored), bundles.files(self.restore(alone, name="alone")))

    def test_nothing_is_seen_before_the_last(self):
        for sealed, writer in enumerate((2, 0, 3), start=1):
            answer = self.cairn_json(*self.share(writer))
            self.assertEqual((answer["state"], answer["writers_sealed"]), ("sealed", sealed))
            self.assertEqual(self.checkpoints(self.directory), [])
        self.assertIn("3 of 4 writers sealed", self.cairn(*self.share(0)))
        found = self.session()
        self.assertEqual(found["state"], "open")
        self.assertEqual(sorted(found["writers_sealed"]), ["0", "2", "3"])
        self.assertEqual(self.cairn_json(*self.share(2))["state"], "sealed", "a repeat")
        answer = self.cairn_json(*self.share(1))
        self.assertEqual((answer["state"], answer["number"]), ("committed", 5))
        self.assertEqual(self.session()["state"], "committed")
        roundtrip.assert_same_stored(self, self.restore(f"{self.directory}@5"), self.prefix)

    def test_more_writers_than_slices(self):
        states = [self.cairn_json(*self.share(w, writers=50))["state"] for w in range(50)]
        self.assertEqual(states, ["sealed"] * 49 + ["committed"])
        roundtrip.assert_same_stored(self, self.restore(f"{self.directory}@5"), self.prefix)

    def test_two_saves_at_a_time(self):
        """Each session has its own number; one that another holds is refused."""
        self.cairn(*self.share(0))
        self.assert_fails(*self.share(0, session="another"), says=("5", "step-5"))
        other = (*self.share(0, session="another"), "--number", 6)
        self.assertEqual(self.cairn_json(*other)["state"], "sealed")
        for writer in range(1, WRITERS):
            self.cairn(*self.share(writer))
            self.cairn(*self.share(writer, session="another"), "--number", 6)
        numbers = [checkpoint["number"] for checkpoint in self.checkpoints(self.directory)]
        self.assertEqual(numbers, [5, 6])

    def test_aborted(self):
        self.cairn(*self.share(0))
        self.cairn("abort", self.directory, "step-5")
        self.assertEqual(self.session()["state"], "aborted")
        self.assert_fails(*self.share(1), says=("step-5", "aborted"))
        self.assertEqual(self.checkpoints(self.directory), [])
        self.cairn("abort", self.directory, "step-5")
        self.assert_fails("abort", self.directory, "never-opened", says="never-opened")
        for writer in range(WRITERS):  # its number is free again
            self.cairn(*self.share(writer, session="step-5-again"))
        self.assertEqual([c["number"] for c in self.checkpoints(self.directory)], [5])

    def test_other_bytes_of_a_slice(self):
        """A writer of an earlier attempt with other values cannot slip in."""
        self.cairn(*self.share(0))
        make_golden.save_v2(self.prefix, some_tensors(seed=2))
        self.assert_fails(*self.share(0), says=("layer", "other content"))
        self.assertEqual(self.session()["state"], "open")

    def test_wrong_usage(self):
        whole = ("save", self.prefix, self.directory)
        for options in (
            ("--session", "s"),
            ("--writers", 2, "--writer", 0),
            ("--session", "s", "--writers", 2, "--writer", 2),
            ("--session", "s", "--writers", 0, "--writer", 0),
            ("--session", "s", "--writers", 2, "--writer", -1),
            ("--base", "latest"),
        ):
            with self.subTest(options=options):
                self.assert_fails(*whole, *options, status=harness.WRONG_USAGE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
