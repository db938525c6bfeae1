"""SavedModels and the graphs of Savers: every file goes through the server and back."""

import contextlib
import filecmp
import hashlib
import json
import os
import pathlib
import random
import subprocess
import unittest

import numpy as np
import tensorflow as tf

import bundles
import harness

v1 = tf.compat.v1
SERVICE = "cairn.v1.CheckpointService"
VARIABLES = "variables/variables"


class Lookup(tf.Module):
    """Words to vectors, with an asset: the vocabulary."""

    def __init__(self, vocabulary: pathlib.Path):
        super().__init__()
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticVocabularyTable(initializer, num_oov_buckets=1)
        self.vectors = tf.Variable(tf.random.normal((4, 8)), name="vectors")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, words):
        return {"vectors": tf.gather(self.vectors, self.table.lookup(words))}


class Doubler(tf.Module):
    """Nothing to save but a graph."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x):
        return {"y": 2.0 * x}


def files(folder: pathlib.Path) -> dict[str, bytes]:
    """What is in a folder: files by path, empty folders by path and a '/'."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[name + "/"] = b""
    return found


def without_variables(found: dict[str, bytes]) -> dict[str, bytes]:
    return {
        name: content
        for name, content in found.items()
        if not name.startswith((f"{VARIABLES}.index", f"{VARIABLES}.data-"))
    }


def served(folder: pathlib.Path, **inputs) -> dict[str, np.ndarray]:
    """What the default signature of a SavedModel answers."""
    loaded = tf.saved_model.load(str(folder))
    outputs = loaded.signatures["serving_default"](
        **{name: tf.constant(value) for name, value in inputs.items()}
    )
    return {name: value.numpy() for name, value in outputs.items()}


