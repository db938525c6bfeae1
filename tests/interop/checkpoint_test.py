"""tf.train.Checkpoint of Keras models with Adam: through the server and back, whole and in part."""

import unittest

import numpy as np
import tensorflow as tf

import bundles
import harness
import make_golden


class CheckpointTest(harness.InteropTest):
    def train_and_save(self, model):
        """Trains some steps; returns the checkpoint's prefix, the optimizer and one more step."""
        optimizer, step = make_golden.trainer(model)
        for _ in range(5):
            step()
        checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
        return checkpoint.save(str(self.scratch / "trained/ckpt")), optimizer, step

    def restore(self, *selectors):
        """Restores the latest checkpoint and returns the prefix of the new files."""
        output = self.scratch / "restored/ckpt-1"
        self.cairn("restore", f"{self.directory}@latest", "--output", output, *selectors)
        return output

    def fresh(self, make_model):
        """A model and its Adam as a new process has them: other start values, nothing trained."""
        model = make_model()
        model(tf.zeros((1, 8)))
        for variable in model.trainable_variables:
            variable.assign(tf.fill(variable.shape, 123.0))
        optimizer, step = make_golden.trainer(model)
        optimizer.build(model.trainable_variables)
        return model, optimizer, step

    def assert_equal_variables(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for a, b in zip(found, expected, strict=True):
            self.assertEqual(bundles.bits(a.numpy()), bundles.bits(b.numpy()), b.path)

    def check_whole(self, make_model):
        model = make_model()
        saved, optimizer, step = self.train_and_save(model)
        self.assertEqual(self.cairn("save", saved, self.directory), f"{self.directory}@1")
        restored = self.restore()
        bundles.assert_same(self, bundles.read(restored), bundles.read(saved))

        new_model, new_optimizer, new_step = self.fresh(make_model)
        tf.train.Checkpoint(model=new_model, optimizer=new_optimizer).restore(
            str(restored)
        ).assert_consumed()
        self.assert_equal_variables(new_model.variables, model.variables)
        self.assert_equal_variables(new_optimizer.variables, optimizer.variables)
        # Training goes on exactly where it was: Adam's moments and its step count came along.
        step()
        new_step()
        self.assert_equal_variables(new_model.variables, model.variables)

    def test_subclassed_model_comes_back_whole(self):
        self.check_whole(make_golden.Net)

    def test_functional_model_comes_back_whole(self):
        self.check_whole(make_golden.functional_model)

    def test_show_agrees_with_tensorflow(self):
        saved, _, _ = self.train_and_save(make_golden.Net())
        self.cairn("save", saved, self.directory)
        shown = self.cairn_json("show", f"{self.directory}@latest")["tensors"]
        reader = tf.train.load_checkpoint(saved)
        shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        self.assertEqual([t["key"] for t in shown], sorted(shapes))
        for tensor in shown:
            self.assertEqual(tensor["shape"], shapes[tensor["key"]])
            self.assertEqual(tensor["dtype"], dtypes[tensor["key"]].name)

    def check_part(self, model, expected_keys, *selectors):
        """Restores a part; TensorFlow must read those keys, equal, and no others."""
        saved, _, _ = self.train_and_save(model)
        self.cairn("save", saved, self.directory)
        restored = self.restore(*selectors)
        found, original = bundles.read(restored), bundles.read(saved)
        self.assertIn(bundles.OBJECT_GRAPH, found)
        expected = {name: original[name] for name in original if name.startswith(expected_keys)}
        self.assertTrue(expected)
        bundles.assert_same(self, bundles.without_graph(found), expected)
        return restored

    def test_prefix_restores_a_model_without_its_optimizer(self):
        model = make_golden.Net()
        restored = self.check_part(model, "model/", "--prefix", "model")
        new_model, new_optimizer, _ = self.fresh(make_golden.Net)
        before = [v.numpy() for v in new_optimizer.variables]
        tf.train.Checkpoint(model=new_model, optimizer=new_optimizer).restore(
            str(restored)
        ).expect_partial()
        self.assert_equal_variables(new_model.variables, model.variables)
        for variable, value in zip(new_optimizer.variables, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value, variable.path)
        # The object graph was pruned: a program that has the model alone consumes all of it.
        other, _, _ = self.fresh(make_golden.Net)
        tf.train.Checkpoint(model=other).read(str(restored)).assert_consumed()
        self.assert_equal_variables(other.variables, model.variables)

    def test_prefix_restores_one_layer(self):
        model = make_golden.Net()
        restored = self.check_part(model, "model/l1/", "--prefix", "model/l1/")
        new_model, _, _ = self.fresh(make_golden.Net)
        tf.train.Checkpoint(model=new_model).restore(str(restored)).expect_partial()
        self.assert_equal_variables(new_model.l1.variables, model.l1.variables)
        self.assertTrue(
            np.all(new_model.l2.kernel.numpy() == 123.0), "the other layer must stay as it was"
        )

    def test_key_restores_one_variable(self):
        key = "model/l2/bias/.ATTRIBUTES/VARIABLE_VALUE"
        model = make_golden.Net()
        restored = self.check_part(model, key, "--key", key)
        new_model, _, _ = self.fresh(make_golden.Net)
        tf.train.Checkpoint(model=new_model).restore(str(restored)).expect_partial()
        self.assert_equal_variables([new_model.l2.bias], [model.l2.bias])
        self.assertTrue(np.all(new_model.l2.kernel.numpy() == 123.0))

    def test_prefixes_and_keys_are_united(self):
        keys = ("model/l1/", "optimizer/_iterations/")
        self.check_part(
            make_golden.Net(),
            keys,
            "--prefix",
            "model/l1",
            "--key",
            keys[1] + ".ATTRIBUTES/VARIABLE_VALUE",
        )

    def test_functional_model_comes_back_by_the_path_keras_gave_it(self):
        model = make_golden.functional_model()
        restored = self.check_part(
            model, "optimizer/_trainable_variables/", "--prefix", "optimizer/_trainable_variables"
        )
        new_model, new_optimizer, _ = self.fresh(make_golden.functional_model)
        tf.train.Checkpoint(model=new_model, optimizer=new_optimizer).restore(
            str(restored)
        ).expect_partial()
        self.assert_equal_variables(new_model.variables, model.variables)


if __name__ == "__main__":
    unittest.main(verbosity=2)
