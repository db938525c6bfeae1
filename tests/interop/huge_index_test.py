"""An index of two million entries in 10 MB: forged, since no TensorFlow writes one."""

import struct
import unittest

import tensorflow as tf

import bundles
import harness
import tables

BLOCKS, GROUPS, GROUP = 489, 16, 256  # Of entries that share all but the last byte of their keys.
ENTRIES = BLOCKS * GROUPS * GROUP  # 2.0 million
MAX_COMMAND_MIB = 1500
MAX_SERVER_MIB = 600

# float32 of shape [0], with the checksum of nothing.
EMPTY_TENSOR = bytes.fromhex("08011202120035d8ea82a2")
# float32 of shape [1], in an empty data file.
MISSING_TENSOR = bytes.fromhex("080112041202080128043500000000")


def key(number: int) -> bytes:
    return b"t" + number.to_bytes(3, "big")


def literal(content: bytes) -> bytes:
    return bytes([(len(content) - 1) << 2]) + content


def copy(length: int, offset: int) -> bytes:
    return bytes([(length - 1) << 2 | 2]) + struct.pack("<H", offset)


def compressed_block(first: int, value: bytes) -> bytes:
    """A block of GROUPS x GROUP entries from number `first` on, as snappy has it.

    Within a group an entry is its last byte and a copy of what stood before.
    """
    next_header = bytes([3, 1, len(value)])
    repeated = len(value) + len(next_header)
    rest_of_group = b"".join(
        literal(bytes([i])) + copy(repeated, repeated + 1) for i in range(1, GROUP - 1)
    )
    last = literal(bytes([GROUP - 1])) + copy(len(value), repeated + 1)
    packed, size = bytearray(), 0
    for group in range(GROUPS):
        whole = key(first + group * GROUP)
        shared = 0 if group == 0 else 2
        start = bytes([shared, len(whole) - shared, len(value)]) + whole[shared:] + value
        packed += literal(start + next_header) + rest_of_group + last
        size += len(start) + (GROUP - 1) * (repeated + 1)
    end = struct.pack("<II", 0, 1)
    return tables.varint(size + len(end)) + bytes(packed) + literal(end)


def forge(prefix, value=EMPTY_TENSOR, *, blocks=BLOCKS):
    """Writes the index and an empty data file; returns the size of the index."""
    step = GROUPS * GROUP
    pieces = [(b"", tables.PLAIN, tables.make_block([(b"", tables.header(1))]))]
    for block in range(blocks):
        stored = compressed_block(block * step, value)
        pieces.append((key((block + 1) * step - 1), tables.SNAPPY, stored))
    table = tables.make_table(pieces, bundles.masked_crc32c)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(b"")
    return len(table)


class HugeIndexTest(harness.InteropTest):
    def save(self, prefix):
        """Runs `cairn save`; returns its exit status, what it printed, and its peak memory."""
        answer, peak = self.command_and_peak_mib("save", prefix, self.directory)
        return answer.status, answer.out + answer.err, peak

    def test_small_one_of_the_kind_is_whole(self):
        """The forgery is a checkpoint: TensorFlow reads it and ours alike."""
        prefix = self.scratch / "small-1"
        forge(prefix, blocks=1)
        reference = self.cairn("save", prefix, self.directory)
        output = self.scratch / "restored/ckpt"
        self.cairn("restore", reference, "--output", output)
        self.assertEqual(tables.tensors(output).keys(), {key(i) for i in range(GROUPS * GROUP)})
        names = [key(i) for i in range(GROUPS * GROUP)]
        bundles.assert_same(
            self,
            bundles.read_names(output, names, tf.float32),
            bundles.read_names(prefix, names, tf.float32),
        )

    def test_two_million_tensors(self):
        prefix = self.scratch / "huge-1"
        size = forge(prefix)
        self.assertLess(size, 11e6)
        status, said, peak = self.save(prefix)
        harness.measured(
            f"{ENTRIES} entries in {size} bytes: status {status}, command's peak {peak:.0f} MiB, "
            f"server's {self.server.peak_memory_mib():.0f} MiB"
        )
        self.assertIn(status, (harness.DONE, harness.FAILED), said)
        self.assertLess(peak, MAX_COMMAND_MIB)
        self.assertLess(self.server.peak_memory_mib(), MAX_SERVER_MIB)
        found = self.checkpoints(self.directory)
        if status == harness.DONE:
            self.assertEqual([c["tensors"] for c in found], [ENTRIES])
        else:
            self.assertIn("names more than", said)
            self.assertEqual(found, [])
        self.assert_still_serves()

    def test_many_tensors_without_their_bytes(self):
        prefix = self.scratch / "void-1"
        forge(prefix, MISSING_TENSOR, blocks=BLOCKS // 5)
        status, said, peak = self.save(prefix)
        self.assertEqual(status, harness.FAILED, said)
        self.assertIn("void-1", said)
        self.assertIn("data file", said)
        self.assertLess(peak, MAX_COMMAND_MIB)
        self.assertEqual(self.checkpoints(self.directory), [])
        self.assert_still_serves()


if __name__ == "__main__":
    unittest.main(verbosity=2)
