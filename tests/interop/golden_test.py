"""Every golden checkpoint goes through the server and comes back with the same bits."""

# Also runs with: tensorflow-2.15

import unittest

import tensorflow as tf

import bundles
import harness
import make_golden

ODD_NAMES = [n if isinstance(n, bytes) else n.encode() for n in make_golden.ODD_NAMES]


class GoldenTest(harness.InteropTest):
    def through(self, prefix, *, source=None):
        """Saves it and restores it twice to the same files; returns the prefix of the first."""
        reference = self.cairn("save", source or prefix, self.directory)
        first, second = self.scratch / "first/ckpt", self.scratch / "second/ckpt"
        self.cairn("restore", reference, "--output", first)
        self.cairn("restore", reference, "--output", second)
        self.assertTrue(bundles.files(first))
        self.assertEqual(
            bundles.files(first), bundles.files(second), "a restore must be byte-stable"
        )
        state = tf.train.get_checkpoint_state(str(first.parent))
        self.assertEqual(state.model_checkpoint_path, str(first))
        self.assertEqual(list(state.all_model_checkpoint_paths), [str(first)])
        return first

    def check(self, name, *, source=None):
        original = harness.GOLDEN / name
        restored = self.through(original, source=source)
        bundles.assert_same(self, bundles.read(restored), bundles.read(original))

    def test_keras_adam(self):
        self.check("keras_adam/ckpt-10")

    def test_keras_functional(self):
        self.check("keras_functional/ckpt-10")

    def test_manager_folder(self):
        self.check("manager/ckpt-10", source=harness.GOLDEN / "manager")

    def test_older_checkpoints_of_a_manager(self):
        self.check("manager/ckpt-8")

    def test_shards(self):
        self.check("shards/model-7")

    def test_dtypes(self):
        self.check("dtypes/all")

    def test_strings(self):
        self.check("strings/all")

    def test_saved_model(self):
        self.check("saved_model/variables/variables", source=harness.GOLDEN / "saved_model")

    def test_odd_names(self):
        original = harness.GOLDEN / "odd_names/all"
        restored = self.through(original)
        bundles.assert_same(
            self,
            bundles.read_names(restored, ODD_NAMES, tf.int32),
            bundles.read_names(original, ODD_NAMES, tf.int32),
        )
        shown = [t["key"] for t in self.cairn_json("show", f"{self.directory}@latest")["tensors"]]
        self.assertEqual(shown, sorted(map(bundles.key_text, ODD_NAMES), key=str.encode))

    def test_each_odd_name_can_be_restored_by_the_key_that_show_prints(self):
        self.cairn("save", harness.GOLDEN / "odd_names/all", self.directory)
        for index, name in enumerate(ODD_NAMES):
            key = bundles.key_text(name)
            with self.subTest(key=key):
                output = self.scratch / f"{index}/ckpt"
                answer = self.cairn_json(
                    "restore", f"{self.directory}@latest", "--output", output, f"--key={key}"
                )
                self.assertEqual(answer["tensors"], 1)
                value = bundles.read_names(output, [name], tf.int32)[name]
                self.assertEqual(value.tolist(), [index])

    def test_a_prefix_ends_at_a_separator(self):
        self.cairn("save", harness.GOLDEN / "odd_names/all", self.directory)
        output = self.scratch / "part/ckpt"
        self.cairn(
            "restore", f"{self.directory}@latest", "--output", output, "--prefix", "model/l1"
        )
        self.assertEqual(sorted(bundles.read(output)), ["model/l1", "model/l1/kernel"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
