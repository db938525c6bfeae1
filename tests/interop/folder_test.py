"""Whole folders: `cairn import` and `cairn export` beside managers, Savers and Keras callbacks."""

import os
import pathlib
import random
import shutil
import subprocess
import unittest
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.python.checkpoint import checkpoint_management

import bundles
import harness

HOUR = 3600.0


class Clock:
    """The time that managers see instead of the machine's."""

    def __init__(self, now: float = 1_700_000_000.25):
        self.now = now

    def time(self) -> float:
        return self.now


class Trainer:
    """Saves into a folder as a program in training does, at a time of ours."""

    def __init__(self, folder: pathlib.Path, clock: Clock, **options):
        self.folder, self.clock = folder, clock
        self.value = tf.Variable(np.zeros(7, np.float32))
        checkpoint = tf.train.Checkpoint(value=self.value)
        with mock.patch.object(checkpoint_management, "time", clock):
            self.manager = tf.train.CheckpointManager(checkpoint, str(folder), **options)

    def save(self, after: float, number: int | None = None) -> str:
        self.clock.now += after
        self.value.assign_add(np.arange(7, dtype=np.float32))
        with mock.patch.object(checkpoint_management, "time", self.clock):
            path = self.manager.save(checkpoint_number=number)
        os.utime(path + ".index", (self.clock.now, self.clock.now))
        return path


