"""tf.train.CheckpointManager: ten checkpoints through the server, and lists that agree."""

import os
import unittest

import tensorflow as tf

import bundles
import harness
import make_golden


def number_of(path: str) -> int:
    return int(path.rsplit("-", 1)[1])


class ManagerTest(harness.InteropTest):
    def manager(self, **options):
        """A manager over a model in training, and the next step of that."""
        model = make_golden.Net()
        optimizer, step = make_golden.trainer(model)
        checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
        folder = self.scratch / "run"
        return tf.train.CheckpointManager(checkpoint, str(folder), **options), step

    def assert_agrees(self, folder: str):
        """Our list and our latest are TensorFlow's."""
        state = tf.train.get_checkpoint_state(folder)
        listed = self.cairn_json("ls", self.directory)["checkpoints"]
        self.assertEqual(
            [c["number"] for c in listed], [number_of(p) for p in state.all_model_checkpoint_paths]
        )
        latest = self.cairn_json("latest", self.directory)
        self.assertEqual(latest["number"], number_of(tf.train.latest_checkpoint(folder)))
        self.assertEqual(latest["uid"], listed[-1]["uid"])
        self.assertEqual(self.cairn("latest", self.directory), latest["reference"])

    def test_ten_checkpoints_go_through_and_lists_agree_all_the_way(self):
        manager, step = self.manager(max_to_keep=None)
        for number in range(1, 11):
            step()
            manager.save()
            # The folder stands for its latest checkpoint, as it does for TensorFlow.
            self.assertEqual(
                self.cairn("save", manager.directory, self.directory), f"{self.directory}@{number}"
            )
            self.assert_agrees(manager.directory)
        for path in manager.checkpoints:
            output = self.scratch / "restored" / os.path.basename(path)
            self.cairn("restore", f"{self.directory}@{number_of(path)}", "--output", output)
            bundles.assert_same(self, bundles.read(output), bundles.read(path))
            self.assertEqual(tf.train.latest_checkpoint(str(output.parent)), str(output))

    def test_a_number_saved_again_becomes_the_newest(self):
        manager, step = self.manager(max_to_keep=None)
        for number in (5, 9, 7):  # The order of commit counts, not the number.
            step()
            manager.save(checkpoint_number=number)
            self.cairn("save", manager.directory, self.directory)
            self.assert_agrees(manager.directory)
        step()
        manager.save(checkpoint_number=5)
        self.assert_fails("save", manager.directory, self.directory, says=("--replace", "--number"))
        self.cairn("save", manager.directory, self.directory, "--replace")
        self.assert_agrees(manager.directory)
        output = self.scratch / "restored/ckpt"
        self.cairn("restore", f"{self.directory}@5", "--output", output)
        bundles.assert_same(self, bundles.read(output), bundles.read(manager.latest_checkpoint))

    def test_latest_moves_back_when_the_newest_is_removed(self):
        manager, step = self.manager(max_to_keep=None)
        for _ in range(3):
            step()
            manager.save()
            self.cairn("save", manager.directory, self.directory)
        self.cairn("rm", f"{self.directory}@3")
        self.assertEqual(self.cairn("latest", self.directory), f"{self.directory}@2")
        self.cairn("rm", f"{self.directory}@1")
        self.assertEqual(self.cairn("latest", self.directory), f"{self.directory}@2")
        self.assertEqual([c["number"] for c in self.checkpoints(self.directory)], [2])

    def test_restored_folder_is_one_that_a_manager_goes_on_from(self):
        manager, step = self.manager(max_to_keep=2)
        step()
        manager.save(checkpoint_number=41)
        self.cairn("save", manager.directory, self.directory)
        output = self.scratch / "elsewhere/ckpt-41"
        self.cairn("restore", f"{self.directory}@latest", "--output", output)
        model = make_golden.Net()
        model(tf.zeros((1, 8)))
        optimizer, _ = make_golden.trainer(model)
        optimizer.build(model.trainable_variables)
        checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
        other = tf.train.CheckpointManager(checkpoint, str(output.parent), max_to_keep=2)
        self.assertEqual(other.restore_or_initialize(), str(output))
        self.assertEqual(int(optimizer.iterations), 1)
        other.save(checkpoint_number=42)
        self.assertEqual(
            tf.train.latest_checkpoint(str(output.parent)), str(output.parent / "ckpt-42")
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
