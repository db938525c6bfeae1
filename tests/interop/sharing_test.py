"""Checkpoints that share bytes: incremental saves, copies, and what is freed when some go."""

import time
import unittest

import numpy as np

import bundles
import harness
import make_golden
import proxy
import roundtrip

MIB = 1 << 20
TENSORS, ELEMENTS = 1000, 2**18  # 1000 MiB
SLACK_BYTES = 64 * MIB  # logs


def values_of(seeds) -> dict:
    """A tensor for each seed, a MiB of its bits."""
    return {
        f"model/layer{i}/kernel": np.random.default_rng(seed)
        .integers(0, 2**32, ELEMENTS, np.uint32)
        .view(np.float32)
        for i, seed in enumerate(seeds)
    }


class IncrementalTest(roundtrip.RoundTripTest):
    def save(self, seeds, *options) -> tuple[dict, float, float]:
        """What the command said, and how much of the bytes went over the wire and to the disk."""
        prefix = self.scratch / "saved"
        make_golden.save_v2(prefix, values_of(seeds))
        wire = proxy.Proxy(self.server)
        self.addCleanup(wire.close)
        before = self.server.stored_bytes()
        saved = self.cairn_json("save", prefix, self.directory, *options, server=wire)
        total = len(seeds) * ELEMENTS * 4
        stored = self.server.stored_bytes() - before
        return saved, wire.bytes_to_server / total, stored / total

    def test_unchanged_and_a_tenth_changed(self):
        seeds = list(range(TENSORS))
        first, sent, stored = self.save(seeds, "--incremental")
        self.assertGreater(sent, 0.99, "there was nothing to compare with")
        again, sent, stored = self.save(seeds, "--incremental")
        harness.measured(
            f"{TENSORS} tensors of 1 MiB unchanged: {100 * sent:.3f} % sent, {100 * stored:.3f} % "
            "stored"
        )
        self.assertLess(sent, 0.01)
        self.assertLess(stored, 0.01)
        self.assertEqual(again["bytes_reused"], first["bytes"])
        seeds[::10] = range(TENSORS, TENSORS + TENSORS // 10)
        changed, sent, stored = self.save(seeds, "--incremental", "--base", first["reference"])
        harness.measured(f"a tenth changed: {100 * sent:.2f} % sent, {100 * stored:.2f} % stored")
        self.assertLess(abs(sent - 0.1), 0.01)
        self.assertLess(abs(stored - 0.1), 0.02)
        restored = self.restore(changed["reference"])
        roundtrip.assert_same_stored(self, restored, self.scratch / "saved")
        usage = self.cairn_json("du", changed["reference"])
        self.assertEqual(usage["logical_bytes"], first["bytes"])
        self.assertLess(usage["freed_by_delete_bytes"], first["bytes"] * 0.12)

    def test_first_save_and_unknown_base(self):
        saved, sent, _ = self.save([1, 2], "--incremental")
        self.assertEqual(saved["bytes_reused"], 0)
        prefix = self.scratch / "saved"
        save = ("save", prefix, self.directory, "--incremental", "--base")
        self.assert_fails(*save, "77", says="77")
        self.assert_fails(*save, "runs/other@1", status=harness.WRONG_USAGE, says="copy it")


class CopyTest(roundtrip.RoundTripTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.scratch / "source-1"
        make_golden.save_v2(self.prefix, values_of(range(200)) | {"step": np.int64(3)})
        self.source = self.cairn("save", self.prefix, self.directory)
        self.copies = self.directory + "-copies"

    def test_moves_nothing_and_outlives_its_source(self):
        before = self.server.stored_bytes()
        start = time.monotonic()
        copy = self.cairn_json("copy", self.source, self.copies)
        harness.measured(
            f"a copy of {copy['bytes']} bytes: {1000 * (time.monotonic() - start):.0f} ms with the "
            f"command's start, {self.server.stored_bytes() - before} bytes on the disk"
        )
        self.assertLess(self.server.stored_bytes() - before, MIB)
        self.cairn("rm", self.source)
        self.cairn("admin", "collect", "--wait")
        roundtrip.assert_same_stored(self, self.restore(copy["reference"]), self.prefix)

    def test_renames_and_selections(self):
        copy = self.cairn(
            *("copy", self.source, self.copies, "--rename", "model/layer7=head"),
            *("--include", "model", "--exclude", "model/layer8", "--number", 40),
        )
        self.assertEqual(copy, f"{self.copies}@40")
        found = bundles.read(self.restore(copy))
        expected = {
            name.replace("model/layer7/", "head/"): value
            for name, value in values_of(range(200)).items()
            if not name.startswith("model/layer8/")
        }
        self.assertEqual(sorted(found), sorted(expected))
        for name, value in expected.items():
            self.assertEqual(bundles.bits(found[name]), bundles.bits(value), name)

    def test_two_keys_that_become_one(self):
        clash = ("--rename", "model/layer1=x", "--rename", "model/layer2=x")
        self.assert_fails("copy", self.source, self.copies, *clash, says=("layer1", "layer2"))
        self.assert_fails("copy", "runs/none@1", self.copies, says="runs/none")
        self.assert_fails(
            *("copy", self.source, self.copies, "--rename", "a"), status=harness.WRONG_USAGE
        )

    def test_saves_on_top_of_a_copy_outlive_everything(self):
        """Copy A to B, save B on top of it, delete A and the copy: the save is still whole."""
        copy = self.cairn("copy", self.source, self.copies)
        prefix = self.scratch / "next"
        make_golden.save_v2(prefix, values_of([*range(190), *range(900, 910)]))
        saved = self.cairn_json("save", prefix, self.copies, "--incremental")
        self.assertGreater(saved["bytes_reused"], 0.9 * saved["bytes"])
        self.cairn("rm", self.source)
        self.cairn("admin", "collect", "--wait")
        self.cairn("rm", copy)
        self.cairn("admin", "collect", "--wait")
        roundtrip.assert_same_stored(self, self.restore(saved["reference"]), prefix)


class CollectTest(roundtrip.RoundTripTest):
    def test_half_of_the_checkpoints(self):
        """Large, small, incremental and copied ones: what is left takes what it needs."""
        kept, dropped = [], []
        for step in range(6):
            prefix = self.scratch / f"step-{step}"
            seeds = [step * 1000 + i if i % 4 == step % 4 else i for i in range(100)]
            make_golden.save_v2(prefix, values_of(seeds))
            saved = self.cairn("save", prefix, self.directory, "--incremental")
            small = self.scratch / f"small-{step}"
            make_golden.save_v2(small, {"v": np.arange(step + 5)})
            little = self.cairn("save", small, self.directory + "-small", "--number", step)
            copy = self.cairn("copy", saved, self.directory + "-copies")
            # Of odd steps the copies stay, of even ones nothing does.
            kept += [(copy, prefix)] if step % 2 else []
            dropped += [saved] if step % 2 else [saved, copy, little]
        full = self.server.stored_bytes()
        for reference in dropped:
            self.cairn("rm", reference)
        self.cairn("admin", "collect", "--wait")
        answer = self.cairn_json("admin", "collect", "--wait")
        usages = self.cairn_json("du")["directories"]
        needed = sum(usage["stored_bytes"] for usage in usages)
        left = self.server.stored_bytes()
        harness.measured(
            f"{full} bytes with everything; {needed} needed after deleting half, {left} taken"
        )
        self.assertLess(left, needed * 1.1 + SLACK_BYTES)
        self.assertLess(left, full - 20 * MIB, "the bytes of the even steps alone are gone")
        self.assertEqual(answer["freed_bytes"], 0, "the run before left nothing")
        for reference, prefix in kept:
            restored = self.restore(reference, name=prefix.name)
            roundtrip.assert_same_stored(self, restored, prefix)


if __name__ == "__main__":
    unittest.main(verbosity=2)
