"""Slices of every kind, by the operations themselves: TensorFlow reads of ours what it reads of its
own."""

# Also runs with: tensorflow-2.15

import unittest

import ml_dtypes
import numpy as np
import tensorflow as tf

import bundles
import roundtrip
import slices
import tables

DTYPES = (
    *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32),
    *(np.uint64, np.float16, np.float32, np.float64, np.complex64, np.complex128),
    *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.int4),
)
# Five boxes around a middle one: no cut goes through.
PINWHEEL = [
    ((0, 2), (0, 3)),
    ((0, 3), (3, 2)),
    ((3, 2), (2, 3)),
    ((2, 3), (0, 2)),
    ((2, 1), (2, 1)),
]


def random_values(shape, dtype) -> np.ndarray:
    """Any bit patterns, NaNs among them, as far as the dtype has them."""
    rng = np.random.default_rng(3)
    if dtype is object:
        words = [rng.bytes(int(n)) for n in rng.integers(0, 20, int(np.prod(shape)))]
        return np.array(words, object).reshape(shape)
    if dtype in (np.bool_, ml_dtypes.int4):
        return rng.integers(0, 2, shape).astype(dtype)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(rng.bytes(size), dtype).reshape(shape)


def slice_key(name: bytes, box: slices.Box) -> bytes:
    """The key of a slice; for numbers below 64 and names without 00 and ff."""
    numbers = bytes(0x80 ^ number for extent in box for number in extent)
    return b"\0" + name + b"\0\1" + b"\1" + bytes([len(box)]) + numbers


