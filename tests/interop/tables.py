"""TensorFlow's checkpoint files byte by byte, in Python alone: a reader that shares nothing with
what it judges, and a writer for files that no TensorFlow would write.

An index is a LevelDB table of protobuf messages; only what writers of checkpoints use is here.
"""

import pathlib
import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

FOOTER = 48  # Two handles, padding, a magic number.
MAGIC = 0xDB4775248B80FB57
PLAIN, SNAPPY = 0, 1


class Stored(NamedTuple):
    """What a checkpoint holds under a key."""

    dtype: int
    shape: bytes  # the message
    slices: list[bytes]  # messages; not empty for a tensor whose slices have keys of their own
    content: bytes  # as in the data file


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """The number there, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def block_at(table: bytes, handle: bytes, at: int = 0) -> tuple[int, bytes]:
    """The compression and the bytes of a block."""
    offset, at = varint_at(handle, at)
    size, _ = varint_at(handle, at)
    return table[offset + size], table[offset : offset + size]


def block_entries(block: bytes) -> list[tuple[bytes, bytes]]:
    """The keys and values of a block that is not compressed."""
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    found, key, at = [], b"", 0
    while at < end:
        shared, at = varint_at(block, at)
        added, at = varint_at(block, at)
        size, at = varint_at(block, at)
        key = key[:shared] + block[at : at + added]
        at += added
        found.append((key, block[at : at + size]))
        at += size
    return found


def index_block(table: bytes) -> bytes:
    """The block that names the others."""
    footer = table[-FOOTER:]
    at = 0
    for _ in range(2):  # The handle of the metaindex comes first.
        _, at = varint_at(footer, at)
    return block_at(table, footer, at)[1]


def data_blocks(table: bytes) -> list[tuple[int, bytes]]:
    return [block_at(table, handle) for _, handle in block_entries(index_block(table))]


def entries(table: bytes) -> list[tuple[bytes, bytes]]:
    """The keys and values of a table without compressed blocks."""
    return [entry for _, block in data_blocks(table) for entry in block_entries(block)]


def fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a message in order: numbers, or bytes for what has a length."""
    found, at = [], 0
    while at < len(message):
        tag, at = varint_at(message, at)
        number, wire_type = divmod(tag, 8)
        if wire_type == 0:
            value, at = varint_at(message, at)
        elif wire_type == 2:
            size, at = varint_at(message, at)
            value, at = message[at : at + size], at + size
        else:
            width = {1: 8, 5: 4}[wire_type]
            value, at = int.from_bytes(message[at : at + width], "little"), at + width
        found.append((number, value))
    return found


def tensors(prefix: str | pathlib.Path) -> dict[bytes, Stored]:
    """Everything that a checkpoint holds, under TensorFlow's own keys: slices have theirs."""
    pairs = entries(pathlib.Path(f"{prefix}.index").read_bytes())
    header = dict(fields(pairs[0][1]))
    shards: dict[int, bytes] = {}
    found = {}
    for key, message in pairs[1:]:
        known = fields(message)
        entry = {number: value for number, value in known if number != 7}
        slices = [value for number, value in known if number == 7]
        content = b""
        if not slices:
            shard, offset, size = entry.get(3, 0), entry.get(4, 0), entry.get(5, 0)
            if shard not in shards:
                path = f"{prefix}.data-{shard:05d}-of-{header[1]:05d}"
                shards[shard] = pathlib.Path(path).read_bytes()
            content = shards[shard][offset : offset + size]
        found[key] = Stored(entry[1], entry.get(2, b""), slices, content)
    return found


def message_field(number: int, value: int | bytes) -> bytes:
    """A field of a message: a number or something with a length."""
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    return varint(number * 8 + 2) + varint(len(value)) + value


def make_block(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block whose entries share no part of a key."""
    body = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs
    )
    return body + struct.pack("<II", 0, 1)


def make_table(
    blocks: Iterable[tuple[bytes, int, bytes]], masked_crc32c: Callable[[bytes], int]
) -> bytes:
    """A table of blocks, each with its last key, its compression and its bytes as stored."""
    out = bytearray()

    def add(compression: int, stored: bytes) -> bytes:
        handle = varint(len(out)) + varint(len(stored))
        summed = stored + bytes([compression])
        out.extend(summed + struct.pack("<I", masked_crc32c(summed)))
        return handle

    index = make_block([(key, add(compression, stored)) for key, compression, stored in blocks])
    handles = add(PLAIN, make_block([])) + add(PLAIN, index)
    return bytes(out) + handles.ljust(FOOTER - 8, b"\0") + struct.pack("<Q", MAGIC)


def header(shards: int) -> bytes:
    """The value of the empty key."""
    return message_field(1, shards) + message_field(3, message_field(1, 1))


def shape(*sizes: int) -> bytes:
    return b"".join(message_field(2, message_field(1, size)) for size in sizes)


def entry(dtype: int, shape_message: bytes, offset: int, size: int, masked_crc32c: int) -> bytes:
    """The value of the key of a tensor in the first data file."""
    return (
        message_field(1, dtype)
        + message_field(2, shape_message)
        + message_field(4, offset)
        + message_field(5, size)
        + varint(6 * 8 + 5)
        + struct.pack("<I", masked_crc32c)
    )


def boxes(stored: Stored) -> list[tuple[tuple[int, int], ...]]:
    """The slices of a tensor, none of whose extents is a whole dimension without a length."""
    found = []
    for message in stored.slices:
        extents = [dict(fields(extent)) for _, extent in fields(message)]
        found.append(tuple((extent.get(1, 0), extent[2]) for extent in extents))
    return found
