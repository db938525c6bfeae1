"""tf.train.Checkpoint of more than variables: tables, generators, iterators, lists, odd names."""

# Also runs with: tensorflow-2.15

import collections
import unittest

import numpy as np
import tensorflow as tf

import bundles
import roundtrip

Pair = collections.namedtuple("Pair", "left right")
ODD_KEYS = (
    "a/b",
    "with space",
    "x.y",
    ".hidden",
    "..",
    ".",
    "grüße/日本",
    "S",
    ".S",
    "back\\slash",
)


class Counter(tf.train.experimental.PythonState):
    """State that is Python's alone."""

    def __init__(self, value):
        self.value = value

    def serialize(self):
        return str(self.value)

    def deserialize(self, string_value):
        self.value = int(string_value)


def variables(start: float, count: int) -> list[tf.Variable]:
    return [tf.Variable([start + i, -0.0]) for i in range(count)]


class Everything(tf.Module):
    """What a checkpoint may hold; `start` makes a program's values its own."""

    def __init__(self, start: float):
        super().__init__()
        self.list = variables(start, 2)
        self.odd = dict(zip(ODD_KEYS, variables(start + 10, len(ODD_KEYS)), strict=True))
        self.tuple = (tf.Variable(start + 20), [tf.Variable(start + 21)])
        self.pair = Pair(tf.Variable(start + 22), {"deep": tf.Variable(start + 23)})
        setattr(self, "odd/name .S", tf.Variable(start + 24))
        self.shared = self.list[0]
        self.strings = tf.Variable([b"", b"start %d" % start])
        self.words = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.dense = tf.lookup.experimental.DenseHashTable(
            tf.int64, tf.float32, [0.0, 0.0], empty_key=-1, deleted_key=-2
        )
        self.generator = tf.random.Generator.from_seed(int(start))
        self.rows = iter(tf.data.Dataset.range(40).shuffle(9, seed=int(start)).batch(2))
        self.counter = Counter(int(start))

    def use(self):
        """Fills the tables and moves what moves."""
        self.words.insert(tf.constant([b"", b"a", b"\x00b"]), tf.constant([0, 1, 2], tf.int64))
        keys = tf.range(5, 25, dtype=tf.int64)
        self.dense.insert(keys, tf.random.normal((20, 2), seed=1))
        self.generator.normal([3])
        for _ in range(4):
            next(self.rows)

    def everything(self) -> list:
        """All that can be compared."""
        nested = tf.nest.flatten([self.list, dict(self.odd), self.tuple[0], self.tuple[1][0]])
        found = [v.numpy() for v in nested]
        found += [self.pair.left.numpy(), self.pair.right["deep"].numpy()]
        found += [getattr(self, "odd/name .S").numpy(), self.strings.numpy()]
        return found + [*self.table_of(self.words), *self.table_of(self.dense), self.counter.value]

    @staticmethod
    def table_of(table) -> list:
        """The keys in order, each with its value."""
        keys, values = (tensor.numpy() for tensor in table.export())
        order = sorted(range(len(keys)), key=lambda i: keys[i])
        return [(bundles.bits(keys[i]), bundles.bits(values[i])) for i in order]

    def what_comes_next(self) -> list:
        return [self.generator.normal([4]).numpy(), *(row.numpy() for row in self.rows)]


def comparable(values: list) -> list:
    return [bundles.bits(value) if isinstance(value, np.ndarray) else value for value in values]


