"""Every dtype that TensorFlow can save, as a scalar, a matrix and without elements, bit by bit."""

# Also runs with: tensorflow-2.15

import unittest

import ml_dtypes
import numpy as np
import tensorflow as tf

import bundles
import roundtrip
import slices
import tables

OLD = tf.__version__.startswith("2.15.")
STANDARD = (
    *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32),
    *(np.uint64, np.float16, np.float32, np.float64, np.complex64, np.complex128),
)
# With the number of values of those that do not fill their byte.
SMALL = {
    **dict.fromkeys(("bfloat16", "float8_e4m3fn", "float8_e5m2"), None),
    **dict.fromkeys(("int4", "uint4"), 16),
}
if not OLD:
    SMALL |= dict.fromkeys(("float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"), None)
    SMALL |= {"float4_e2m1fn": 16, "int2": 4, "uint2": 4}
# With what their bits can be taken from.
QUANTISED = {
    tf.qint8: tf.int8,
    tf.quint8: tf.uint8,
    tf.qint16: tf.int16,
    tf.quint16: tf.uint16,
    tf.qint32: tf.int32,
}
LATER_DTYPE = 99  # Which no TensorFlow has. Only our own reader ever looks at it: theirs aborts.


def matrix(dtype, values=None) -> np.ndarray:
    """Any bits; only as many values as the dtype has."""
    rng = np.random.default_rng(5)
    if dtype is np.bool_:
        return rng.integers(0, 2, (3, 4)).astype(np.bool_)
    if values is not None:
        return rng.integers(0, values, (3, 4)).astype(np.uint8).view(dtype)
    return np.frombuffer(rng.bytes(12 * np.dtype(dtype).itemsize), dtype).reshape(3, 4)


def in_three_shapes(name: str, values: np.ndarray) -> dict[str, tf.Tensor]:
    return {
        f"{name}/matrix": tf.constant(values),
        f"{name}/scalar": tf.constant(values[1, 2].reshape(())),
        f"{name}/empty": tf.constant(values[:0].reshape(2, 0, 3)),
    }


class DtypesTest(roundtrip.RoundTripTest):
    def check(self, tensors: dict[str, tf.Tensor]):
        """All of it through the server and, in part, a key of each; returns the prefix of ours."""
        prefix = self.scratch / "saved"
        slices.save(prefix, [(name, "", tensor) for name, tensor in tensors.items()])
        restored = self.through(prefix)
        reads = [(name, "", tensor.dtype) for name, tensor in tensors.items()]
        comparable = [read for read in reads if read[2] != tf.variant]
        answered = slices.assert_same_answers(self, restored, prefix, comparable)
        self.assertEqual(answered, len(comparable))

        keys = [name for name in tensors if name.endswith("scalar")]
        selectors = [f"--key={key}" for key in keys]
        part = self.restore(f"{self.directory}@latest", *selectors, name="part")
        expected = {k: v for k, v in tables.tensors(prefix).items() if k.decode() in keys}
        self.assertEqual(tables.tensors(part).keys(), expected.keys())
        for key, stored in tables.tensors(part).items():
            self.assertEqual(stored, expected[key])
        return restored

    def shown_dtypes(self) -> dict[str, str]:
        shown = self.cairn_json("show", f"{self.directory}@latest")["tensors"]
        return {tensor["key"]: tensor["dtype"] for tensor in shown}

    def test_fixed_width(self):
        tensors = {}
        for dtype in STANDARD:
            tensors |= in_three_shapes(np.dtype(dtype).name, matrix(dtype))
        for name, values in SMALL.items():
            dtype = np.dtype(getattr(ml_dtypes, name))
            tensors |= in_three_shapes(name, matrix(dtype, values))
        self.check(tensors)
        for key, dtype in self.shown_dtypes().items():
            self.assertEqual(dtype, key.split("/")[0], "named as numpy and ml_dtypes do")

    def test_quantised(self):
        tensors = {}
        for dtype, bits in QUANTISED.items():
            values = tf.bitcast(tf.constant(matrix(bits.as_numpy_dtype)), dtype)
            # Indexing has no kernel for these: each shape is cast from its own.
            tensors |= {
                f"{dtype.name}/matrix": values,
                f"{dtype.name}/scalar": tf.bitcast(tf.constant(7, bits), dtype),
                f"{dtype.name}/empty": tf.bitcast(tf.zeros((2, 0, 3), bits), dtype),
            }
        self.check(tensors)

    def test_strings(self):
        every_byte = bytes(range(256))
        self.check(
            {
                "scalar": tf.constant(b"one"),
                "empty string scalar": tf.constant(b""),
                "matrix": tf.constant([[b"", every_byte], ["grüße".encode(), b"\\x41"]]),
                "no strings": tf.constant([], tf.string, (3, 0)),
                "empty strings": tf.constant([b""] * 1000),
                "long": tf.constant([b"", every_byte * 300, b"x" * (2**16 - 1), b"y" * 2**16]),
                "very long": tf.constant(every_byte * 12_000),
                "many": tf.constant([b"word %d" % i for i in range(50_000)]),
            }
        )

    def test_variants(self):
        def tensor_list(*rows):
            return tf.raw_ops.TensorListFromTensor(
                tensor=tf.constant(rows, tf.float32), element_shape=tf.constant([2])
            )

        lists = [tensor_list((1, 2), (3, 4)), tensor_list((5, 6)), tensor_list((7, 8), (0, -0.0))]
        saved = {"one/scalar": lists[0], "three": tf.stack(lists), "beside": tf.constant([1, 2])}
        restored = self.check(saved)
        one, three = tf.raw_ops.RestoreV2(
            prefix=str(restored),
            tensor_names=["one/scalar", "three"],
            shape_and_slices=["", ""],
            dtypes=[tf.variant, tf.variant],
        )
        for found, expected in zip((one, *tf.unstack(three)), (lists[0], *lists), strict=True):
            rows = [
                tf.raw_ops.TensorListStack(
                    input_handle=handle, element_shape=[2], element_dtype=tf.float32
                ).numpy()
                for handle in (found, expected)
            ]
            self.assertEqual(bundles.bits(rows[0]), bundles.bits(rows[1]))

    def test_dtype_of_a_later_tensorflow(self):
        """Goes through as bytes; TensorFlow reads what stands beside it."""
        floats, opaque = np.array([1.5, -2.5], np.float32).tobytes(), bytes(range(200, 211))
        pairs = [
            (b"", tables.header(1)),
            (b"floats", self.entry(1, (2,), 0, floats)),
            (b"later", self.entry(LATER_DTYPE, (3,), len(floats), opaque)),
        ]
        block = tables.make_block(pairs)
        table = tables.make_table([(b"later", tables.PLAIN, block)], bundles.masked_crc32c)
        prefix = self.scratch / "forged"
        prefix.with_name("forged.index").write_bytes(table)
        prefix.with_name("forged.data-00000-of-00001").write_bytes(floats + opaque)
        restored = self.through(prefix)
        self.assertEqual(tables.tensors(restored)[b"later"].content, opaque)
        value = tf.train.load_checkpoint(str(restored)).get_tensor("floats")
        self.assertEqual(value.tobytes(), floats)
        self.assertEqual(self.shown_dtypes(), {"floats": "float32", "later": f"tf:{LATER_DTYPE}"})

    def entry(self, dtype, sizes, offset, content):
        checksum = bundles.masked_crc32c(content)
        return tables.entry(dtype, tables.shape(*sizes), offset, len(content), checksum)


if __name__ == "__main__":
    unittest.main(verbosity=2)
