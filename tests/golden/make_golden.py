"""Writes the golden checkpoints beside this file with real TensorFlow.

Run it with the Python of the TensorFlow environment that deploy/install.sh --tests makes. The files
are committed: they are what a certain TensorFlow wrote, and README.md names which. Running it again
gives other bytes (TensorFlow stores times and random start values are of its own making), so do it
only to add a file: `make_golden.py NAME...` writes just those.
"""

import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ml_dtypes
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent

ODD_NAMES = (
    "a/b/.ATTRIBUTES/VARIABLE_VALUE",
    "/.ATTRIBUTES/VARIABLE_VALUE",
    "model/l1/kernel",
    "model/l1",
    "model/l10/kernel",
    "model/l1-x",
    "with space/and=sign,and:colon",
    "back\\slash",
    "looks\\x41escaped",
    "tab\tand\nnewline",
    "delete\x7f",
    "grüße/日本",
    "x" * 300,
    b"not-utf8-\xff\xfe",
    b"\x00starts-with-zero",
)


# Slices of one tensor each, in the words of SaveV2: its shape, then start,length of each dimension.
# What `hole` misses is in no slice. "-" is a whole dimension.
SLICES = {
    "grid": ("4 6 0,2:0,3", "4 6 0,2:3,3", "4 6 2,2:0,3", "4 6 2,2:3,3"),
    "pinwheel": ("3 3 0,1:0,2", "3 3 0,2:2,1", "3 3 2,1:1,2", "3 3 1,2:0,1", "3 3 1,1:1,1"),
    "open": ("4 2 0,2:-", "4 2 2,2:-"),
    "hole": ("400 2 100,3:0,2",),
    "\x00zero": ("2 0,1", "2 1,1"),
}
# The key of the slice 0,1 of a tensor "t" of rank 1, which has none, and keys that only begin so.
LIKE_SLICES = (b"\x00t\x00\x01\x01\x01\x80\x81", b"\x00t\x00\x01\x01", b"\x00")


class Net(tf.keras.Model):
    """Two layers by attribute: object paths start with `model/`, as people expect them to."""

    def __init__(self):
        super().__init__()
        self.l1 = tf.keras.layers.Dense(16, activation="relu")
        self.l2 = tf.keras.layers.Dense(4)

    def call(self, x):
        return self.l2(self.l1(x))


def functional_model():
    """The commonest Keras 3 model: its weights are saved under the optimizer's paths."""
    inputs = tf.keras.Input((8,))
    hidden = tf.keras.layers.Dense(16, activation="relu")(inputs)
    return tf.keras.Model(inputs, tf.keras.layers.Dense(4)(hidden))


def trainer(model):
    """Returns the model's Adam and a function that trains for one real step."""
    optimizer = tf.keras.optimizers.Adam(0.01)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(32, 8)).astype(np.float32)
    y = rng.normal(size=(32, 4)).astype(np.float32)

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    return optimizer, step


def save_numbered(folder, model):
    optimizer, step = trainer(model)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    for _ in range(10):
        step()
    checkpoint.save_counter.assign(9)
    checkpoint.save(str(folder / "ckpt"))


def keras_adam(folder):
    """A subclassed Keras model with Adam after ten steps, by tf.train.Checkpoint.save: ckpt-10."""
    save_numbered(folder, Net())


def keras_functional(folder):
    """A functional Keras model with Adam after ten steps, by tf.train.Checkpoint.save: ckpt-10."""
    save_numbered(folder, functional_model())


def manager(folder):
    """Ten saves of tf.train.CheckpointManager with max_to_keep=3: ckpt-8 to ckpt-10 are left."""
    model = Net()
    optimizer, step = trainer(model)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    saver = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=3)
    for _ in range(10):
        step()
        saver.save()


def save_v2(prefix, tensors):
    """Writes {name: array} by the SaveV2 operation, which puts it all into one shard."""
    names = list(tensors)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.convert_to_tensor(tensors[name]) for name in names],
    )