class ResourcesTest(roundtrip.RoundTripTest):
    def save(self):
        """Saves a used Everything; returns it and the prefix."""
        used = Everything(100)
        used.use()
        return used, tf.train.Checkpoint(root=used).save(str(self.scratch / "saved/ckpt"))

    def test_whole(self):
        used, prefix = self.save()
        restored = self.through(prefix)
        fresh = Everything(500)
        tf.train.Checkpoint(root=fresh).restore(str(restored)).assert_consumed()
        self.assertEqual(comparable(fresh.everything()), comparable(used.everything()))
        self.assertEqual(comparable(fresh.what_comes_next()), comparable(used.what_comes_next()))
        names = tf.train.load_checkpoint(str(restored)).get_variable_to_shape_map()
        for name in ("words/.ATTRIBUTES/table-keys", "rows/.ATTRIBUTES/ITERATOR_STATE"):
            self.assertIn(name, names)

    def check_part(self, *selectors):
        """Restores a part into a program that was used otherwise; returns both and the names."""
        used, prefix = self.save()
        reference = self.cairn("save", prefix, self.directory)
        part = self.restore(reference, *selectors)
        fresh = Everything(500)
        before = comparable(fresh.everything())
        tf.train.Checkpoint(root=fresh).restore(str(part)).expect_partial()
        names = set(tf.train.load_checkpoint(str(part)).get_variable_to_shape_map())
        return used, fresh, before, names - {bundles.OBJECT_GRAPH}

    def test_one_table_alone(self):
        self.check_words_alone("--prefix")

    def test_one_table_by_its_object(self):
        self.check_words_alone("--object")

    def check_words_alone(self, selector):
        used, fresh, before, names = self.check_part(selector, "words")
        self.assertEqual(names, {"words/.ATTRIBUTES/table-keys", "words/.ATTRIBUTES/table-values"})
        self.assertEqual(fresh.table_of(fresh.words), used.table_of(used.words))
        words = fresh.table_of(fresh.words)
        after = [
            value
            for value in comparable(fresh.everything())
            if not (isinstance(value, tuple) and value in words)
        ]
        self.assertEqual(after, before, "all else stays as it was")

    def test_iterator_and_generator_alone(self):
        used, fresh, before, names = self.check_part("--prefix", "rows", "--prefix", "generator")
        self.assertEqual(len(names), 2)
        self.assertEqual(comparable(fresh.everything()), before)
        self.assertEqual(comparable(fresh.what_comes_next()), comparable(used.what_comes_next()))

    def test_odd_names_alone(self):
        used, fresh, _, names = self.check_part("--prefix", "odd", "--prefix", "odd.Sname ..S")
        self.assertEqual(len(names), len(ODD_KEYS) + 1)
        for key in ODD_KEYS:
            self.assertEqual(
                bundles.bits(fresh.odd[key].numpy()), bundles.bits(used.odd[key].numpy())
            )
        name = "odd/name .S"
        self.assertEqual(getattr(fresh, name).numpy(), getattr(used, name).numpy())
        self.assertEqual(fresh.tuple[0].numpy(), 520)

    def test_deferred_restore(self):
        """Objects that are made after the restore get their values when they are."""
        used, prefix = self.save()
        restored = self.through(prefix)
        root = tf.Module()
        status = tf.train.Checkpoint(root=root).restore(str(restored))
        root.list = [tf.Variable([0.0, 0.0])]
        root.odd = {"x.y": tf.Variable([0.0, 0.0])}
        self.assertEqual(bundles.bits(root.list[0].numpy()), bundles.bits(used.list[0].numpy()))
        self.assertEqual(
            bundles.bits(root.odd["x.y"].numpy()), bundles.bits(used.odd["x.y"].numpy())
        )
        root.list.append(tf.Variable([0.0, 0.0]))
        self.assertEqual(bundles.bits(root.list[1].numpy()), bundles.bits(used.list[1].numpy()))
        with self.assertRaises(AssertionError):
            status.assert_consumed()

    def test_tables_of_a_graph(self):
        """As TensorFlow 1 saves them: beside variables, by the Saver."""
        v1 = tf.compat.v1

        def build():
            words = tf.lookup.experimental.MutableHashTable(
                tf.string, tf.float32, 0.0, name="words"
            )
            dense = tf.lookup.experimental.DenseHashTable(
                tf.int64, tf.int64, 0, empty_key=-1, deleted_key=-2, name="dense"
            )
            v1.get_variable("beside", [2])
            return words, dense

        with tf.Graph().as_default(), v1.Session() as session:
            words, dense = build()
            fill = [
                words.insert(tf.constant([b"p", b"", b"q"]), tf.constant([1.0, 2.0, -0.0])),
                dense.insert(tf.range(9, dtype=tf.int64), tf.range(9, dtype=tf.int64) * 3),
            ]
            session.run(v1.global_variables_initializer())
            session.run(fill)
            prefix = v1.train.Saver().save(session, str(self.scratch / "saved/model"))
        restored = self.through(prefix)
        self.assertIn("words-keys", bundles.read(restored))
        with tf.Graph().as_default(), v1.Session() as session:
            words, dense = build()
            asked = (
                words.lookup(tf.constant([b"p", b"", b"q", b"other"])),
                dense.lookup(tf.range(10, dtype=tf.int64)),
            )
            v1.train.Saver().restore(session, str(restored))
            found = session.run(asked)
        self.assertEqual(bundles.bits(found[0]), bundles.bits(np.array([1, 2, -0.0, 0], "f")))
        self.assertEqual(found[1].tolist(), [*range(0, 27, 3), 0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
