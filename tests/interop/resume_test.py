"""What a broken connection and a server that dies cost: bytes on the wire, counted by a proxy."""

import threading
import time
import unittest

import numpy as np

import bundles
import harness
import make_golden
import proxy
import roundtrip

TENSORS, ELEMENTS = 400, 2**18  # 400 MiB


class ResumeTest(roundtrip.RoundTripTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = np.random.default_rng(11)
        cls.prefix = cls.folder / "model.ckpt-3"
        values = {
            f"w{i}": rng.integers(0, 2**32, ELEMENTS, np.uint32).view(np.float32)
            for i in range(TENSORS)
        }
        make_golden.save_v2(cls.prefix, values)
        cls.bytes = sum(map(len, bundles.files(cls.prefix).values()))

    def setUp(self):
        super().setUp()
        self.wire = proxy.Proxy(self.server)
        self.addCleanup(self.wire.close)

    def save(self) -> dict:
        return self.cairn_json("save", self.prefix, self.directory, server=self.wire)

    def test_cut_at_nine_tenths(self):
        self.wire.cut_after = self.bytes * 9 // 10
        saved = self.save()
        again = self.wire.bytes_to_server / self.bytes - 1
        harness.measured(
            f"cut at 90 % of {self.bytes} bytes: {100 * again:.1f} % of them on the wire again"
        )
        self.assertEqual(self.wire.cuts, 1)
        self.assertLess(again, 0.15)
        roundtrip.assert_same_stored(self, self.restore(saved["reference"]), self.prefix)

    def test_server_killed_in_between(self):
        """It comes back elsewhere with the same data, and the save goes on by itself."""

        def kill_and_start():
            while self.wire.bytes_to_server < self.bytes // 2:
                time.sleep(0.005)
            self.server.kill()
            self.server.start()

        killer = threading.Thread(target=kill_and_start)
        killer.start()
        saved = self.save()
        killer.join()
        harness.measured(
            f"killed at 50 % of {self.bytes} bytes: "
            f"{100 * (self.wire.bytes_to_server / self.bytes - 1):.1f} % of them again"
        )
        self.assertEqual(saved["number"], 3)
        roundtrip.assert_same_stored(self, self.restore(saved["reference"]), self.prefix)


if __name__ == "__main__":
    unittest.main(verbosity=2)