def shards(folder):
    """Three shards, as three workers write and merge them: model-7."""
    rng = np.random.default_rng(3)
    parts = []
    for shard in range(3):
        parts.append(str(folder / f"part-{shard}"))
        save_v2(
            parts[-1],
            {f"layer{shard}/{name}": rng.normal(size=(5, 7)).astype(np.float32) for name in "ab"},
        )
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=str(folder / "model-7"), delete_old_dirs=False
    )


def any_matrix(dtype, seed):
    """Two rows of three with random bits."""
    patterns = np.random.default_rng(seed).integers(0, 256, 6 * np.dtype(dtype).itemsize)
    if dtype is np.bool_:
        return patterns.reshape(2, 3) % 2 == 1
    return np.frombuffer(patterns.astype(np.uint8).tobytes(), dtype).reshape(2, 3)


def dtypes(folder):
    """Every fixed-width dtype that numpy and ml_dtypes know, with extreme values: all.

    Each stands there three times: as a scalar, as a matrix and with no element at all.
    """
    tensors = {}
    for dtype in (
        *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32),
        *(np.uint64, np.float16, np.float32, np.float64, np.complex64, np.complex128),
        *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2),
    ):
        name = np.dtype(dtype).name
        matrix = any_matrix(dtype, seed=11)
        tensors[f"{name}/matrix"] = matrix
        tensors[f"{name}/scalar"] = matrix[1, 2]
        tensors[f"{name}/empty"] = np.zeros((3, 0, 2), dtype)
    save_v2(folder / "all", tensors)


def strings(folder):
    """Strings of all kinds, none of them only text: all."""
    save_v2(
        folder / "all",
        {
            "scalar": np.array(b"one", object),
            "matrix": np.array([[b"", b"\x00\xff\n"], ["häh?".encode(), b"\\x41"]], object),
            "long": np.array([b"x" * 300, bytes(range(256))], object),
            "empty": np.zeros((0,), object),
            "beside": np.arange(4, dtype=np.int32),
        },
    )


def odd_names(folder):
    """Names that a text form must escape, and neighbours that a prefix must not mix up: all."""
    save_v2(folder / "all", {n: np.array([i], np.int32) for i, n in enumerate(ODD_NAMES)})