class SlicesTest(roundtrip.RoundTripTest):
    def check(self, tensors, *options):
        """Saves name -> (values, boxes) and compares every read; returns both prefixes."""
        prefix = self.scratch / "saved"
        saved, reads = [], []
        for name, (values, boxes) in tensors.items():
            saved += slices.in_boxes(name, values, boxes)
            dtype = tf.string if values.dtype == object else tf.as_dtype(values.dtype)
            reads += [(name, spec, dtype) for spec in slices.reads_of(values.shape, boxes)]
        slices.save(prefix, saved)
        restored = self.through(prefix, *options)
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        boxes = sum(len(boxes) for _, boxes in tensors.values())
        self.assertGreaterEqual(answered, boxes, "each stored slice at least")
        return prefix, restored

    def test_every_dtype(self):
        tensors = {}
        for dtype in (*DTYPES, object):
            name = np.dtype(dtype).name
            tensors[f"{name}/tiles"] = random_values((7, 5), dtype), slices.cut((7, 5), 6)
            tensors[f"{name}/row"] = random_values((9,), dtype), slices.cut((9,), 3)
        self.check(tensors)

    def test_one_to_four_dimensions(self):
        tensors = {}
        for shape, pieces in (((13,), 5), ((6, 9), 8), ((4, 3, 5), 9), ((3, 4, 2, 5), 14)):
            for seed in range(3):
                name = f"rank{len(shape)}/{seed}"
                tensors[name] = random_values(shape, np.float32), slices.cut(shape, pieces, seed)
        tensors["pinwheel"] = random_values((5, 5), np.int64), PINWHEEL
        self.check(tensors)

    def test_partial(self):
        """Some of the slices alone; a whole read fails in both."""
        shape = (12, 6)
        boxes = slices.cut(shape, 9)
        self.check(
            {
                "one": (random_values(shape, np.float32), boxes[:1]),
                "some": (random_values(shape, np.int32), boxes[2:7]),
                "strings": (random_values(shape, object), boxes[:4]),
                "halves": (random_values(shape, np.float16), boxes[3:6]),
                "all": (random_values(shape, np.float32), boxes),
            }
        )

    def test_full_extents(self):
        """`-` is another key than the numbers of the same rows."""
        values = random_values((4, 6), np.float32)
        halves = random_values((4, 6), np.float16)
        words = random_values((4, 6), object)
        prefix = self.scratch / "saved"
        slices.save(
            prefix,
            [
                ("mixed", "4 6 -:0,2", values[:, :2]),
                ("mixed", "4 6 0,4:2,1", values[:, 2:3]),
                ("mixed", "4 6 -:3,3", values[:, 3:]),
                ("halves", "4 6 -:0,2", halves[:, :2]),
                ("halves", "4 6 -:2,4", halves[:, 2:]),
                ("words", "4 6 -:0,5", words[:, :5]),
                ("words", "4 6 0,4:5,1", words[:, 5:]),
                ("rows", "4 6 0,1:-", halves[:1]),
                ("rows", "4 6 1,3:-", halves[1:]),
                ("all", "4 6 -:-", values),
                ("none", "", values),
            ],
        )
        restored = self.restore(self.cairn("save", prefix, self.directory))
        specs = ("", "4 6 -:0,2", "4 6 0,4:0,2", "4 6 0,4:2,1", "4 6 -:2,1", "4 6 1,2:1,4")
        reads = [(name, s, tf.float32) for name in ("mixed", "all", "none") for s in specs]
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        self.assertEqual(answered, len(reads))
        # Some dtypes are read by the very slices that were written alone.
        either = [("halves", s, tf.float16) for s in ("4 6 -:0,2", "4 6 0,4:0,2", "4 6 -:2,4")]
        either += [("words", s, tf.string) for s in ("4 6 -:0,5", "4 6 0,4:0,5", "4 6 0,4:5,1")]
        either += [("rows", s, tf.float16) for s in ("4 6 0,1:-", "4 6 0,1:0,6", "4 6 1,3:-")]
        answered = slices.assert_same_answers(self, restored, prefix, either)
        self.assertGreaterEqual(answered, 6, "each stored slice at least")
        self.assertEqual(tables.tensors(restored).keys(), tables.tensors(prefix).keys())

    def test_names_that_look_like_keys_of_slices(self):
        values = random_values((6,), np.int32)
        boxes = [((0, 2),), ((2, 1),), ((3, 3),)]
        whole = [slices.whole((6,))]
        self.check(
            {
                b"x": (values, boxes),
                # Neither is a slice of x: the umbrella does not name it.
                slice_key(b"x", ((1, 2),)): (values + 1, whole),
                slice_key(b"x", ((0, 3),)): (values + 2, boxes),
                slice_key(b"absent", ((0, 2),)): (values + 3, boxes),
                b"\0": (values + 4, whole),
                b"\0starts-with-zero": (values + 5, boxes),
                b"\0\xff\0\1": (values + 6, boxes),
                b"not-utf8-\xff\xfe/a": (values + 7, boxes),
                b"\xff" * 5: (values + 8, whole),
                "grüße/日本 @x:0".encode(): (values + 9, boxes),
                b"tab\tand\nnewline\\": (values + 10, boxes),
            }
        )

    def test_odd_name_restored_alone(self):
        name = slice_key(b"x", ((1, 2),))
        values = random_values((6,), np.int32)
        boxes = [((0, 4),), ((4, 2),)]
        prefix, _ = self.check({name: (values, boxes), b"x": (values + 1, boxes)})
        reference = f"{self.directory}@latest"
        part = self.restore(reference, f"--key={bundles.key_text(name)}", name="part")
        self.assertEqual(
            sorted(tables.tensors(part)), sorted([name, *(slice_key_of(name, b) for b in boxes)])
        )
        reads = [(name, spec, tf.int32) for spec in slices.reads_of((6,), boxes)]
        self.assertEqual(
            slices.assert_same_answers(self, part, prefix, reads), len(reads), "all of it"
        )

    def test_overlapping_slices_are_refused(self):
        values = random_values((6, 4), np.float32)
        boxes = [((0, 3), (0, 4)), ((2, 4), (0, 4))]
        prefix = self.scratch / "saved"
        slices.save(prefix, slices.in_boxes("doubled", values, boxes))
        self.assert_fails("save", prefix, self.directory, says=("doubled", "overlap"))
        self.assertEqual(self.checkpoints(self.directory), [])
        self.assert_still_serves()


def slice_key_of(name: bytes, box: slices.Box) -> bytes:
    """slice_key() of a name with zeros, which the key escapes."""
    return b"\0" + slice_key(name.replace(b"\0", b"\0\xff"), box)[1:]


