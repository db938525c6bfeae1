"""Object paths: parts of TensorFlow checkpoints by the objects of the program that saved them."""

import json
import os
import subprocess
import unittest

import numpy as np
import tensorflow as tf

import bundles
import harness

LAYERS = tf.keras.layers
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def functional(names=("l1", "l2"), compiled=True):
    """A functional model of Dense layers of these names, trained once, and its optimizer."""
    inputs = tf.keras.Input((8,))
    hidden = inputs
    for name in names:
        hidden = LAYERS.Dense(8, name=name)(hidden)
    model = tf.keras.Model(inputs, hidden)
    optimizer = tf.keras.optimizers.Adam(0.01)
    if compiled:
        model.compile(optimizer=optimizer, loss="mse")
        rng = np.random.default_rng(5)
        model.fit(rng.normal(size=(8, 8)), rng.normal(size=(8, 8)), verbose=0)
    return model, optimizer


class Block(LAYERS.Layer):
    """A layer of layers, with a variable of its own."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.query, self.key = LAYERS.Dense(8), LAYERS.Dense(8)

    def build(self, shape):
        self.gain = self.add_weight(shape=(8,), name="gain")
        self.query.build(shape)
        self.key.build(shape)

    def call(self, x):
        return self.query(x) * self.key(x) * self.gain


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = LAYERS.Dense(8), LAYERS.Dense(2)

    def call(self, x):
        return self.l2(self.l1(x))


class ObjectsTest(harness.InteropTest):
    def save(self, **objects) -> str:
        """Saves a tf.train.Checkpoint of the objects, with us too; returns TensorFlow's prefix."""
        prefix = tf.train.Checkpoint(**objects).save(str(self.scratch / "saved/ckpt"))
        self.cairn("save", prefix, self.directory)
        return prefix

    def shown(self, *objects) -> list[str]:
        """The keys at or below the objects."""
        arguments = [word for path in objects for word in ("--object", path)]
        document = self.cairn_json("show", f"{self.directory}@latest", *arguments)
        return [tensor["key"] for tensor in document["tensors"]]

    def values(self, prefix, *objects) -> dict:
        """What TensorFlow reads in the original under the keys of the objects."""
        original = {bundles.key_text(k.encode()): v for k, v in bundles.read(prefix).items()}
        return {key: original[key] for key in self.shown(*objects)}

    def restore(self, *objects):
        output = self.scratch / f"restored-{len(list(self.scratch.iterdir()))}/ckpt-1"
        arguments = [word for path in objects for word in ("--object", path)]
        self.cairn("restore", f"{self.directory}@latest", "--output", output, *arguments)
        return output

    def check_same(self, prefix, restored, *objects):
        """The files hold the objects' tensors, the graph, and nothing else."""
        found = bundles.read(restored)
        self.assertIn(bundles.OBJECT_GRAPH, found)
        expected = self.values(prefix, *objects)
        self.assertTrue(expected)
        bundles.assert_same(self, bundles.without_graph(found), expected)

    def assert_values(self, variables, arrays):
        """The variables hold just these arrays, in any order."""
        self.assertEqual(
            sorted(str(bundles.bits(v.numpy())) for v in variables),
            sorted(str(bundles.bits(a)) for a in arrays),
        )

    def fill(self, model):
        for variable in model.variables:
            if variable.dtype == "float32":
                variable.assign(tf.fill(variable.shape, 123.0))

    def assert_untouched(self, layer):
        for variable in layer.variables:
            self.assertTrue(np.all(variable.numpy() == 123.0), variable.path)

    def test_layer_of_a_functional_model_is_found_by_its_name(self):
        model, optimizer = functional()
        prefix = self.save(model=model, optimizer=optimizer)
        # What makes the case: no key tells of the model.
        keys = bundles.read(prefix)
        self.assertFalse([key for key in keys if key.startswith("model/")])
        self.assert_fails("show", f"{self.directory}@latest", "--prefix", "model", says="model")

        layer = self.values(prefix, "model/l1")
        self.assert_values(model.get_layer("l1").variables, layer.values())
        for path in ("model/_operations/1", "model/l1/", "model/_operations/1/"):
            self.assertEqual(self.shown(path), sorted(layer), path)
        kernel = self.values(prefix, "model/l1/kernel")
        self.assert_values([model.get_layer("l1").kernel], kernel.values())
        for path in ("model/l1/_kernel", "model/_operations/1/kernel"):
            self.assertEqual(self.shown(path), sorted(kernel), path)
        both = self.shown("model/l1", "model/l2/bias")
        self.assertEqual(both, sorted(both))
        self.assertEqual(len(both), 3)

    def test_part_of_a_functional_model_is_restored_into_a_program(self):
        model, optimizer = functional()
        prefix = self.save(model=model, optimizer=optimizer)
        restored = self.restore("model/l1")
        self.check_same(prefix, restored, "model/l1")
        new_model, new_optimizer = functional()
        self.fill(new_model)
        before = [v.numpy() for v in new_optimizer.variables]
        tf.train.Checkpoint(model=new_model, optimizer=new_optimizer).restore(
            str(restored)
        ).expect_partial()
        for found, expected in zip(
            new_model.get_layer("l1").variables, model.get_layer("l1").variables, strict=True
        ):
            self.assertEqual(bundles.bits(found.numpy()), bundles.bits(expected.numpy()))
        self.assert_untouched(new_model.get_layer("l2"))
        for variable, value in zip(new_optimizer.variables, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value, variable.path)

    def test_optimizer_of_a_functional_model(self):
        model, optimizer = functional()
        prefix = self.save(model=model, optimizer=optimizer)
        state = self.values(prefix, "optimizer/_variables", "optimizer/_learning_rate")
        self.assert_values(optimizer.variables, state.values())
        whole = self.values(prefix, "optimizer")
        self.assert_values([*optimizer.variables, *model.variables], whole.values())
        self.assertEqual(self.shown("model"), sorted(whole), "a compiled model has its optimizer")
        restored = self.restore("optimizer")
        self.check_same(prefix, restored, "optimizer")
        new_model, new_optimizer = functional()
        tf.train.Checkpoint(model=new_model, optimizer=new_optimizer).restore(
            str(restored)
        ).expect_partial()
        self.assert_values(new_optimizer.variables, state.values())

    def test_layers_of_layers_and_nested_models(self):
        inputs = tf.keras.Input((8,))
        hidden = Block(name="block_1")(Block(name="block_0")(inputs))
        inner_inputs = tf.keras.Input((8,))
        inner = tf.keras.Model(inner_inputs, LAYERS.Dense(3, name="deep")(inner_inputs), name="in")
        model = tf.keras.Model(inputs, inner(hidden))
        prefix = self.save(model=model)
        for name in ("block_0", "block_1"):
            found = self.values(prefix, f"model/{name}")
            self.assertEqual(len(found), 5)
            self.assert_values(model.get_layer(name).variables, found.values())
        self.assert_values(
            model.get_layer("block_0").query.variables,
            self.values(prefix, "model/block_0/query").values(),
        )
        self.assert_values(inner.variables, self.values(prefix, "model/deep").values())
        self.assertEqual(self.shown("model/_operations/1/gain"), self.shown("model/block_0/gain"))

    def test_subclassed_model_and_a_list_of_layers(self):
        def heads():
            layers = [LAYERS.Dense(3), LAYERS.Dense(3)]
            for layer in layers:
                layer.build((None, 8))
            return layers

        model, model_heads = Net(), heads()
        optimizer = tf.keras.optimizers.Adam(0.01)
        model.compile(optimizer=optimizer, loss="mse")
        model.fit(np.ones((4, 8)), np.ones((4, 2)), verbose=0)
        prefix = self.save(model=model, optimizer=optimizer, heads=model_heads)
        self.assert_values(model.l1.variables, self.values(prefix, "model/l1").values())
        self.assert_values([model.l1.kernel], self.values(prefix, "model/l1/kernel").values())
        self.assertEqual(self.shown("model/l1/kernel"), self.shown("model/l1/_kernel"))
        self.assert_values(model_heads[1].variables, self.values(prefix, "heads/1").values())
        self.assertEqual(len(self.shown("heads")), 4)
        restored = self.restore("model/l2", "heads/0")
        self.check_same(prefix, restored, "model/l2", "heads/0")
        new_model, new_heads = Net(), heads()
        new_model(tf.zeros((1, 8)))
        for filled in (new_model, *new_heads):
            self.fill(filled)
        tf.train.Checkpoint(model=new_model, heads=new_heads).restore(
            str(restored)
        ).expect_partial()
        self.assert_values(new_model.l2.variables, [v.numpy() for v in model.l2.variables])
        self.assert_values(new_heads[0].variables, [v.numpy() for v in model_heads[0].variables])
        self.assert_untouched(new_model.l1)
        self.assert_untouched(new_heads[1])

    def test_lists_dictionaries_and_odd_names(self):
        names = ("a/b.c", ".S", "..", "with space", "back\\slash", "grüße", "0", "new\nline")
        root = tf.Module()
        root.table = {name: tf.Variable(float(i)) for i, name in enumerate(names)}
        root.list = [tf.Variable([7.0]), {"x": tf.Variable([8.0])}]
        prefix = self.save(net=root)
        for i, name in enumerate(names):
            escaped = name.replace(".", "..").replace("/", ".S")
            self.assertEqual(
                list(
                    self.values(prefix, f"net/table/{bundles.key_text(escaped.encode())}").values()
                ),
                [i],
            )
        self.assertEqual(len(self.shown("net/table")), len(names))
        self.assertEqual(self.shown("net/list/1"), [f"net/list/1/x{VALUE}"])
        restored = self.restore("net/table/a.Sb..c", "net/list/1")
        new_root = tf.Module()
        new_root.table = {name: tf.Variable(123.0) for name in names}
        new_root.list = [tf.Variable([123.0]), {"x": tf.Variable([123.0])}]
        tf.train.Checkpoint(net=new_root).restore(str(restored)).expect_partial()
        self.assertEqual(new_root.table["a/b.c"].numpy(), 0)
        self.assertEqual(new_root.list[1]["x"].numpy(), [8])
        for untouched in (new_root.table["0"], new_root.list[0]):
            self.assertTrue(np.all(untouched.numpy() == 123.0))

    def test_any_name_of_a_shared_object_and_cycles(self):
        shared = tf.Module()
        shared.v = tf.Variable(3.0)
        first, second = tf.Module(), tf.Module()
        first.part, second.piece = shared, shared
        shared.owner = second  # and so round
        prefix = self.save(first=first, second=second)
        for path in ("first/part", "second", "second/piece/owner/piece/v", "first"):
            found = self.values(prefix, path)
            self.assertEqual([float(v) for v in found.values()], [3.0], path)
        restored = self.restore("second/piece")
        new = tf.Module()
        new.part = tf.Module()
        new.part.v = tf.Variable(123.0)
        tf.train.Checkpoint(first=new).restore(str(restored)).expect_partial()
        self.assertEqual(new.part.v.numpy(), 3.0)

    def test_slots_go_with_their_optimizer(self):
        optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        variable = tf.Variable([1.0, 2.0])
        other = tf.Variable([5.0])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(variable * variable) + tf.reduce_sum(other * other)
        variables = [variable, other]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        prefix = self.save(model=tf.train.Checkpoint(v=variable, o=other), optimizer=optimizer)
        slots = self.values(prefix, "optimizer")
        self.assertEqual(
            sorted(slots),
            [f"model/{name}/.OPTIMIZER_SLOT/optimizer/momentum{VALUE}" for name in ("o", "v")],
        )
        self.assertEqual(self.shown("model/v"), [f"model/v{VALUE}"])
        restored = self.restore("optimizer")
        self.check_same(prefix, restored, "optimizer")

    def test_the_root_has_everything_but_the_graph(self):
        prefix = self.save(model=Net(), v=tf.Variable(1))
        everything = sorted(bundles.without_graph(bundles.read(prefix)))
        self.assertEqual(self.shown(""), everything)
        restored = self.restore("")
        bundles.assert_same(
            self,
            bundles.without_graph(bundles.read(restored)),
            bundles.without_graph(bundles.read(prefix)),
        )

    def test_objects_unite_with_keys_and_prefixes(self):
        model, optimizer = functional()
        self.save(model=model, optimizer=optimizer)
        output = self.scratch / "united/ckpt"
        self.cairn(
            *("restore", f"{self.directory}@latest", "--output", output, "--object", "model/l1"),
            *("--prefix", "save_counter", "--key", f"optimizer/_iterations{VALUE}"),
        )
        self.assertEqual(len(bundles.without_graph(bundles.read(output))), 4)

    def test_grpcurl_lists_the_tensors_of_an_object(self):
        model, optimizer = functional()
        self.save(model=model, optimizer=optimizer)
        request = {"directory": self.directory, "object_path": "model/l1", "page_size": 1}
        keys = []
        while True:
            done = subprocess.run(
                [
                    *(os.environ["CAIRN_GRPCURL"], "-plaintext", "-d", json.dumps(request)),
                    *(self.server.address, "cairn.v1.CheckpointService/ListTensors"),
                ],
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            page = json.loads(done.stdout)
            keys += [tensor["key"] for tensor in page["tensors"]]
            if not page.get("next_page_token"):
                break
            request["page_token"] = page["next_page_token"]
        self.assertEqual(keys, self.shown("model/l1"))
        self.assertEqual(len(keys), 2)

    def test_an_object_of_very_many_tensors(self):
        root = tf.Module()
        root.many = {f"v{i:05}": tf.Variable(i) for i in range(3000)}
        root.few = [tf.Variable(1)]
        prefix = self.save(net=root)
        restored = self.restore("net/many")
        self.check_same(prefix, restored, "net/many")
        self.assertEqual(len(self.shown("net/many")), 3000)


class BadObjectsTest(harness.InteropTest):
    def setUp(self):
        super().setUp()
        root = tf.Module()
        root.part = tf.Module()
        root.part.v = tf.Variable(1.0)
        prefix = tf.train.Checkpoint(net=root).save(str(self.scratch / "saved/ckpt"))
        self.cairn("save", prefix, self.directory)

    def fails(self, path, *says):
        reference = f"{self.directory}@latest"
        self.assert_fails("show", reference, "--object", path, says=says)
        output = self.scratch / "none/ckpt"
        self.assert_fails("restore", reference, "--output", output, "--object", path, says=says)
        self.assertFalse(output.parent.exists() and list(output.parent.iterdir()))
        self.assert_still_serves()

    def test_names_that_are_not_there_are_told_with_those_that_are(self):
        self.fails("net/prat", "net/prat", "part")
        self.fails("nte", "net", "save_counter")
        self.fails("net/part/v/w", "w")
        self.fails("..", '"..', "root")  # a name of one dot
        self.fails("net/../part", "part")

    def test_paths_of_another_form(self):
        self.fails("net//part", "empty name")
        self.fails("/net", "empty name")
        self.fails("net/a.b", "one dot")
        self.fails(f"net/part/v{VALUE}", ".ATTRIBUTES")
        self.fails("net/" + "x" * 5000, "4096")

    def test_a_checkpoint_without_a_graph(self):
        self.cairn("save", harness.GOLDEN / "shards/model-7", self.directory)
        self.fails("net", "no object graph", f"{self.directory}@")

    def test_a_damaged_graph(self):
        prefix = str(self.scratch / "damaged/ckpt")
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=[bundles.OBJECT_GRAPH, "v"],
            shape_and_slices=["", ""],
            tensors=[tf.constant(b"\x0a\x7fgarbage"), tf.constant(1.0)],
        )
        self.cairn("save", prefix, self.directory)
        self.fails("net", "not an object graph", f"{self.directory}@")

    def test_a_graph_that_names_what_the_checkpoint_lacks(self):
        root = tf.Module()
        root.kept, root.lost = tf.Variable(1.0), tf.Variable(2.0)
        prefix = tf.train.Checkpoint(net=root).save(str(self.scratch / "whole/ckpt"))
        reader = tf.train.load_checkpoint(prefix)
        names = [bundles.OBJECT_GRAPH, f"net/kept{VALUE}"]
        partial = str(self.scratch / "partial/ckpt")
        tf.raw_ops.SaveV2(
            prefix=partial,
            tensor_names=names,
            shape_and_slices=["", ""],
            tensors=[tf.constant(reader.get_tensor(name)) for name in names],
        )
        self.cairn("save", partial, self.directory)
        shown = self.cairn_json("show", f"{self.directory}@latest", "--object", "net")
        self.assertEqual([tensor["key"] for tensor in shown["tensors"]], names[1:])
        self.fails("net/lost", "net/lost", "lacks")


if __name__ == "__main__":
    unittest.main(verbosity=2)
