"""Writes small.index and small.data-00000-of-00001 into the current folder with TensorFlow."""

import tensorflow as tf

names = ["b/float", "a/scalar", "strings", "empty", "half", "iterator", "flags", "no_strings"]
iterator = iter(tf.data.Dataset.range(3))
tensors = [
    tf.constant([[1.0, 2.0, 3.0]], tf.float32),
    tf.constant(7, tf.int64),
    tf.constant(["", "hello"]),
    tf.zeros([0, 4], tf.int32),
    tf.constant([1.5, -2.0], tf.float16),
    tf.raw_ops.SerializeIterator(
        resource_handle=iterator._iterator_resource, external_state_policy=0
    ),
    tf.constant([True, False, True]),
    tf.zeros([0], tf.string),
]
tf.raw_ops.SaveV2(
    prefix="small", tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
)
