"""tf.compat.v1.train.Saver: partitioned variables, several data files, what it keeps."""

# Also runs with: tensorflow-2.15

import unittest

import numpy as np
import tensorflow as tf

import bundles
import roundtrip
import slices

v1 = tf.compat.v1
DEVICES = 3


def variable(name, shape, partitioner=None, dtype=tf.float32):
    """A variable of random values; a program that restores it has others before."""
    return v1.get_variable(
        name,
        shape,
        dtype,
        v1.random_uniform_initializer(-100, 100, dtype=dtype),
        partitioner=partitioner,
    )


def session():
    return v1.Session(config=v1.ConfigProto(device_count={"CPU": DEVICES}))


def values_of(running) -> dict[str, np.ndarray]:
    """All variables by their names in the graph: each partition is one."""
    return running.run({v.op.name: v for v in v1.global_variables()})


def save_specs() -> list[tuple]:
    """What the Saver of the graph restores: name, spec and dtype of each variable."""
    found = []
    for saved in v1.global_variables():
        info = saved._get_save_slice_info()
        name, spec = (info.full_name, info.spec) if info else (saved.op.name, "")
        found.append((name, spec, saved.dtype.base_dtype))
    return found


class SaverTest(roundtrip.RoundTripTest):
    def save(self, build, *, step=7, sharded=False):
        """Saves the variables that build() makes; returns the prefix, their values and specs."""
        with tf.Graph().as_default(), session() as running:
            build()
            running.run(v1.global_variables_initializer())
            saver = v1.train.Saver(sharded=sharded)
            (self.scratch / "saved").mkdir()  # The writers of a sharded one do not wait for it.
            prefix = saver.save(running, str(self.scratch / "saved/model"), global_step=step)
            return prefix, values_of(running), save_specs()

    def load(self, build, prefix) -> dict[str, np.ndarray]:
        """The variables of another program of the same kind after Saver.restore."""
        with tf.Graph().as_default(), session() as running:
            build()
            v1.train.Saver().restore(running, str(prefix))
            return values_of(running)

    def check(self, build, **how):
        """TensorFlow reads of ours what it reads of its own; returns both prefixes and values."""
        prefix, values, specs = self.save(build, **how)
        restored = self.through(prefix)
        bundles.assert_same(self, self.load(build, restored), values)
        self.assertEqual(
            slices.assert_same_answers(self, restored, prefix, specs),
            len(specs),
            "the Saver reads all of it",
        )
        return prefix, restored, values

    def check_every_read(self, found, original, shapes: dict[str, tuple], boxes=()):
        reads = [
            (name, spec, tf.float32)
            for name, shape in shapes.items()
            for spec in slices.reads_of(shape, list(boxes))
        ]
        answered = slices.assert_same_answers(self, found, original, reads)
        self.assertEqual(answered, len(reads))

    def test_fixed_size_partitioner(self):
        shapes = {
            "vector": (10,),
            "rows": (11, 4),
            "columns": (3, 10),
            "whole": (5, 5),
            "cube": (6, 5, 4),
        }

        def build():
            variable("vector", [10], v1.fixed_size_partitioner(3))
            variable("rows", [11, 4], v1.fixed_size_partitioner(4))
            variable("columns", [3, 10], v1.fixed_size_partitioner(4, axis=1))
            variable("cube", [6, 5, 4], v1.fixed_size_partitioner(2, axis=2))
            variable("whole", [5, 5])

        prefix, restored, _ = self.check(build)
        self.check_every_read(restored, prefix, shapes)

    def test_partitioners_by_size(self):
        def build():
            variable("axis", [4, 40], v1.variable_axis_size_partitioner(64, axis=1))
            variable("most", [30, 4], v1.min_max_variable_partitioner(5, min_slice_size=64))

        prefix, restored, values = self.check(build)
        self.assertGreater(len(values), 8, "both are partitioned")
        self.check_every_read(restored, prefix, {"axis": (4, 40), "most": (30, 4)})

    def test_embedding_in_a_hundred_partitions_with_its_optimizer(self):
        shape = [1003, 8]

        def build(partitions=100):
            with v1.variable_scope("embeddings"):
                table = variable("weights", shape, v1.fixed_size_partitioner(partitions))
            found = tf.nn.embedding_lookup(table, tf.range(0, 1003, 7))
            return v1.train.AdagradOptimizer(0.5).minimize(tf.reduce_sum(found**2))

        prefix, restored, values = self.check(build)
        self.assertEqual(len(values), 200)
        self.check_every_read(
            restored, prefix, {"embeddings/weights": shape, "embeddings/weights/Adagrad": shape}
        )
        # A program with other partitions, or none, reads it too.
        table = np.concatenate([values[f"embeddings/weights/part_{i}"] for i in range(100)])
        for partitions in (1, 7):
            loaded = self.load(lambda n=partitions: build(n), restored)
            parts = [f"embeddings/weights/part_{i}" for i in range(partitions)]
            joined = np.concatenate([loaded[name] for name in parts])
            self.assertEqual(bundles.bits(joined), bundles.bits(table))

        self.check_part(prefix, restored)

    def check_part(self, prefix, restored):
        """One sliced tensor alone, by its name."""
        name = "embeddings/weights/Adagrad"
        reference = f"{self.directory}@7"
        part = self.restore(reference, "--key", name, name="part")
        self.assertEqual(list(bundles.read(part)), [name])
        self.check_every_read(part, prefix, {name: (1003, 8)})
        both = self.restore(reference, "--prefix", "embeddings/weights", name="prefix")
        roundtrip.assert_same_stored(self, both, restored)
        shown = self.cairn_json("show", reference, "--prefix", name)["tensors"]
        self.assertEqual([(t["key"], t["shape"]) for t in shown], [(name, [1003, 8])])

    def test_strings_and_halves_by_their_own_slices(self):
        def build():
            words = np.array([f"word {i}".encode() * i for i in range(10)], object)
            v1.get_variable(
                "words",
                [10],
                tf.string,
                lambda shape, dtype, partition_info: tf.constant(
                    words[partition_info.var_offset[0] :][: shape[0]]
                ),
                partitioner=v1.fixed_size_partitioner(3),
            )
            variable("halves", [9, 2], v1.fixed_size_partitioner(2), tf.float16)

        self.check(build)

    def test_sharded(self):
        def build():
            devices = iter(range(1000))

            def next_device(_):
                return f"/cpu:{next(devices) % DEVICES}"

            with v1.get_default_graph().device(next_device):
                for i in range(DEVICES):
                    variable(f"table{i}", [20, 3], v1.fixed_size_partitioner(4))
                    variable(f"whole{i}", [2, 3])

        prefix, restored, _ = self.check(build, sharded=True)
        # The index and a data file of each device to which TensorFlow gave variables.
        self.assertGreaterEqual(len(bundles.files(self.scratch / "saved/model-7")), 3)
        self.check_every_read(restored, prefix, {f"table{i}": (20, 3) for i in range(DEVICES)})

    def test_saver_goes_on_where_it_was(self):
        folder = self.scratch / "run"

        def build():
            return variable("a", [6, 2], v1.fixed_size_partitioner(3))

        values = {}
        with tf.Graph().as_default(), session() as running:
            build()
            saver = v1.train.Saver(max_to_keep=2)
            for step in range(4):
                running.run(v1.global_variables_initializer())
                saver.save(running, str(folder / "model"), global_step=step)
                values[step] = values_of(running)
        self.assertEqual(self.cairn("save", folder, self.directory), f"{self.directory}@3")
        self.cairn("save", folder / "model-2", self.directory)
        for step in (2, 3):
            restored = self.restore(f"{self.directory}@{step}", name=f"{step}")
            roundtrip.assert_same_stored(self, restored, folder / f"model-{step}")
            bundles.assert_same(self, self.load(build, restored), values[step])

        # In the folder of a restore another Saver restores, keeps and sweeps as usual.
        output = self.scratch / "3"
        with tf.Graph().as_default(), session() as running:
            build()
            saver = v1.train.Saver(max_to_keep=2)
            saver.restore(running, v1.train.latest_checkpoint(str(output)))
            saver.recover_last_checkpoints([str(output / "ckpt")])
            for step in (4, 5):
                saver.save(running, str(output / "ckpt"), global_step=step)
        kept = sorted(p.name for p in output.glob("*.index"))
        self.assertEqual(kept, ["ckpt-4.index", "ckpt-5.index"])

    def test_tensor_that_is_saved_in_part(self):
        """As an Estimator writes it: each slice of the accumulator under a name of its own."""
        shape, rows = (400, 16), 100
        values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        tensors, reads = [], []
        for i in range(4):
            box = ((i * rows, rows), (0, 16))
            own = f"input/embedding/t_{i}/Adagrad"
            for name in ("input/embedding", own):
                tensors.append((name, slices.spec(shape, box), slices.part(values, box)))
            reads.append((own, slices.spec(shape, box), tf.float32))
            for spec in slices.reads_of(shape, [box]):
                reads.append((own, spec, tf.float32))
        prefix = self.scratch / "model-3"
        slices.save(prefix, tensors)
        restored = self.through(prefix)
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        self.assertGreaterEqual(answered, 8, "each by its own slice and less")
        self.check_every_read(restored, prefix, {"input/embedding": shape})
        shown = self.cairn_json("show", f"{self.directory}@3")["tensors"]
        self.assertEqual([t["shape"] for t in shown], [list(shape)] * 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