def partitioned(folder):
    """Variables that tf.compat.v1 partitions, by its Saver: model.ckpt-3.

    By rows, by columns, strings; beside them one that is whole.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:

        def variable(name, value, parts=None, axis=0):
            partitioner = parts and tf.compat.v1.fixed_size_partitioner(parts, axis)
            return tf.compat.v1.get_variable(
                name,
                value.shape,
                tf.string if value.dtype == object else tf.as_dtype(value.dtype),
                lambda shape, dtype=None, partition_info=None: cut(value, shape, partition_info),
                partitioner=partitioner,
            )

        def cut(value, shape, partition_info):
            offset = partition_info.var_offset if partition_info else [0] * value.ndim
            box = tuple(slice(o, o + n) for o, n in zip(offset, shape, strict=True))
            return tf.constant(value[box])

        variable("rows", np.arange(28, dtype=np.float32).reshape(7, 4), 3)
        variable("columns", np.arange(24, dtype=np.int64).reshape(4, 6), 2, axis=1)
        variable("names", np.array([b"", b"one", b"x" * 300, b"\xff"], object), 2)
        variable("whole", np.array([1.5, -2.5], ml_dtypes.bfloat16))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(save_relative_paths=True).save(
            session, str(folder / "model.ckpt"), global_step=3, write_meta_graph=False
        )


def slices(folder):
    """SLICES, LIKE_SLICES and three dtypes that TensorFlow reads by stored slice only: all."""
    names, specs, tensors = [], [], []
    for name, boxes in SLICES.items():
        for spec in boxes:
            whole = spec.split()[:-1]
            extents = [part.split(",") for part in spec.split()[-1].split(":")]
            shape = [int(n if e == ["-"] else e[1]) for n, e in zip(whole, extents, strict=True)]
            names.append(name)
            specs.append(spec)
            tensors.append(tf.fill(shape, np.int32(len(names))))
    for name in LIKE_SLICES:
        names.append(name)
        specs.append("")
        tensors.append(tf.constant([len(names)], tf.int32))
    for dtype in (np.float16, np.uint16, ml_dtypes.float8_e4m3fn):
        for row in range(2):
            names.append(np.dtype(dtype).name)
            specs.append(f"2 2 {row},1:0,2")
            tensors.append(tf.constant(np.full((1, 2), row + 1.5 if row else 1).astype(dtype)))
    tf.raw_ops.SaveV2(
        prefix=str(folder / "all"), tensor_names=names, shape_and_slices=specs, tensors=tensors
    )


def saved_model(folder):
    """A SavedModel folder; its variables are a checkpoint too."""

    class Scale(tf.Module):
        def __init__(self):
            self.factor = tf.Variable([1.5, -2.5, 4.0], name="factor")
            self.count = tf.Variable(3, dtype=tf.int64, name="count")

        @tf.function(input_signature=[tf.TensorSpec([3], tf.float32)])
        def __call__(self, x):
            return x * self.factor

    tf.saved_model.save(Scale(), str(folder))


def v1_tensors():
    """Tensors of every dtype that TensorFlow writes into V1 files, by name."""
    tensors = {}
    for dtype in (
        *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16),
        *(np.float16, np.float32, np.float64, np.complex64, np.complex128),
    ):
        name = np.dtype(dtype).name
        matrix = any_matrix(dtype, seed=13)
        tensors[f"{name}/matrix"] = tf.constant(matrix)
        tensors[f"{name}/scalar"] = tf.constant(matrix[1, 2])
        tensors[f"{name}/empty"] = tf.zeros((3, 0, 2), dtype)
    for quantised in (tf.qint8, tf.quint8, tf.qint32):
        tensors[quantised.name] = tf.bitcast(tensors[f"{quantised.name[1:]}/matrix"], quantised)
    tensors["strings"] = tf.constant([[b"", b"\x00\xff\n"], ["häh?".encode(), b"x" * 300]])
    tensors["string"] = tf.constant(b"one")
    tensors["no_strings"] = tf.zeros((0,), tf.string)
    tensors[b"not-utf8-\xff"] = tf.constant([1])
    return tensors


def version_one(folder):
    """V1 files of every dtype (all) and of two shards with partitioned variables
    (model.ckpt-1000), the slices of some in both; same and same-1000 are the same as bundles.
    """
    tensors = v1_tensors()
    names, values = list(tensors), list(tensors.values())
    whole = [""] * len(names)
    tf.raw_ops.SaveSlices(
        filename=str(folder / "all"), tensor_names=names, shapes_and_slices=whole, data=values
    )
    tf.raw_ops.SaveV2(
        prefix=str(folder / "same"), tensor_names=names, shape_and_slices=whole, tensors=values
    )
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        v1.set_random_seed(17)
        with v1.device(lambda op: f"/cpu:{1 if 'part_1' in op.name else 0}"):
            for axis in range(2):
                v1.get_variable(
                    f"grid_{axis}", (4, 6), partitioner=v1.fixed_size_partitioner(3, axis)
                )
        with v1.device("/cpu:1"):
            v1.get_variable("whole", initializer=np.arange(5, dtype=np.int64))
            v1.get_variable("words", initializer=tf.constant([b"a", b"", b"ccc"]))
        with v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
            session.run(v1.global_variables_initializer())
            savers = (("model.ckpt", v1.train.SaverDef.V1), ("same", v1.train.SaverDef.V2))
            for name, version in savers:
                v1.train.Saver(write_version=version, sharded=True, save_relative_paths=True).save(
                    session,
                    str(folder / name),
                    global_step=1000,
                    write_meta_graph=False,
                    write_state=version == v1.train.SaverDef.V1,
                )


GOLDEN = (
    *(keras_adam, keras_functional, manager, shards, dtypes, strings, odd_names, partitioned),
    *(slices, saved_model, version_one),
)


def main():
    for make in GOLDEN:
        if len(sys.argv) > 1 and make.__name__ not in sys.argv[1:]:
            continue
        folder = HERE / make.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tf.keras.utils.set_random_seed(1)
        tf.keras.backend.clear_session()
        make(folder)
        size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        print(f"{make.__name__}: {size} bytes, TensorFlow {tf.__version__}")


if __name__ == "__main__":
    main()
