"""V1 files, as TensorFlow 1 wrote and TensorFlow 2 still can: into the server and out as V2."""

import pathlib
import unittest

import numpy as np
import tensorflow as tf

import bundles
import harness
import make_golden

v1 = tf.compat.v1

PARTS = ((4, 6), 3)  # the shape of a partitioned variable, and how many


def save_slices(path, names, tensors, specs=None):
    """Writes one V1 file by the operation that Saver uses."""
    tf.raw_ops.SaveSlices(
        filename=str(path),
        tensor_names=names,
        shapes_and_slices=specs or [""] * len(names),
        data=tensors,
    )


def restore(prefix, names, dtypes, specs=None):
    """Tensors as RestoreV2 reads them, which takes V1 files, slices and any names."""
    tensors = tf.raw_ops.RestoreV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=specs or [""] * len(names),
        dtypes=dtypes,
    )
    return {
        (tf.compat.as_bytes(name), spec): bundles.array(tensor.numpy())
        for name, spec, tensor in zip(names, specs or [""] * len(names), tensors, strict=True)
    }


class Program:
    """A program of TensorFlow 1 with partitioned variables on two devices."""

    def __init__(self, seed):
        shape, number = PARTS
        self._graph = tf.Graph()
        with self._graph.as_default():
            v1.set_random_seed(seed)
            with v1.device(lambda op: f"/cpu:{1 if 'part_1' in op.name else 0}"):
                for axis in range(len(shape)):
                    v1.get_variable(
                        f"grid_{axis}", shape, partitioner=v1.fixed_size_partitioner(number, axis)
                    )
                v1.get_variable("dense/kernel", (8, 3))
                v1.get_variable("steps", initializer=np.int64(seed))
                v1.get_variable("words", initializer=tf.constant([b"a", b"", b"\x00\xff" * seed]))
            self.variables = v1.global_variables()
            self._initialize = v1.global_variables_initializer()
        config = v1.ConfigProto(device_count={"CPU": 2})
        self._session = v1.Session(graph=self._graph, config=config)
        self._session.run(self._initialize)

    def save(self, prefix, **options):
        """Returns what TensorFlow says that the checkpoint is called."""
        with self._graph.as_default():
            saver = v1.train.Saver(write_version=v1.train.SaverDef.V1, **options)
            return saver.save(self._session, str(prefix), global_step=1000)

    def restore(self, prefix):
        with self._graph.as_default():
            v1.train.Saver().restore(self._session, str(prefix))

    def values(self):
        values = self._session.run(self.variables)
        return {
            variable.name: bundles.array(value)
            for variable, value in zip(self.variables, values, strict=True)
        }