class SavedModelTest(harness.InteropTest):
    def grpcurl(self, method: str, request: dict) -> dict:
        done = subprocess.run(
            [os.environ["CAIRN_GRPCURL"], "-plaintext", "-d", json.dumps(request)]
            + [self.server.address, f"{SERVICE}/{method}"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def save_attachments(self, contents: dict[str, str]):
        """A checkpoint with a tensor and these attachments."""
        tensors = [{"key": "w", "values": [1, 2]}]
        for name, text in contents.items():
            attachment = {"key": name, "kind": "TENSOR_KIND_ATTACHMENT"}
            tensors.append(attachment | ({"texts": [text]} if text else {}))
        saved = self.grpcurl("SaveCheckpoint", {"directory": self.directory, "tensors": tensors})
        self.assertEqual(saved["attachment_count"], str(len(contents)))

    def round_trip(self, model: pathlib.Path) -> pathlib.Path:
        """Saves and restores a SavedModel, and compares every file and every variable."""
        original = files(model)
        attachments = without_variables(original)
        saved = self.cairn_json("save", model, self.directory)
        self.assertEqual(saved["attachments"], len(attachments))
        restored = self.scratch / "restored"
        self.cairn("restore", f"{self.directory}@latest", "--output", restored, "--saved-model")
        self.assertEqual(without_variables(files(restored)), attachments)
        has_variables = f"{VARIABLES}.index" in original
        self.assertEqual((restored / f"{VARIABLES}.index").exists(), has_variables)
        if has_variables:
            bundles.assert_same(
                self, bundles.read(restored / VARIABLES), bundles.read(model / VARIABLES)
            )
        self.assertEqual(list(self.scratch.glob("*.tmp")), [])
        return restored

    def assert_serves_the_same(self, restored: pathlib.Path, model: pathlib.Path, **inputs):
        bundles.assert_same(self, served(restored, **inputs), served(model, **inputs))

    def lookup_model(self) -> pathlib.Path:
        vocabulary = self.scratch / "vocab.txt"
        vocabulary.write_text("one\ntwo\nthree\n")
        module, model = Lookup(vocabulary), self.scratch / "model"
        tf.saved_model.save(module, str(model), signatures=module.__call__)
        vocabulary.unlink()  # The model has its own.
        return model

    def test_module_with_a_vocabulary(self):
        model = self.lookup_model()
        self.assertTrue((model / "assets/vocab.txt").exists())
        restored = self.round_trip(model)
        self.assert_serves_the_same(restored, model, words=["two", "none", "one"])

    def test_keras_export(self):
        model = tf.keras.Sequential(
            [tf.keras.Input((4,)), tf.keras.layers.Dense(3), tf.keras.layers.BatchNormalization()]
        )
        exported = self.scratch / "model"
        model.export(str(exported), verbose=False)
        restored = self.round_trip(exported)
        inputs = np.ones((2, 4), np.float32)
        # A loaded model owns the variables of its functions: both stay while they are asked.
        before, after = (tf.saved_model.load(str(folder)) for folder in (exported, restored))
        expected, found = before.serve(inputs).numpy(), after.serve(inputs).numpy()
        self.assertEqual(bundles.bits(found), bundles.bits(expected))

    def test_module_without_variables(self):
        module, model = Doubler(), self.scratch / "model"
        tf.saved_model.save(module, str(model), signatures=module.__call__)
        restored = self.round_trip(model)
        self.assert_serves_the_same(restored, model, x=[1.0, 2.5])

    def build_v1(self, model: pathlib.Path, with_variables: bool, as_text: bool = False):
        """A SavedModel as TensorFlow 1 wrote them."""
        with v1.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None], name="x")
            y = x * v1.get_variable("w", initializer=3.5) if with_variables else 3.5 * x
            session.run(v1.global_variables_initializer())
            builder = v1.saved_model.Builder(str(model))
            builder.add_meta_graph_and_variables(
                session,
                [v1.saved_model.tag_constants.SERVING],
                {"serving_default": v1.saved_model.predict_signature_def({"x": x}, {"y": y})},
            )
            builder.save(as_text=as_text)

    def check_v1(self, with_variables: bool, as_text: bool = False):
        model = self.scratch / "model"
        self.build_v1(model, with_variables, as_text)
        (model / "assets.extra/empty").mkdir(parents=True)
        (model / "assets.extra/notes.txt").write_bytes(b"\x00\xff\n")
        restored = self.round_trip(model)
        self.assert_serves_the_same(restored, model, x=[1.0, 2.0])
        with v1.Graph().as_default(), v1.Session() as session:
            v1.saved_model.load(session, [v1.saved_model.tag_constants.SERVING], str(restored))

    def test_v1_builder_with_variables(self):
        self.check_v1(with_variables=True)

    def test_v1_builder_without_variables(self):
        self.check_v1(with_variables=False)
        shown = self.cairn_json("show", self.directory)
        self.assertEqual(shown["tensors"], [])
        # Without the flag there is nothing that it could be restored to, and no harm done.
        self.assert_still_serves()

    def test_v1_builder_as_text(self):
        self.check_v1(with_variables=True, as_text=True)

    def test_golden_saved_model_by_its_folder_and_by_its_graph(self):
        for path in (harness.GOLDEN / "saved_model", harness.GOLDEN / "saved_model/saved_model.pb"):
            saved = self.cairn_json("save", path, self.directory)
            self.assertEqual(saved["attachments"], 2, saved)

    def test_links_to_files_as_caches_have_them(self):
        model = self.lookup_model()
        blobs = self.scratch / "blobs"
        blobs.mkdir()
        expected = files(model)
        for number, name in enumerate(expected):
            blob = blobs / str(number)
            (model / name).rename(blob)
            (model / name).symlink_to(os.path.relpath(blob, (model / name).parent))
        restored = self.round_trip(model)
        self.assertFalse((restored / "saved_model.pb").is_symlink())
        self.assertEqual((restored / "saved_model.pb").read_bytes(), expected["saved_model.pb"])

    def test_links_to_folders_are_refused(self):
        model = self.lookup_model()
        (model / "assets.extra").symlink_to(model / "assets")
        self.assert_fails("save", model, self.directory, says=["assets.extra", "link"])
        self.assertEqual(self.checkpoints(self.directory), [])

    def test_names_that_are_not_utf8(self):
        model = self.lookup_model()
        odd = os.fsencode(model) + b"/assets/\xff\xfe \\ \n"
        with open(odd, "wb") as file:
            file.write(b"odd")
        restored = self.round_trip(model)
        with open(os.fsencode(restored) + b"/assets/\xff\xfe \\ \n", "rb") as file:
            self.assertEqual(file.read(), b"odd")

    def test_an_asset_of_several_parts(self):
        model = self.scratch / "model"
        self.build_v1(model, with_variables=True)
        asset = model / "assets/large"
        asset.parent.mkdir()
        content = random.Random(7)
        with open(asset, "wb") as file:
            for _ in range(300):
                file.write(content.randbytes(1 << 20))
            file.write(b"tail")
        self.cairn("save", model, self.directory)
        shown = self.cairn_json("show", self.directory)["attachments"]
        self.assertIn({"name": "assets/large", "bytes": asset.stat().st_size}, shown)
        restored = self.scratch / "restored"
        self.cairn("restore", self.directory, "--output", restored, "--saved-model")
        self.assertTrue(filecmp.cmp(asset, restored / "assets/large", shallow=False))
        with self.cat("assets/large") as process:
            printed = hashlib.file_digest(process.stdout, "sha256").hexdigest()
        with open(asset, "rb") as file:
            self.assertEqual(printed, hashlib.file_digest(file, "sha256").hexdigest())

    @contextlib.contextmanager
    def cat(self, name: str):
        environment = os.environ | {"CAIRN_SERVER": self.server.address}
        process = subprocess.Popen(
            [harness.CAIRN, "cat", self.directory, name], env=environment, stdout=subprocess.PIPE
        )
        yield process
        process.stdout.close()
        self.assertEqual(process.wait(60), harness.DONE)

    def test_show_and_cat(self):
        model = self.lookup_model()
        self.cairn("save", model, self.directory)
        shown = self.cairn_json("show", self.directory)
        expected = {name: len(content) for name, content in without_variables(files(model)).items()}
        self.assertEqual({a["name"]: a["bytes"] for a in shown["attachments"]}, expected)
        self.assertIn("assets/vocab.txt", self.cairn("show", self.directory))
        with self.cat("saved_model.pb") as process:
            self.assertEqual(process.stdout.read(), (model / "saved_model.pb").read_bytes())
        self.assert_fails("cat", self.directory, "vocab.txt", says=["vocab.txt", "saved_model.pb"])

    def test_the_graph_of_a_saver_goes_along(self):
        prefix = self.scratch / "trained/model.ckpt"
        with v1.Graph().as_default(), v1.Session() as session:
            w = v1.get_variable("w", initializer=tf.constant([1.5, -2.0]))
            tf.identity(w * 2.0, name="doubled")
            session.run(v1.global_variables_initializer())
            prefix.parent.mkdir()
            saved = pathlib.Path(v1.train.Saver().save(session, str(prefix), global_step=7))
        self.assertEqual(self.cairn("save", saved, self.directory), f"{self.directory}@7")
        restored = self.scratch / "restored/model.ckpt-7"
        self.cairn("restore", f"{self.directory}@7", "--output", restored)
        graph = pathlib.Path(f"{restored}.meta")
        self.assertEqual(graph.read_bytes(), pathlib.Path(f"{saved}.meta").read_bytes())
        with v1.Graph().as_default(), v1.Session() as session:
            v1.train.import_meta_graph(str(graph)).restore(session, str(restored))
            self.assertEqual(session.run("doubled:0").tolist(), [3.0, -4.0])

        part = self.scratch / "part/model.ckpt-7"
        self.cairn("restore", f"{self.directory}@7", "--output", part, "--key", "w")
        self.assertFalse(pathlib.Path(f"{part}.meta").exists())
        pathlib.Path(f"{restored}.index").unlink()
        (data,) = restored.parent.glob("*.data-*")
        data.unlink()
        graph.write_text("mine")
        self.assert_fails(
            "restore", f"{self.directory}@7", "--output", restored, says=[".meta", "--force"]
        )
        self.assertEqual(graph.read_text(), "mine")
        self.cairn("restore", f"{self.directory}@7", "--output", restored, "--force")
        self.assertEqual(graph.read_bytes(), pathlib.Path(f"{saved}.meta").read_bytes())

    def test_attachments_by_grpcurl(self):
        self.save_attachments({"config.json": "{}", "empty": ""})
        listed = self.grpcurl(
            "ListTensors", {"directory": self.directory, "kind": "TENSOR_KIND_ATTACHMENT"}
        )["tensors"]
        self.assertEqual([a["key"] for a in listed], ["config.json", "empty"])
        self.assertEqual([a["dtype"] for a in listed], ["bytes", "bytes"])
        preview = self.grpcurl(
            "PreviewTensor",
            {"directory": self.directory, "key": "config.json", "kind": "TENSOR_KIND_ATTACHMENT"},
        )
        self.assertEqual(preview["texts"], ["{}"])
        tensors = self.grpcurl("ListTensors", {"directory": self.directory})["tensors"]
        self.assertEqual([t["key"] for t in tensors], ["w"])
        self.assertEqual(self.cairn("cat", self.directory, "config.json"), "{}")
        self.assertEqual(self.cairn("cat", self.directory, "empty"), "")

    def test_names_that_leave_the_folder_are_refused(self):
        output = self.scratch / "out/model"
        output.parent.mkdir()
        for name in (
            "../evil",
            "assets/../../evil",
            str(self.scratch / "evil"),
            "assets//evil",
            "saved_model.pb/evil",
            "variables/variables.index",
            "variables/variables.data-00000-of-00001",
            "evil\\x00",
        ):
            with self.subTest(name):
                self.save_attachments({"saved_model.pb": "graph", name: "evil"})
                self.assert_fails(
                    "restore",
                    f"{self.directory}@latest",
                    "--output",
                    output,
                    "--saved-model",
                    says="saved_model.pb" if name.startswith("saved_model.pb") else name,
                )
                self.assertEqual(list(output.parent.iterdir()), [])
                self.assertFalse((self.scratch / "evil").exists())

    def test_what_is_no_saved_model_is_refused(self):
        self.save_attachments({"config.json": "{}"})
        output = self.scratch / "out"
        self.assert_fails(
            "restore", self.directory, "--output", output, "--saved-model", says="saved_model.pb"
        )
        self.assertFalse(output.exists())

    def test_a_part_of_a_saved_model_is_wrong_usage(self):
        self.cairn("save", self.lookup_model(), self.directory)
        for selector in (["--prefix", "vectors"], ["--key", "w"]):
            self.assert_fails(
                "restore",
                self.directory,
                "--output",
                self.scratch / "out",
                "--saved-model",
                *selector,
                status=harness.WRONG_USAGE,
                says="--saved-model",
            )

    def test_a_folder_is_replaced_by_force_if_it_is_a_saved_model(self):
        model = self.lookup_model()
        self.cairn("save", model, self.directory)
        arguments = ["restore", self.directory, "--saved-model", "--output"]
        output = self.scratch / "out"
        self.cairn(*arguments, output)
        (output / "assets/mine").write_text("mine")
        self.assert_fails(*arguments, output, says=[str(output), "--force"])
        self.assertTrue((output / "assets/mine").exists())
        self.cairn(*arguments, output, "--force")
        self.assertEqual(without_variables(files(output)), without_variables(files(model)))
        other = self.scratch / "thesis"
        other.mkdir()
        (other / "thesis.tex").write_text("years of work")
        self.assert_fails(*arguments, other, "--force", says=[str(other), "--force"])
        self.assertEqual(files(other), {"thesis.tex": b"years of work"})

    def test_damaged_folders_are_refused(self):
        model = self.lookup_model()
        (model / f"{VARIABLES}.index").rename(self.scratch / "index")
        self.assert_fails("save", model, self.directory, says="variables.index")
        os.mkfifo(model / "assets/pipe")
        (self.scratch / "index").rename(model / f"{VARIABLES}.index")
        self.assert_fails("save", model, self.directory, says="assets/pipe")
        self.assertEqual(self.checkpoints(self.directory), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
