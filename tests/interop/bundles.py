"""Looks into checkpoints with TensorFlow's own readers, and compares them bit by bit."""

import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import harness

sys.path.insert(0, str(harness.GOLDEN))

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def read(prefix) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint by name, as TensorFlow reads them."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: array(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}


def read_names(prefix, names: list[bytes], dtype) -> dict[bytes, np.ndarray]:
    """Tensors of one dtype by RestoreV2, which also takes names that are not UTF-8."""
    tensors = tf.raw_ops.RestoreV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        dtypes=[dtype] * len(names),
    )
    return {name: array(tensor.numpy()) for name, tensor in zip(names, tensors, strict=True)}


def array(value) -> np.ndarray:
    """An array of it; a string is an object, because numpy's own kind drops zero bytes."""
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def bits(value: np.ndarray):
    """Equal for two arrays only if dtype, shape and every bit are."""
    value = array(value)
    content = value.tolist() if value.dtype == object else value.tobytes()
    return str(value.dtype), value.shape, content


def assert_same(test, found: dict, expected: dict):
    """Both hold the same names, and under each the same bits."""
    test.assertEqual(sorted(found), sorted(expected))
    for name in expected:
        test.assertEqual(bits(found[name]), bits(expected[name]), name)


def without_graph(values: dict) -> dict:
    """A restored part has a pruned object graph: everything else is as it was saved."""
    return {name: value for name, value in values.items() if name != OBJECT_GRAPH}


def key_text(name: bytes) -> str:
    """A key as text: UTF-8, and \\xhh for what is not, controls, DEL and the backslash."""
    text = ""
    for character in name.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            text += f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or code == 0x7F or character == "\\":
            text += f"\\x{code:02x}"
        else:
            text += character
    return text


def masked_crc32c(content: bytes) -> int:
    """A checksum as tables hold it, which TensorFlow writes around each record of a TFRecord."""
    with tempfile.NamedTemporaryFile() as file:
        with tf.io.TFRecordWriter(file.name) as writer:
            writer.write(content)
        return int.from_bytes(pathlib.Path(file.name).read_bytes()[-4:], "little")


def files(prefix: pathlib.Path) -> dict[str, bytes]:
    """The index and data files of a checkpoint, by name."""
    return {
        path.name: path.read_bytes()
        for path in prefix.parent.iterdir()
        if path.name.startswith((f"{prefix.name}.index", f"{prefix.name}.data-"))
    }
