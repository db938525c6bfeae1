"""Compiled Keras models, as Keras 3 and (with TensorFlow 2.15) Keras 2 save them."""

# Also runs with: tensorflow-2.15

import unittest

import numpy as np
import tensorflow as tf

import bundles
import make_golden
import roundtrip

KERAS_2 = tf.__version__.startswith("2.15.")  # The last that has it.
RNG = np.random.default_rng(9)
INPUTS = RNG.normal(size=(32, 8)).astype(np.float32)
TARGETS = RNG.normal(size=(32, 4)).astype(np.float32)


def compiled(make_model, optimizer="adam"):
    """A model that was trained for some steps; each has random values of its own before."""
    model = make_model()
    model.compile(optimizer, "mse")
    fit(model)
    return model


def fit(model):
    model.fit(INPUTS, TARGETS, batch_size=8, epochs=2, shuffle=False, verbose=0)


def deep_model():
    """A functional model with layers that have more than weights."""
    inputs = tf.keras.Input((8,))
    x = tf.keras.layers.Dense(12, activation="relu")(inputs)
    x = tf.keras.layers.BatchNormalization()(x)
    x = tf.keras.layers.Reshape((3, 4))(x)
    x = tf.keras.layers.LSTM(5)(x)
    return tf.keras.Model(inputs, tf.keras.layers.Dense(4)(x))


class KerasTest(roundtrip.RoundTripTest):
    def assert_equal_models(self, found, expected):
        for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
            self.assertEqual(bundles.bits(a), bundles.bits(b))
        self.assertEqual(
            bundles.bits(found.predict(INPUTS, verbose=0)),
            bundles.bits(expected.predict(INPUTS, verbose=0)),
        )

    def check_checkpoint(self, make_model, make_optimizer):
        model = compiled(make_model, make_optimizer())
        prefix = tf.train.Checkpoint(model).save(str(self.scratch / "saved/ckpt"))
        restored = self.through(prefix)
        other = compiled(make_model, make_optimizer())
        tf.train.Checkpoint(other).restore(str(restored)).assert_consumed()
        self.assert_equal_models(other, model)
        # Training goes on exactly where it was, so the optimizer is all there.
        fit(model)
        fit(other)
        self.assert_equal_models(other, model)

    def test_functional_model(self):
        self.check_checkpoint(deep_model, tf.keras.optimizers.Adam)

    def test_subclassed_model(self):
        self.check_checkpoint(make_golden.Net, tf.keras.optimizers.Adam)

    def test_other_optimizers(self):
        for make_optimizer in (
            lambda: tf.keras.optimizers.SGD(0.01, momentum=0.9),
            lambda: tf.keras.optimizers.RMSprop(0.01, centered=True),
        ):
            self.check_checkpoint(make_golden.functional_model, make_optimizer)

    def test_checkpoints_during_training(self):
        """A callback that saves each epoch; the last is taken over by another process."""
        model = compiled(make_golden.functional_model)
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(model), str(self.scratch / "run"), max_to_keep=2
        )
        save = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: manager.save())
        model.fit(INPUTS, TARGETS, epochs=3, verbose=0, callbacks=[save])
        reference = self.cairn("save", self.scratch / "run", self.directory)
        self.assertEqual(reference, f"{self.directory}@3")
        restored = self.restore(reference)
        other = compiled(make_golden.functional_model)
        tf.train.Checkpoint(other).restore(str(restored)).assert_consumed()
        self.assert_equal_models(other, model)

    if KERAS_2:

        def test_weights_in_the_format_of_tensorflow(self):
            for name, make_model in (("deep", deep_model), ("net", make_golden.Net)):
                with self.subTest(model=name):
                    model = compiled(make_model)
                    prefix = self.scratch / f"{name}/cp-0005.ckpt"
                    model.save_weights(str(prefix), save_format="tf")
                    restored = self.through(prefix, source=prefix.parent)
                    other = compiled(make_model)
                    other.load_weights(str(restored)).assert_consumed()
                    self.assert_equal_models(other, model)
                    fit(model)
                    fit(other)
                    self.assert_equal_models(other, model)

        def test_optimizer_with_slots(self):
            self.check_checkpoint(deep_model, tf.keras.optimizers.legacy.Adam)

        def test_model_without_the_slots_of_its_optimizer(self):
            make_optimizer = tf.keras.optimizers.legacy.Adam
            model = compiled(deep_model, make_optimizer())
            saved = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
            reference = self.cairn("save", saved.save(str(self.scratch / "s/c")), self.directory)
            keys = [t["key"] for t in self.cairn_json("show", reference)["tensors"]]
            slots = [key for key in keys if ".OPTIMIZER_SLOT" in key]
            self.assertTrue(slots)
            selectors = [
                f"--key={key}" for key in keys if key.startswith("model/") and key not in slots
            ]
            part = self.restore(reference, *selectors)
            other = compiled(deep_model, make_optimizer())
            moments = [v.numpy() for v in other.optimizer.variables()]
            tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(
                str(part)
            ).expect_partial()
            self.assert_equal_models(other, model)
            for value, before in zip(other.optimizer.variables(), moments, strict=True):
                self.assertEqual(bundles.bits(value.numpy()), bundles.bits(before))


if __name__ == "__main__":
    unittest.main(verbosity=2)
