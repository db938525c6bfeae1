"""Many keys, a tensor over 2 GiB, both by TensorFlow; the server's memory stays small."""

import unittest

import numpy as np
import tensorflow as tf

import bundles
import harness
import make_golden

MAX_SERVER_MIB = 300
KEYS = 100_000
LARGE_ELEMENTS = 2**29 + 12_345  # float32: 2 GiB and a little, which fills no part or chunk evenly


class LargeTest(harness.InteropTest):
    def save_and_restore(self, prefix):
        output = self.scratch / "restored/ckpt"
        saved = self.cairn_json("save", prefix, self.directory)
        peak_saving = self.server.peak_memory_mib()
        restored = self.cairn_json("restore", saved["reference"], "--output", output)
        peak = self.server.peak_memory_mib()
        harness.measured(
            f"{self.directory}: {saved['tensors']} tensors, {saved['bytes']} bytes; server's VmHWM "
            f"{peak_saving:.0f} MiB after the save, {peak:.0f} MiB after the restore"
        )
        self.assertEqual(restored["tensors"], saved["tensors"])
        self.assertEqual(restored["bytes"], saved["bytes"])
        self.assertLess(peak, MAX_SERVER_MIB)
        return saved, output

    def test_hundred_thousand_keys(self):
        rng = np.random.default_rng(5)
        values = rng.normal(size=(KEYS, 3)).astype(np.float32)
        names = [f"layer{i % 977}/block{i}/weight" for i in range(KEYS)]
        prefix = self.scratch / "many-3"
        make_golden.save_v2(prefix, dict(zip(names, values, strict=True)))
        saved, output = self.save_and_restore(prefix)
        self.assertEqual((saved["tensors"], saved["number"]), (KEYS, 3))
        reader = tf.train.load_checkpoint(str(output))
        self.assertEqual(len(reader.get_variable_to_shape_map()), KEYS)
        for name, value in zip(names, values, strict=True):
            self.assertEqual(reader.get_tensor(name).tobytes(), value.tobytes(), name)

        shown = self.cairn_json("show", saved["reference"], "--prefix", "layer7")["tensors"]
        expected = sorted(name for name in names if name.startswith("layer7/"))
        self.assertEqual([tensor["key"] for tensor in shown], expected)

    def test_tensor_over_two_gib(self):
        # Consecutive integers seen as floats: no two chunks are equal, so a mix-up cannot hide.
        large = np.arange(LARGE_ELEMENTS, dtype=np.uint32).view(np.float32)
        small = np.array([1.0, 2.0], np.float32)
        prefix = self.scratch / "large-1"
        make_golden.save_v2(prefix, {"large": large, "small": small})
        _, output = self.save_and_restore(prefix)
        reader = tf.train.load_checkpoint(str(output))
        self.assertEqual(bundles.bits(reader.get_tensor("small")), bundles.bits(small))
        found = reader.get_tensor("large")
        self.assertEqual(found.shape, large.shape)
        self.assertTrue(np.array_equal(found.view(np.uint32), large.view(np.uint32)), "bits differ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