class VersionOneTest(harness.InteropTest):
    def through(self, source, reference=None):
        """Saves it, restores it and returns the prefix of the new files."""
        saved = self.cairn("save", source, self.directory)
        if reference is not None:
            self.assertEqual(saved, f"{self.directory}@{reference}")
        restored = self.scratch / "restored/ckpt"
        self.cairn("restore", saved, "--output", restored)
        self.assertTrue(pathlib.Path(f"{restored}.index").exists())
        return restored

    def assert_equal_reads(self, restored, original, *what):
        bundles.assert_same(self, restore(restored, *what), restore(original, *what))

    def test_every_dtype(self):
        tensors = make_golden.v1_tensors()
        names = list(tensors)
        original = self.scratch / "all"
        save_slices(original, names, list(tensors.values()))
        restored = self.through(original, reference=1)
        # A name that is not UTF-8 makes a V1 file that TensorFlow does not read itself.
        same = self.scratch / "same"
        tf.raw_ops.SaveV2(
            prefix=str(same),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=list(tensors.values()),
        )
        self.assert_equal_reads(restored, same, names, [t.dtype for t in tensors.values()])

    def test_golden_files(self):
        folder = harness.GOLDEN / "version_one"
        tensors = make_golden.v1_tensors()
        names, dtypes = list(tensors), [t.dtype for t in tensors.values()]
        self.assert_equal_reads(self.through(folder / "all"), folder / "same", names, dtypes)

    def test_a_whole_checkpoint_of_saver(self):
        program = Program(3)
        original = program.save(self.scratch / "model.ckpt")
        self.assertEqual(original, str(self.scratch / "model.ckpt-1000"))
        restored = self.through(original, reference=1000)
        # What its own reader can read: it refuses slices of V1 files.
        names = ["dense/kernel", "steps", "words"]
        self.assert_equal_reads(restored, original, names, [tf.float32, tf.int64, tf.string])
        reader = tf.train.load_checkpoint(original)
        found = tf.train.load_checkpoint(str(restored))
        self.assertEqual(found.get_variable_to_shape_map(), reader.get_variable_to_shape_map())
        self.assertEqual(found.get_variable_to_dtype_map(), reader.get_variable_to_dtype_map())
        for name in names:
            self.assertEqual(
                bundles.bits(found.get_tensor(name)), bundles.bits(reader.get_tensor(name)), name
            )

    def test_partitioned_variables_are_read_by_slice_and_whole(self):
        original = Program(5).save(self.scratch / "model.ckpt")
        restored = self.through(original)
        names, specs = [], []
        for axis, extents in (
            (0, ("0,2:0,6", "2,1:0,6", "3,1:0,6", "1,2:2,3")),
            (1, ("0,4:0,2", "0,4:2,2", "0,4:4,2", "1,2:1,4")),
        ):
            for extent in extents:
                names.append(f"grid_{axis}")
                specs.append(f"4 6 {extent}")
            names.append(f"grid_{axis}")
            specs.append("")
        self.assert_equal_reads(restored, original, names, [tf.float32] * len(names), specs)

    def test_a_program_goes_on_with_what_was_restored(self):
        program = Program(7)
        restored = self.through(program.save(self.scratch / "model.ckpt", sharded=True))
        other = Program(8)
        self.assertNotEqual(other.values()["steps:0"], program.values()["steps:0"])
        other.restore(restored)
        bundles.assert_same(self, other.values(), program.values())

    def test_shards_by_any_name(self):
        program = Program(9)
        original = program.save(self.scratch / "old", sharded=True)
        self.assertEqual(original, str(self.scratch / "old-1000-?????-of-00002"))
        names = ["grid_0", "grid_1", "dense/kernel"]
        dtypes = [tf.float32] * 3
        for source in (
            original,
            self.scratch,
            self.scratch / "checkpoint",
            self.scratch / "old-1000",
            self.scratch / "old-1000-00001-of-00002",
        ):
            saved = self.cairn("save", source, f"{self.directory}/{pathlib.Path(source).name}")
            self.assertTrue(saved.endswith("@1000"), saved)
            restored = self.scratch / "again" / pathlib.Path(source).name / "ckpt"
            self.cairn("restore", saved, "--output", restored)
            self.assert_equal_reads(restored, original, names, dtypes)

    def test_a_missing_shard_is_named(self):
        original = Program(9).save(self.scratch / "old", sharded=True)
        (self.scratch / "old-1000-00001-of-00002").unlink()
        self.assert_fails("save", original, self.directory, says="old-1000-00001-of-00002")
        self.assertEqual(self.checkpoints(self.directory), [])

    def test_a_partial_tensor_is_read_by_its_slice(self):
        original = self.scratch / "partial"
        spec = "400 16 100,100:0,16"
        part = np.random.default_rng(1).normal(size=(100, 16)).astype(np.float32)
        save_slices(original, ["embedding"], [part], [spec])
        restored = self.through(original)
        self.assert_equal_reads(restored, original, ["embedding"], [tf.float32], [spec])

    def test_slices_of_half_and_of_strings_are_read_as_they_were_saved(self):
        original = self.scratch / "slices"
        half = np.random.default_rng(2).normal(size=(2, 3)).astype(np.float16)
        words = np.array([b"x" * 70000, b"", b"\xff"], object)
        names = ["half", "half", "words"]
        specs = ["4 3 0,2:0,3", "4 3 2,2:0,3", "5 1,3"]
        save_slices(original, names, [half, half + np.float16(1), words], specs)
        restored = self.through(original)
        dtypes = [tf.float16, tf.float16, tf.string]
        self.assert_equal_reads(restored, original, names, dtypes, specs)

    def test_a_damaged_file_is_refused(self):
        original = self.scratch / "all"
        save_slices(original, ["a"], [np.arange(1000, dtype=np.float32)])
        content = bytearray(original.read_bytes())
        content[len(content) // 2] ^= 1
        original.write_bytes(content)
        self.assert_fails("save", original, self.directory, says=[str(original), "checksum"])
        self.assertEqual(self.checkpoints(self.directory), [])
        self.assert_still_serves()

    def test_a_large_tensor_takes_little_memory(self):
        original = self.scratch / "large"
        values = np.random.default_rng(4).normal(size=(64, 1 << 20)).astype(np.float32)
        save_slices(original, ["large"], [values])
        answer, peak = self.command_and_peak_mib("save", original, self.directory)
        self.assertEqual(answer.status, harness.DONE, answer)
        harness.measured(f"saving a V1 tensor of 256 MiB: the command's peak is {peak:.0f} MiB")
        self.assertLess(peak, 128)
        restored = self.scratch / "restored"
        self.cairn("restore", f"{self.directory}@latest", "--output", restored)
        self.assert_equal_reads(restored, original, ["large"], [tf.float32])


if __name__ == "__main__":
    unittest.main(verbosity=2)