class ShardsTest(roundtrip.RoundTripTest):
    def save(self):
        """A checkpoint whose tensors, slices and strings want to be spread, and its reads."""
        prefix = self.scratch / "saved"
        values, words = random_values((40, 50), np.float32), random_values((30,), object)
        boxes, word_boxes = slices.cut((40, 50), 25), slices.cut((30,), 4)
        tensors = [(f"whole/{i}", "", values[i]) for i in range(20)]
        tensors += [("empty", "", values[:0]), ("scalar", "", values[0, 0])]
        reads = [(name, "", tf.float32) for name, _, _ in tensors]
        tensors += slices.in_boxes("sliced", values, boxes)
        tensors += slices.in_boxes("words", words, word_boxes)
        reads += [("sliced", spec, tf.float32) for spec in slices.reads_of((40, 50), boxes)]
        reads += [("words", slices.spec((30,), box), tf.string) for box in word_boxes]
        slices.save(prefix, tensors)
        return prefix, reads

    def check(self, prefix, reads, *options) -> list[int]:
        """Sizes of the data files, from which TensorFlow reads as from the original."""
        restored = self.through(prefix, *options)
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        self.assertEqual(answered, len(reads))
        found = bundles.files(restored)
        data = sorted(name for name in found if ".data-" in name)
        numbered = [f"ckpt.data-{i:05d}-of-{len(data):05d}" for i in range(len(data))]
        self.assertEqual(data, numbered)
        return [len(found[name]) for name in data]

    def test_number_of_files(self):
        prefix, reads = self.save()
        for wanted in (1, 2, 7):
            with self.subTest(shards=wanted):
                sizes = self.check(prefix, reads, "--shards", wanted)
                self.assertEqual(len(sizes), wanted)
                self.assertTrue(all(sizes), "none of them is empty")

    def test_size_of_files(self):
        prefix, reads = self.save()
        for most in (300, 4000, 10**9):
            with self.subTest(bytes=most):
                sizes = self.check(prefix, reads, "--max-shard-bytes", most)
                self.assertEqual(len(sizes) == 1, most > sum(sizes))
                # A slice is never cut; the largest here is smaller than 4000 bytes.
                self.assertTrue(most < 4000 or max(sizes) <= most, sizes)

    def test_wrong_options(self):
        prefix, _ = self.save()
        reference = self.cairn("save", prefix, self.directory)
        output = self.scratch / "wrong/ckpt"
        for options in (
            ("--shards", 0),
            ("--shards", -1),
            ("--shards", "x"),
            ("--max-shard-bytes", 0),
            ("--max-shard-bytes", -5),
        ):
            with self.subTest(options=options):
                answer = self.command("restore", reference, "--output", output, *options)
                self.assertNotEqual(answer.status, 0, answer)
                self.assertTrue(answer.err, answer)
                self.assertFalse(output.parent.exists() and list(output.parent.iterdir()))


class MergeTest(roundtrip.RoundTripTest):
    def merge(self, parts):
        prefix = self.scratch / "merged"
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=[str(part) for part in parts],
            destination_prefix=str(prefix),
            delete_old_dirs=False,
        )
        return prefix

    def parts(self):
        """Four bundles, each with some slices of one tensor and a tensor of its own."""
        values = random_values((20, 10), np.float32)
        boxes = slices.cut((20, 10), 14)
        parts = []
        for i in range(4):
            parts.append(self.scratch / f"part-{i}")
            tensors = slices.in_boxes("shared", values, boxes[i::4])
            slices.save(parts[-1], [*tensors, (f"own/{i}", "", values[i])])
        return parts, values, boxes

    def test_slices_of_several_writers(self):
        parts, values, boxes = self.parts()
        prefix = self.merge(parts)
        restored = self.through(prefix)
        reads = [("shared", s, tf.float32) for s in slices.reads_of(values.shape, boxes)]
        reads += [(f"own/{i}", "", tf.float32) for i in range(4)]
        answered = slices.assert_same_answers(self, restored, prefix, reads)
        self.assertEqual(answered, len(reads))

    def test_writer_without_tensors(self):
        """TensorFlow cannot read what it merges then: the files' names say fewer than the index."""
        parts, values, boxes = self.parts()
        empty = self.scratch / "empty"
        block = tables.make_block([(b"", tables.header(1))])
        table = tables.make_table([(b"", tables.PLAIN, block)], bundles.masked_crc32c)
        empty.with_name("empty.index").write_bytes(table)
        empty.with_name("empty.data-00000-of-00001").write_bytes(b"")
        prefix = self.merge([*parts, empty])
        with self.assertRaises(tf.errors.OpError):
            bundles.read(prefix)
        reference = self.cairn("save", prefix, self.directory)
        restored = self.restore(reference)
        found = bundles.read(restored)
        self.assertEqual(sorted(found), ["own/0", "own/1", "own/2", "own/3", "shared"])
        self.assertEqual(bundles.bits(found["shared"]), bundles.bits(values))
        for i in range(4):
            self.assertEqual(bundles.bits(found[f"own/{i}"]), bundles.bits(values[i]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