def index_names(folder: pathlib.Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.index"))


def state_text(folder: pathlib.Path) -> str:
    return (folder / "checkpoint").read_text()


class FolderTest(harness.InteropTest):
    def setUp(self):
        super().setUp()
        self.folder = self.scratch / "run"
        self.exported = self.scratch / "exported"
        self.clock = Clock()

    def names(self, directory=None) -> list[str]:
        """The checkpoints of the directory by the names they had, in order of commit."""
        answer = self.cairn_json("import", self.folder, directory or self.directory)
        self.assertEqual(answer["imported"], [], "a second import has nothing to do")
        self.assertEqual(answer["missing"], [])
        return answer["skipped"]

    def listed(self) -> list[dict]:
        return self.cairn_json("ls", self.directory)["checkpoints"]

    def assert_same_checkpoints(self, folder: pathlib.Path, original: pathlib.Path):
        self.assertEqual(index_names(folder), index_names(original))
        for name in index_names(original):
            bundles.assert_same(self, bundles.read(folder / name), bundles.read(original / name))

    def assert_goes_on_alike(self, saves=6, after=0.4 * HOUR, **options):
        """A manager on a copy of the original and one on the exported folder do the same."""
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder, copy)
        results = []
        for folder in (copy, self.exported):
            trainer = Trainer(folder, Clock(self.clock.now + 60.0), **options)
            steps = [sorted(pathlib.Path(p).name for p in trainer.manager.checkpoints)]
            for i in range(saves):
                trainer.save(after, number=1000 + i)
                steps.append((index_names(folder), state_text(folder)))
            results.append(steps)
        for ours, theirs in zip(results[1], results[0], strict=True):
            self.assertEqual(ours, theirs)

    def round_trip(self):
        """Through the server and back; what TensorFlow says of the folder, we say."""
        printed = self.cairn("import", self.folder, self.directory).splitlines()
        listed = self.listed()
        self.assertEqual(printed, [c["reference"] for c in listed])
        state = tf.train.get_checkpoint_state(str(self.folder))
        names = [os.path.basename(p) for p in state.all_model_checkpoint_paths]
        count = len(names)
        self.assertEqual(self.names()[-count:], names)
        self.assertTrue(all(c["preserved"] for c in listed[:-count]))
        self.assertFalse(any(c["preserved"] for c in listed[-count:]))
        self.assertEqual(self.cairn("latest", self.directory), printed[-1])
        self.assertEqual(os.path.basename(state.model_checkpoint_path), names[-1])
        self.cairn("export", self.directory, self.exported)
        self.assert_same_checkpoints(self.exported, self.folder)
        self.assertEqual(
            os.path.basename(tf.train.latest_checkpoint(str(self.exported))), names[-1]
        )

    def test_a_managers_folder_with_preserved_checkpoints(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=2, keep_checkpoint_every_n_hours=1)
        for _ in range(9):
            trainer.save(25 * 60 + 0.1)
        self.round_trip()
        listed = self.listed()
        self.assertGreater(len(listed), 3, "some were preserved")
        self.assertEqual([c["number"] for c in listed], sorted(c["number"] for c in listed))
        self.assertEqual(state_text(self.exported), state_text(self.folder))
        self.assert_goes_on_alike(max_to_keep=2, keep_checkpoint_every_n_hours=1)

    def test_numbers_out_of_order_and_saved_again(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=4)
        for number in (5, 9, 0, 7, 5):
            trainer.save(10.0, number)
        self.round_trip()
        self.assertEqual([c["number"] for c in self.listed()], [9, 0, 7, 5])
        self.assertEqual(state_text(self.exported), state_text(self.folder))
        self.assert_goes_on_alike(max_to_keep=3)

    def test_any_history_goes_on_as_it_would_have(self):
        for seed in range(8):
            chance = random.Random(seed)
            self.folder = self.scratch / f"run-{seed}"
            self.exported = self.scratch / f"exported-{seed}"
            self.directory = f"runs/history-{seed}"
            self.clock = Clock(1_700_000_000.0 + chance.random())
            options = {
                "max_to_keep": chance.choice([1, 2, 3, None]),
                "keep_checkpoint_every_n_hours": chance.choice([None, 0.5, 1.0]),
            }
            for _ in range(2):  # managers come and go
                trainer = Trainer(self.folder, self.clock, **options)
                for _ in range(chance.randrange(2, 6)):
                    trainer.save(chance.uniform(1.0, HOUR), chance.choice([None, 3, 20]))
                self.clock.now += chance.uniform(2.0, 2 * HOUR)
            with self.subTest(seed=seed, **options):
                self.round_trip()
                self.assertEqual(state_text(self.exported), state_text(self.folder))
                self.assert_goes_on_alike(
                    max_to_keep=chance.choice([1, 2, 4]),
                    keep_checkpoint_every_n_hours=chance.choice([None, 0.5, 1.0]),
                )

    def test_times_are_those_of_the_state_file(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        trainer.save(0.5)
        self.cairn("import", self.folder, self.directory)
        self.assertEqual(self.listed()[0]["save_time"], "2023-11-14T22:13:20.75Z")

    def saver_folder(self, **options) -> pathlib.Path:
        """What a Saver leaves, with absolute paths, moved to where they mean nothing."""
        there = self.scratch / "there"
        there.mkdir()
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            weights = tf.compat.v1.get_variable("dense/kernel", initializer=tf.ones([3, 4]))
            session.run(tf.compat.v1.global_variables_initializer())
            saver = tf.compat.v1.train.Saver(**options)
            for step in (1000, 2000, 3000, 4000):
                session.run(tf.compat.v1.assign_add(weights, tf.ones([3, 4])))
                saver.save(session, str(there / "model.ckpt"), global_step=step)
                for file in there.glob(f"model.ckpt-{step}*"):
                    os.utime(file, (self.clock.now + step,) * 2)
        there.rename(self.folder)
        self.assertIn(str(there), state_text(self.folder))
        return self.folder

    def test_a_savers_folder_from_another_machine(self):
        self.saver_folder(max_to_keep=3)
        printed = self.cairn("import", self.folder, self.directory).splitlines()
        self.assertEqual(printed, [f"{self.directory}@{n}" for n in (2000, 3000, 4000)])
        self.cairn("export", self.directory, self.exported)
        self.assert_same_checkpoints(self.exported, self.folder)
        state = tf.train.get_checkpoint_state(str(self.exported))
        self.assertEqual(state.all_model_checkpoint_timestamps, [])
        self.assertNotIn("/", state_text(self.exported))
        # A manager treats what a Saver listed as preserved, and never deletes it.
        self.clock.now += 5000.0
        self.assert_goes_on_alike(max_to_keep=1)
        for step in (2000, 3000, 4000):
            self.assertIn(f"model.ckpt-{step}", index_names(self.exported))

    def test_a_saver_that_lists_the_newest_alone(self):
        self.saver_folder(max_to_keep=0)
        self.cairn("import", self.folder, self.directory)
        listed = self.listed()
        self.assertEqual([c["number"] for c in listed], [1000, 2000, 3000, 4000])
        self.assertEqual([c["preserved"] for c in listed], [True, True, True, False])
        self.assertEqual(self.cairn("latest", self.directory), f"{self.directory}@4000")

    def test_a_savers_folder_in_the_format_before_bundles(self):
        version = tf.compat.v1.train.SaverDef.V1
        self.saver_folder(max_to_keep=3, write_version=version)
        state = self.folder / "checkpoint"
        text = state.read_text().splitlines(keepends=True)
        state.write_text("".join(line for line in text if "-2000" not in line))
        self.cairn("import", self.folder, self.directory)
        listed = self.listed()
        self.assertEqual([c["number"] for c in listed], [2000, 3000, 4000])
        self.assertEqual([c["preserved"] for c in listed], [True, False, False])
        self.cairn("export", self.directory, self.exported)
        for step in (2000, 3000, 4000):
            name = f"model.ckpt-{step}"
            bundles.assert_same(
                self, bundles.read(self.exported / name), bundles.read(self.folder / name)
            )

    def test_weights_of_every_epoch(self):
        # As Keras 2's callback with cp-{epoch:04d}.ckpt: Checkpoint.write, then the state file.
        value = tf.Variable([1.0, 2.0])
        for epoch in (1, 2, 3):
            value.assign_add([1.0, 1.0])
            path = tf.train.Checkpoint(value=value).write(str(self.folder / f"cp-{epoch:04d}.ckpt"))
            checkpoint_management.update_checkpoint_state_internal(
                str(self.folder), path, [path], save_relative_paths=True
            )
            os.utime(path + ".index", (self.clock.now + epoch,) * 2)
        self.round_trip()
        self.assertEqual([c["number"] for c in self.listed()], [1, 2, 3])
        self.assertEqual(self.names(), ["cp-0001.ckpt", "cp-0002.ckpt", "cp-0003.ckpt"])
        self.assertEqual(state_text(self.exported), state_text(self.folder))
        self.assert_goes_on_alike(max_to_keep=1)

    def test_a_folder_without_a_state_file(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        for number in (3, 1, 2):
            trainer.save(10.0, number)
        (self.folder / "checkpoint").unlink()
        self.cairn("import", self.folder, self.directory)
        listed = self.listed()
        self.assertEqual([c["number"] for c in listed], [3, 1, 2])
        self.assertTrue(all(c["preserved"] for c in listed))
        self.cairn("export", self.directory, self.exported)
        self.assertEqual(
            tf.train.latest_checkpoint(str(self.exported)), str(self.exported / "ckpt-2")
        )
        # A manager of the original would know none of them, and delete none.
        Trainer(self.exported, Clock(self.clock.now + 60), max_to_keep=1).save(1.0, 50)
        self.assertEqual(index_names(self.exported), ["ckpt-1", "ckpt-2", "ckpt-3", "ckpt-50"])

    def test_what_the_server_saved_itself_is_taken_up_by_a_manager(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        for _ in range(3):
            self.cairn("save", trainer.save(1.0), self.directory)
        self.cairn("export", self.directory, self.exported)
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(value=trainer.value), str(self.exported), max_to_keep=2
        )
        self.assertEqual([os.path.basename(p) for p in manager.checkpoints][-1], "ckpt-3")
        manager.save(checkpoint_number=4)
        self.assertEqual(index_names(self.exported), ["ckpt-3", "ckpt-4"])

    def test_a_folder_that_gained_checkpoints_is_continued(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=2)
        for expected in ([1, 2], [3, 4], [5, 6]):
            trainer.save(10.0)
            trainer.save(10.0)
            printed = self.cairn("import", self.folder, self.directory).splitlines()
            self.assertEqual(printed, [f"{self.directory}@{n}" for n in expected])
            self.assertEqual(
                self.cairn_json("latest", self.directory)["number"],
                int(trainer.manager.latest_checkpoint.rsplit("-", 1)[1]),
            )
        answer = self.command("import", self.folder, self.directory)
        self.assertEqual((answer.status, answer.out), (harness.DONE, ""), answer)
        self.assertIn("nothing to import", answer.err)

    def test_a_checkpoint_that_was_saved_again_is_not_passed_over(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        trainer.save(10.0, 1)
        trainer.save(10.0, 2)
        self.cairn("import", self.folder, self.directory)
        trainer.save(10.0, 1)
        self.assert_fails("import", self.folder, self.directory, says=("ckpt-1", "saved again"))
        self.cairn("rm", f"{self.directory}@1")
        self.assertEqual(self.cairn("import", self.folder, self.directory), f"{self.directory}@1")
        self.assertEqual(self.cairn("latest", self.directory), f"{self.directory}@1")

    def test_an_order_that_would_change_the_latest_is_refused(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        for _ in range(3):
            trainer.save(10.0)
        hidden = self.scratch / "hidden"
        hidden.mkdir()
        for path in self.folder.glob("ckpt-2.*"):
            shutil.move(path, hidden / path.name)
        self.cairn("import", self.folder, self.directory, "--skip-missing")
        for path in hidden.iterdir():
            shutil.move(path, self.folder / path.name)
        before = self.listed()
        self.assert_fails("import", self.folder, self.directory, says=("ckpt-2", "latest"))
        self.assertEqual(self.listed(), before)

    def test_missing_checkpoints_are_refused_by_name_or_skipped(self):
        trainer = Trainer(self.folder, self.clock, max_to_keep=None)
        for _ in range(4):
            trainer.save(10.0)
        for name in ("ckpt-1.index", "ckpt-3.index"):
            (self.folder / name).unlink()
        self.assert_fails(
            "import", self.folder, self.directory, says=("ckpt-1, ckpt-3", "--skip-missing")
        )
        self.assertEqual(self.checkpoints(self.directory), [])
        answer = self.cairn_json("import", self.folder, self.directory, "--skip-missing")
        self.assertEqual([c["number"] for c in answer["imported"]], [2, 4])
        self.assertEqual(answer["missing"], ["ckpt-1", "ckpt-3"])

    def test_damaged_state_files_are_refused(self):
        Trainer(self.folder, self.clock, max_to_keep=None).save(1.0)
        good = state_text(self.folder)
        for bad in ("", "garbage", good.replace("timestamps: 1", "timestamps: nan # 1")):
            (self.folder / "checkpoint").write_text(bad)
            self.assert_fails("import", self.folder, self.directory, says="checkpoint")
        self.assertEqual(self.checkpoints(self.directory), [])

    def test_export_replaces_nothing_without_force(self):
        Trainer(self.folder, self.clock, max_to_keep=None).save(1.0)
        self.cairn("import", self.folder, self.directory)
        before = {p.name: p.read_bytes() for p in self.folder.iterdir()}
        self.assert_fails("export", self.directory, self.folder, says=("ckpt-1.index", "--force"))
        self.assertEqual({p.name: p.read_bytes() for p in self.folder.iterdir()}, before)
        self.cairn("export", self.directory, self.folder, "--force")
        self.assertEqual(state_text(self.folder), before["checkpoint"].decode())


class InterruptedFolderTest(harness.InteropTest):
    COUNT, ELEMENTS = 4, 6_000_000

    def setUp(self):
        super().setUp()
        self.folder = self.scratch / "run"
        self.exported = self.scratch / "exported"
        value = tf.Variable(np.zeros(self.ELEMENTS, np.float32))
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(value=value), str(self.folder), max_to_keep=None
        )
        for _ in range(self.COUNT):
            value.assign_add(np.random.default_rng(7).random(self.ELEMENTS, np.float32))
            manager.save()

    def start(self, server: harness.Server, *arguments) -> subprocess.Popen:
        environment = os.environ | {"CAIRN_SERVER": server.address}
        process = subprocess.Popen(
            [harness.CAIRN, *map(str, arguments)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.stderr.close)
        return process

    def numbers(self, server: harness.Server) -> list[int]:
        known = {d["directory"] for d in self.cairn_json("ls", server=server)["directories"]}
        if self.directory not in known:
            return []
        return [
            c["number"] for c in self.cairn_json("ls", self.directory, server=server)["checkpoints"]
        ]

    def assert_all_once(self, server: harness.Server, already: int):
        answer = self.cairn_json("import", self.folder, self.directory, server=server)
        self.assertGreaterEqual(len(answer["skipped"]), already)
        self.assertEqual(self.numbers(server), [1, 2, 3, 4])
        self.cairn("export", self.directory, self.exported, server=server)
        for number in range(1, self.COUNT + 1):
            bundles.assert_same(
                self,
                bundles.read(self.exported / f"ckpt-{number}"),
                bundles.read(self.folder / f"ckpt-{number}"),
            )

    def test_an_import_that_was_killed_goes_on(self):
        process = self.start(self.server, "import", self.folder, self.directory)
        self.wait_for("two checkpoints", lambda: len(self.numbers(self.server)) >= 2, process)
        process.kill()
        process.wait()
        self.assertLess(len(self.numbers(self.server)), self.COUNT, "it was interrupted")
        self.assert_all_once(self.server, already=2)

    def test_an_import_whose_server_was_killed_goes_on(self):
        server = harness.Server(self.scratch / "data").start()
        process = self.start(server, "import", self.folder, self.directory)
        self.wait_for("a checkpoint", lambda: len(self.numbers(server)) >= 1, process)
        server.kill()
        process.kill()
        process.wait()
        server.start()
        self.addCleanup(server.stop)
        self.assertLess(len(self.numbers(server)), self.COUNT, "it was interrupted")
        self.assert_all_once(server, already=1)

    def test_an_export_that_was_killed_looks_unfinished_and_goes_on(self):
        self.cairn("import", self.folder, self.directory)
        process = self.start(self.server, "export", self.directory, self.exported)
        journal = self.exported / ".cairn-export"
        self.wait_for(
            "a checkpoint", lambda: journal.exists() and "ckpt-1" in journal.read_text(), process
        )
        process.kill()
        process.wait()
        self.assertIsNone(tf.train.latest_checkpoint(str(self.exported)))
        answer = self.cairn_json("export", self.directory, self.exported)
        self.assertIn("ckpt-1", answer["skipped"])
        self.assertNotIn("ckpt-4", answer["skipped"])
        self.assertEqual(state_text(self.exported), state_text(self.folder))
        self.assertEqual(
            sorted(path.name for path in self.exported.iterdir()),
            sorted(path.name for path in self.folder.iterdir()),
        )
        for name in index_names(self.folder):
            bundles.assert_same(
                self, bundles.read(self.exported / name), bundles.read(self.folder / name)
            )


if __name__ == "__main__":
    unittest.main(verbosity=2)
