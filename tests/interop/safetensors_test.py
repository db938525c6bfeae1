"""safetensors files and TensorFlow's, each way through the server, read by their own packages."""

import json
import pathlib
import struct
import unittest

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy
import tensorflow as tf

import bundles
import harness

# Every dtype of the package, with the numpy dtype of its bits. Those below a byte are packed.
DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
    "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "I16": np.int16,
    "U16": np.uint16,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "I32": np.int32,
    "U32": np.uint32,
    "F32": np.float32,
    "C64": np.complex64,
    "F64": np.float64,
    "I64": np.int64,
    "U64": np.uint64,
}
# What TensorFlow lacks, or has and cannot give to numpy.
NO_TENSORFLOW = {"F8_E8M0", "F8_E5M2FNUZ", "F8_E4M3FNUZ"}


def every_bit(dtype, shape) -> np.ndarray:
    """An array of it in which every bit pattern of a byte occurs, as far as there is room."""
    count = int(np.prod(shape))
    if dtype == np.bool_:
        return (np.arange(count) % 3 == 0).reshape(shape)
    size = np.dtype(dtype).itemsize
    bits = (np.arange(count * size) * 89 % 256).astype(np.uint8)
    return bits.view(dtype).reshape(shape)


def written_by_hand(path: pathlib.Path, header: dict | bytes, data: bytes = b""):
    """A file of the format whatever it says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write(path: pathlib.Path, values: dict[str, np.ndarray], metadata=None):
    """Any dtype by the package, whose own helper takes only what numpy itself has."""
    values = {
        name: np.ascontiguousarray(value).reshape(value.shape) for name, value in values.items()
    }
    specs = {
        name: safetensors.TensorSpec(
            dtype=str(value.dtype),
            shape=list(value.shape),
            data_ptr=value.ctypes.data,
            data_len=value.nbytes,
        )
        for name, value in values.items()
    }
    safetensors.serialize_file(specs, path, metadata=metadata)


def read(path: pathlib.Path) -> dict[str, tuple[str, list[int], bytes]]:
    """Dtype, shape and bytes of every tensor, as the package has them."""
    return {
        name: (view["dtype"], list(view["shape"]), bytes(view["data"]))
        for name, view in safetensors.deserialize(path.read_bytes())
    }


def metadata_of(path: pathlib.Path):
    with safetensors.safe_open(path, framework="np") as file:
        return file.metadata()


class SafetensorsTest(harness.InteropTest):
    def save_and_restore(self, source: pathlib.Path, *options) -> pathlib.Path:
        reference = self.cairn("save", source, self.directory)
        output = self.scratch / "restored" / "x.safetensors"
        self.cairn("restore", reference, "--output", output, "--force", *options)
        return output


class RoundTripTest(SafetensorsTest):
    def test_every_dtype_comes_back_bit_by_bit(self):
        source = self.scratch / "all.safetensors"
        shapes = {"matrix": (37, 16), "scalar": (), "empty": (4, 0, 2), "row": (1, 5)}
        values = {
            f"{dtype}.{name}": every_bit(numpy, shape)
            for dtype, numpy in DTYPES.items()
            for name, shape in shapes.items()
        }
        metadata = {"format": "pt", "note": 'line\nü"\\', "": "", "json": '{"a": [1]}'}
        write(source, values, metadata)
        output = self.save_and_restore(source)
        expected = {
            name: (name.split(".")[0], list(value.shape), value.tobytes())
            for name, value in values.items()
        }
        self.assertEqual(read(output), expected)
        self.assertEqual(metadata_of(output), metadata)
        shown = self.cairn_json("show", f"{self.directory}@latest")["tensors"]
        for tensor in shown:
            numpy = DTYPES[tensor["key"].split(".")[0]]
            self.assertEqual(tensor["dtype"], str(np.dtype(numpy)), tensor["key"])

    def test_files_of_the_package_come_back_byte_by_byte(self):
        # Of several entries, the package writes the metadata in an order of chance.
        source = self.scratch / "x.safetensors"
        values = {
            f"model.{i}.{np.dtype(numpy)}": every_bit(numpy, (i, 3))
            for i in range(4)
            for numpy in DTYPES.values()
        }
        values['odd "name"\\ü\t\u0080\u007f/'] = np.array(1.5)
        for metadata in (None, {}, {"format": "np"}):
            with self.subTest(metadata=metadata):
                write(source, values, metadata)
                output = self.save_and_restore(source)
                self.assertEqual(output.read_bytes(), source.read_bytes())

    def test_packed_and_unknown_dtypes_are_kept(self):
        source = self.scratch / "packed.safetensors"
        written_by_hand(
            source,
            {
                "four": {"dtype": "F4", "shape": [3, 4], "data_offsets": [0, 6]},
                "six": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [6, 9]},
            },
            bytes(range(9)),
        )
        output = self.save_and_restore(source)
        self.assertEqual(read(output), read(source))
        written_by_hand(
            source,
            {"new": {"dtype": "Q3", "shape": [9], "data_offsets": [0, 5]}},
            b"abcde",
        )
        output = self.save_and_restore(source)
        self.assertEqual(output.read_bytes()[-5:], b"abcde")
        self.assertIn(b'"dtype":"Q3"', output.read_bytes())

    def test_no_tensor_at_all(self):
        for metadata in (None, {"format": "pt"}):
            with self.subTest(metadata=metadata):
                source = self.scratch / "empty.safetensors"
                safetensors.numpy.save_file({}, source, metadata=metadata)
                output = self.save_and_restore(source)
                self.assertEqual(output.read_bytes(), source.read_bytes())

    def test_a_part_by_names_with_dots(self):
        source = self.scratch / "x.safetensors"
        values = {
            name: every_bit(np.float32, (2, 3))
            for name in ("model.l1.w", "model.l1.b", "model.l10.w", "head.w")
        }
        safetensors.numpy.save_file(values, source, metadata={"format": "pt"})
        output = self.save_and_restore(source, "--prefix", "model.l1", "--key", "head.w")
        self.assertEqual(sorted(read(output)), ["head.w", "model.l1.b", "model.l1.w"])
        self.assertEqual(metadata_of(output), {"format": "pt"})
        shown = self.cairn_json("show", f"{self.directory}@latest", "--prefix", "model.l1")
        self.assertEqual([t["key"] for t in shown["tensors"]], ["model.l1.b", "model.l1.w"])

    def test_numbers_are_the_next_whatever_the_name(self):
        source = self.scratch / "model-7.safetensors"
        safetensors.numpy.save_file({"w": np.zeros(2, np.float32)}, source)
        for number in (1, 2):
            self.assertEqual(
                self.cairn("save", source, self.directory), f"{self.directory}@{number}"
            )
        self.assertEqual(
            self.cairn("save", source, self.directory, "--number", 7), f"{self.directory}@7"
        )

    def test_tensors_of_many_parts_come_back(self):
        source = self.scratch / "large.safetensors"
        generator = np.random.default_rng(1)
        values = {
            "large": generator.integers(0, 256, (300, 1024, 1024), np.uint8),
            "next": generator.integers(0, 256, (3 << 20) + 5, np.uint8),
        }
        safetensors.numpy.save_file(values, source)
        output = self.save_and_restore(source)
        self.assertEqual(output.read_bytes(), source.read_bytes())


class IndexTest(SafetensorsTest):
    def setUp(self):
        super().setUp()
        self.values = {f"layer.{i}.w": every_bit(np.float32, (i + 1, 8)) for i in range(6)}
        self.map = {}
        for shard in range(3):
            name = f"model-{shard + 1:05}-of-00003.safetensors"
            part = {n: v for i, (n, v) in enumerate(self.values.items()) if i % 3 == shard}
            safetensors.numpy.save_file(part, self.scratch / name, metadata={"format": "pt"})
            self.map |= dict.fromkeys(part, name)
        self.index = self.scratch / "model.safetensors.index.json"
        self.write_index()

    def write_index(self):
        total = sum(value.nbytes for value in self.values.values())
        document = {"metadata": {"total_size": total}, "weight_map": self.map}
        self.index.write_text(json.dumps(document, indent=2))

    def test_files_of_an_index_become_one_checkpoint(self):
        output = self.save_and_restore(self.index)
        restored = safetensors.numpy.load_file(output)
        bundles.assert_same(self, restored, self.values)
        self.assertEqual(metadata_of(output), {"format": "pt"})

    def test_a_folder_that_holds_an_index_or_one_file(self):
        (self.scratch / "config.json").write_text("{}")
        output = self.save_and_restore(self.scratch)
        bundles.assert_same(self, safetensors.numpy.load_file(output), self.values)
        folder = self.scratch / "one"
        folder.mkdir()
        safetensors.numpy.save_file({"w": np.ones(3, np.int8)}, folder / "model.safetensors")
        output = self.save_and_restore(folder)
        self.assertEqual(list(read(output)), ["w"])
        safetensors.numpy.save_file({"w": np.ones(3, np.int8)}, folder / "other.safetensors")
        self.assert_fails(
            "save", folder, self.directory, says=("model.safetensors", "other.safetensors")
        )

    def test_paths_of_an_index_do_not_leave_its_folder(self):
        self.map = {name: f"../../elsewhere/{file}" for name, file in self.map.items()}
        self.write_index()
        output = self.save_and_restore(self.index)
        bundles.assert_same(self, safetensors.numpy.load_file(output), self.values)

    def test_an_index_and_its_files_must_name_the_same(self):
        before = self.checkpoints(self.directory)
        whole = dict(self.map)
        self.map["layer.9.w"] = self.map["layer.0.w"]
        self.write_index()
        self.assert_fails("save", self.index, self.directory, says=("layer.9.w", "00001-of-00003"))
        self.map = {name: file for name, file in whole.items() if name != "layer.4.w"}
        self.write_index()
        self.assert_fails("save", self.index, self.directory, says=("layer.4.w", "00002-of-00003"))
        self.map = whole | {"twin": "twin.safetensors"}
        safetensors.numpy.save_file(
            {"twin": np.ones(1), "layer.0.w": np.ones(1)}, self.scratch / "twin.safetensors"
        )
        self.write_index()
        self.assert_fails(
            "save",
            self.index,
            self.directory,
            says=("layer.0.w", "twin.safetensors", "00001-of-00003"),
        )
        self.map = whole | {"lost": "lost.safetensors"}
        self.write_index()
        self.assert_fails("save", self.index, self.directory, says="lost.safetensors")
        self.assertEqual(self.checkpoints(self.directory), before)


class BetweenFrameworksTest(SafetensorsTest):
    def test_tensorflow_reads_what_came_as_safetensors(self):
        source = self.scratch / "x.safetensors"
        values = {
            f"model.{dtype}": every_bit(numpy, (5, 7))
            for dtype, numpy in DTYPES.items()
            if dtype not in NO_TENSORFLOW
        }
        values["scalar"] = np.array(1.5, np.float32)
        values["empty"] = np.zeros((0, 3), np.float32)
        write(source, values, {"format": "pt"})
        reference = self.cairn("save", source, self.directory)
        output = self.scratch / "tf/ckpt"
        self.cairn("restore", reference, "--output", output)
        bundles.assert_same(self, bundles.read(output), values)

    def test_the_package_reads_what_came_from_tensorflow(self):
        source = harness.GOLDEN / "keras_adam/ckpt-10"
        values = bundles.without_graph(bundles.read(source))
        output = self.save_and_restore(source)
        bundles.assert_same(self, safetensors.numpy.load_file(output), values)
        self.assertIsNone(metadata_of(output))
        # And back again.
        reference = self.cairn("save", output, self.directory)
        again = self.scratch / "again/ckpt"
        self.cairn("restore", reference, "--output", again)
        bundles.assert_same(self, bundles.read(again), values)

    def test_partitioned_tensors_become_whole_ones(self):
        for name in ("partitioned/model.ckpt-3", "shards/model-7"):
            with self.subTest(name=name):
                source = harness.GOLDEN / name
                # TensorFlow reads strings in slices by these alone, and safetensors holds none.
                reader = tf.train.load_checkpoint(str(source))
                values = {
                    key: bundles.array(reader.get_tensor(key))
                    for key, dtype in reader.get_variable_to_dtype_map().items()
                    if dtype != tf.string
                }
                output = self.save_and_restore(source, "--skip-unsupported")
                bundles.assert_same(self, safetensors.numpy.load_file(output), values)

    def test_tensors_that_are_partly_there_are_left_out_by_name(self):
        reference = self.cairn("save", harness.GOLDEN / "slices/all", self.directory)
        answer = self.assert_fails(
            "restore", reference, "--output", self.scratch / "x.safetensors", says="only a part"
        )
        self.cairn(
            "restore", reference, "--output", self.scratch / "x.safetensors", "--skip-unsupported"
        )
        shown = self.cairn_json("show", reference)["tensors"]
        with safetensors.safe_open(self.scratch / "x.safetensors", framework="np") as restored:
            names = {bundles.key_text(name.encode()) for name in restored.keys()}
        self.assertTrue(names)
        for key in {tensor["key"] for tensor in shown} - names:
            self.assertIn(key, answer.err)

    def test_a_part_of_what_came_from_tensorflow(self):
        output = self.save_and_restore(
            harness.GOLDEN / "keras_adam/ckpt-10", "--prefix", "model/l1"
        )
        names = [n for n in bundles.read(harness.GOLDEN / "keras_adam/ckpt-10")]
        self.assertEqual(
            sorted(read(output)), sorted(n for n in names if n.startswith("model/l1/"))
        )

    def test_what_safetensors_cannot_hold_is_named_in_one_error(self):
        prefix = self.scratch / "tf/mixed"
        values = {
            "fine": tf.constant([1.5, -2.5], tf.float32),
            "text": tf.constant(["a", "b"]),
            "wide": tf.constant([1 + 2j], tf.complex128),
            "half": tf.constant([0.5], tf.bfloat16),
        }
        prefix.parent.mkdir()
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )
        reference = self.cairn("save", prefix, self.directory)
        output = self.scratch / "out/x.safetensors"
        self.assert_fails(
            "restore",
            reference,
            "--output",
            output,
            says=("text", "string", "wide", "complex128", "--skip-unsupported"),
        )
        self.assertFalse(output.parent.exists() and any(output.parent.iterdir()))
        self.cairn("restore", reference, "--output", output, "--skip-unsupported")
        self.assertEqual(
            read(output),
            {
                "fine": ("F32", [2], np.array([1.5, -2.5], np.float32).tobytes()),
                "half": ("BF16", [1], np.array([0.5], ml_dtypes.bfloat16).tobytes()),
            },
        )
        self.assert_fails(
            "restore",
            reference,
            "--output",
            self.scratch / "none.safetensors",
            "--key",
            "text",
            "--skip-unsupported",
            says="nothing",
        )


class ErrorTest(SafetensorsTest):
    def test_files_that_the_package_refuses_are_refused(self):
        whole = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
        other = {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}
        bad = {
            "nothing": b"",
            "header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}",
            "header longer than the file": struct.pack("<Q", 100) + b"{}",
            "header over 100 MB": struct.pack("<Q", 100_000_001) + b"{}",
            "no JSON": (b"{", b""),
            "no UTF-8": (b'{"\xff":{}}', b""),
            "overlap": (whole | {"v": other}, bytes(12)),
            "hole": ({"w": other}, bytes(12)),
            "data missing": (whole, bytes(7)),
            "data left over": (whole, bytes(9)),
            "size": ({"w": whole["w"] | {"shape": [3]}}, bytes(8)),
            "overflow": ({"w": whole["w"] | {"shape": [1 << 40, 1 << 40]}}, bytes(8)),
            "negative": ({"w": whole["w"] | {"shape": [-2]}}, bytes(8)),
            "no dtype": ({"w": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
            "metadata": (whole | {"__metadata__": {"a": 1}}, bytes(8)),
        }
        for what, content in bad.items():
            with self.subTest(what=what):
                source = self.scratch / "bad.safetensors"
                if isinstance(content, bytes):
                    source.write_bytes(content)
                else:
                    written_by_hand(source, *content)
                with self.assertRaises(safetensors.SafetensorError):
                    safetensors.deserialize(source.read_bytes())
                self.assert_fails("save", source, self.directory, says="bad.safetensors")
        self.assertEqual(self.checkpoints(self.directory), [])
        self.assert_still_serves()

    def test_duplicate_keys_are_refused(self):
        source = self.scratch / "bad.safetensors"
        entry = '"w":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}'
        text = "{" + entry % (0, 1) + "," + entry % (1, 2) + "}"
        written_by_hand(source, text.encode(), b"ab")
        self.assert_fails("save", source, self.directory, says=("bad.safetensors", "twice"))

    def test_a_file_that_is_there_is_replaced_only_by_force(self):
        source = self.scratch / "x.safetensors"
        safetensors.numpy.save_file({"w": np.ones(3, np.int8)}, source)
        reference = self.cairn("save", source, self.directory)
        output = self.scratch / "out.safetensors"
        output.write_text("mine")
        self.assert_fails("restore", reference, "--output", output, says=("there", "--force"))
        self.assertEqual(output.read_text(), "mine")
        self.cairn("restore", reference, "--output", output, "--force")
        self.assertEqual(output.read_bytes(), source.read_bytes())
        self.assertEqual(
            sorted(path.name for path in self.scratch.iterdir()),
            ["out.safetensors", "x.safetensors"],
        )

    def test_what_is_no_one_file_is_wrong_usage(self):
        source = self.scratch / "x.safetensors"
        safetensors.numpy.save_file({"w": np.ones(3, np.int8)}, source)
        reference = self.cairn("save", source, self.directory)
        self.assert_fails(
            "restore",
            reference,
            "--output",
            self.scratch / "m.safetensors.index.json",
            status=harness.WRONG_USAGE,
            says="index",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
