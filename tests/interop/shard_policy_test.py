"""MaxShardSizePolicy, which cuts what is too large into slices that are no grid."""

import unittest

import ml_dtypes
import numpy as np
import tensorflow as tf

import bundles
import roundtrip
import slices
import tables

# Not half, unsigned 16 and 32 bit, strings or no elements at all: TensorFlow cannot read its own
# result, or never ends.
SHAPES = {
    "floats": ((50, 20), np.float32),
    "bfloats": ((40, 30), ml_dtypes.bfloat16),
    "bools": ((70, 71), np.bool_),
    "bytes": ((13, 17, 19), np.int8),
    "complex": ((9, 40), np.complex64),
    "doubles": ((600,), np.float64),
    "small": ((3, 2), np.float32),
    "scalar": ((), np.int64),
}


def random_variables(seed: int) -> dict[str, tf.Variable]:
    rng = np.random.default_rng(seed)
    return {
        name: tf.Variable((rng.normal(size=shape) * 50).astype(dtype))
        for name, (shape, dtype) in SHAPES.items()
    }


class ShardPolicyTest(roundtrip.RoundTripTest):
    def check(self, limit: int, *, minimum_shards: int):
        saved = random_variables(1)
        policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=limit)
        options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
        prefix = tf.train.Checkpoint(**saved).save(str(self.scratch / "saved/ckpt"), options)
        files = bundles.files(self.scratch / "saved/ckpt-1")
        self.assertGreater(len(files), minimum_shards)

        restored = self.through(prefix)
        self.check_every_read(restored, prefix)
        fresh = random_variables(2)
        tf.train.Checkpoint(**fresh).restore(str(restored)).assert_consumed()
        for name, variable in saved.items():
            self.assertEqual(bundles.bits(fresh[name].numpy()), bundles.bits(variable.numpy()))
        return prefix

    def check_every_read(self, restored, prefix):
        reads = []
        for key, stored in tables.tensors(prefix).items():
            name = key.decode(errors="replace").split("/")[0]
            if name in SHAPES:
                shape, dtype = SHAPES[name]
                boxes = tables.boxes(stored)
                specs = slices.reads_of(shape, boxes) if shape else [""]
                reads += [(key, spec, tf.as_dtype(dtype)) for spec in specs]
        self.assertGreater(len(reads), len(SHAPES))
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        self.assertEqual(answered, len(reads))

    def test_small_shards(self):
        self.check(1500, minimum_shards=12)

    def test_large_shards(self):
        self.check(20_000, minimum_shards=2)

    def test_cuts_that_are_no_grid(self):
        prefix = self.check(1777, minimum_shards=10)
        stored = tables.tensors(prefix)[b"floats/.ATTRIBUTES/VARIABLE_VALUE"]
        rows = {box[0] for box in tables.boxes(stored)}
        columns = {box[1] for box in tables.boxes(stored)}
        self.assertLess(len(stored.slices), len(rows) * len(columns))

    def test_one_tensor_alone(self):
        prefix = self.check(1500, minimum_shards=12)
        key = "bytes/.ATTRIBUTES/VARIABLE_VALUE"
        part = self.restore(f"{self.directory}@1", "--key", key, name="part")
        value = bundles.without_graph(bundles.read(part))
        self.assertEqual(list(value), [key])
        self.assertEqual(bundles.bits(value[key]), bundles.bits(bundles.read(prefix)[key]))
        fresh = random_variables(3)
        tf.train.Checkpoint(**fresh).restore(str(part)).expect_partial()
        self.assertEqual(bundles.bits(fresh["bytes"].numpy()), bundles.bits(value[key]))
        self.assertEqual(fresh["doubles"].numpy()[0], random_variables(3)["doubles"].numpy()[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
