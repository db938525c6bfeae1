"""A test that sends checkpoints through the server and compares every byte that comes back."""

import pathlib

import bundles
import harness
import tables


def assert_same_stored(test, found, original):
    """Both checkpoints hold the same keys, slices' keys among them, and under each the same bytes.

    Read by our own reader in Python: TensorFlow cannot show all of it.
    """
    ours, theirs = tables.tensors(found), tables.tensors(original)
    test.assertEqual(sorted(ours), sorted(theirs))
    for key, expected in theirs.items():
        test.assertEqual(ours[key]._replace(slices=[]), expected._replace(slices=[]), key)
        test.assertEqual(sorted(ours[key].slices), sorted(expected.slices), key)


class RoundTripTest(harness.InteropTest):
    def restore(self, reference: str, *options, name="restored") -> pathlib.Path:
        """Restores a checkpoint; returns the prefix of the new files."""
        output = self.scratch / name / "ckpt"
        self.cairn("restore", reference, "--output", output, *options)
        return output

    def through(self, prefix, *options, source=None) -> pathlib.Path:
        """Saves it and restores all of it, twice, to equal files. Returns the new prefix."""
        reference = self.cairn("save", source or prefix, self.directory, "--replace")
        first = self.restore(reference, "--force", *options, name="whole")
        second = self.restore(reference, "--force", *options, name="again")
        self.assertEqual(
            bundles.files(first), bundles.files(second), "a restore must be byte-stable"
        )
        assert_same_stored(self, first, prefix)
        return first
