"""Makes the seed corpora beside this file from the golden checkpoints, which TensorFlow wrote.

Usage: make_corpus.py. Needs Python alone. A seed that a fuzzer found is added by hand, under a name
that says what it found; this script replaces only the seeds of its own.
"""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"

INDEXES = {
    "keras": "keras_adam/ckpt-10",
    "dtypes": "dtypes/all",
    "odd-names": "odd_names/all",
    "strings": "strings/all",
    "slices": "slices/all",
    "partitioned": "partitioned/model.ckpt-3",
}
AS_IT_IS, BLOCKS, BLOCKS_AND_MADE_INDEX = b"\0", b"\1", b"\2"
WHOLE_FILE, HEADER, INDEX = b"\0", b"\1", b"\2"  # Of safetensors.


def write(corpus: str, name: str, content: bytes):
    folder = HERE / "corpus" / corpus
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def field(content: bytes) -> bytes:
    """As FuzzInput::TakeField takes it."""
    return struct.pack("<H", len(content)) + content


def varint(table: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = table[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def block_at(table: bytes, handle: bytes, at: int = 0) -> bytes:
    """The compression and the bytes of a block."""
    offset, at = varint(handle, at)
    size, _ = varint(handle, at)
    return table[offset + size : offset + size + 1] + table[offset : offset + size]


def entries(block: bytes) -> list[tuple[bytes, bytes]]:
    """The entries of a block that is not compressed."""
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    found, key, at = [], b"", 0
    while at < end:
        shared, at = varint(block, at)
        added, at = varint(block, at)
        size, at = varint(block, at)
        key = key[:shared] + block[at : at + added]
        found.append((key, block[at + added : at + added + size]))
        at += added + size
    return found


def index_block(table: bytes) -> bytes:
    footer = table[-48:]
    at = 0
    for _ in range(2):  # The metaindex block's handle comes first.
        _, at = varint(footer, at)
    return block_at(table, footer, at)


def table_entries(table: bytes) -> list[tuple[bytes, bytes]]:
    blocks = [block_at(table, handle) for _, handle in entries(index_block(table)[1:])]
    return [entry for block in blocks for entry in entries(block[1:])]


def snappy_literal(content: bytes) -> bytes:
    """A compressed block of literals of at most 60 bytes."""
    packed = bytearray()
    size = len(content)
    while size >= 0x80:
        packed.append(size & 0x7F | 0x80)
        size >>= 7
    packed.append(size)
    for start in range(0, len(content), 60):
        piece = content[start : start + 60]
        packed.append((len(piece) - 1) << 2)
        packed += piece
    return bytes(packed)


def index_seeds():
    for name, prefix in INDEXES.items():
        table = (GOLDEN / f"{prefix}.index").read_bytes()
        index = index_block(table)
        blocks = [block_at(table, handle) for _, handle in entries(index[1:])]
        write("index_table", f"{name}-file", AS_IT_IS + table)
        write("index_table", f"{name}-blocks", BLOCKS_AND_MADE_INDEX + b"".join(map(field, blocks)))
    write("index_table", "index-block", BLOCKS + field(blocks[0]) + field(index))
    packed = b"\1" + snappy_literal(blocks[0][1:])
    write("index_table", "snappy", BLOCKS_AND_MADE_INDEX + field(packed))


def bundle_seeds():
    for name, prefix in INDEXES.items():
        table = (GOLDEN / f"{prefix}.index").read_bytes()
        pairs = table_entries(table)
        data = (GOLDEN / f"{prefix}.data-00000-of-00001").read_bytes()
        fields = b"".join(field(key) + field(value) for key, value in pairs)
        write("bundle", name, bytes([len(pairs)]) + fields + data)


def v1_seeds():
    tables = {
        path.name: path.read_bytes()
        for pattern in ("all", "model.ckpt-*")
        for path in sorted((GOLDEN / "version_one").glob(pattern))
    }

    def files(*names):
        pairs = [table_entries(tables[name]) for name in names]
        return bytes([len(names)]) + b"".join(
            bytes([len(some)]) + b"".join(field(key) + field(value) for key, value in some)
            for some in pairs
        )

    shards = [name for name in tables if name != "all"]
    write("v1_reader", "dtypes-file", AS_IT_IS + tables["all"])
    write("v1_reader", "dtypes", files("all"))
    write("v1_reader", "shards", files(*shards))
    write("v1_reader", "one-shard", files(shards[0]))


def graph_seeds():
    for name in ("keras_adam", "keras_functional"):
        data = (GOLDEN / name / "ckpt-10.data-00000-of-00001").read_bytes()
        table = (GOLDEN / name / "ckpt-10.index").read_bytes()
        entry = dict(table_entries(table))[b"_CHECKPOINTABLE_OBJECT_GRAPH"]
        offset, size = string_place(entry)
        _, length_end = varint(data, offset)
        graph = data[length_end + 4 : offset + size]
        write("object_graph", f"{name}-all", b"\0" + graph)
        write("object_graph", f"{name}-some", b"\3" + graph)


def string_place(entry: bytes) -> tuple[int, int]:
    """Offset and size of a tensor whose entry has no fields but varints, its shape and its sum."""
    values, at = {}, 0
    while at < len(entry):
        tag, at = varint(entry, at)
        if tag & 7 == 0:
            values[tag >> 3], at = varint(entry, at)
        elif tag & 7 == 5:
            at += 4
        else:
            size, at = varint(entry, at)
            at += size
    return values.get(4, 0), values[5]


def state_seeds():
    for name in ("keras_adam", "manager"):
        write("checkpoint_state", name, (GOLDEN / name / "checkpoint").read_bytes())
    write(
        "checkpoint_state",
        "escapes",
        b'model_checkpoint_path: "/a \\"b\\"/\\303\\274-1"\n'
        b'all_model_checkpoint_paths: "/a \\"b\\"/\\303\\274-1"\n'
        b"all_model_checkpoint_timestamps: 1e+300\nlast_preserved_timestamp: -inf\n",
    )


def safetensors_seeds():
    """Made by hand: what a file says is all in its JSON."""
    header = json_bytes(
        {
            "__metadata__": {"format": "pt", "\u00e9\n": ""},
            "l.1.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
            "l.1.bias": {"dtype": "BF16", "shape": [2], "data_offsets": [8, 12]},
            "packed": {"dtype": "F4", "shape": [2], "data_offsets": [12, 13]},
            "scale": {"dtype": "F8_E8M0", "shape": [], "data_offsets": [13, 14]},
            "none": {"dtype": "I64", "shape": [0, 3], "data_offsets": [14, 14]},
            "new": {"dtype": "Q3", "shape": [9], "extra": [{}, 1.5], "data_offsets": [14, 16]},
        }
    )
    data = bytes(range(16))
    file = struct.pack("<Q", len(header)) + header + data
    write("safetensors", "file", WHOLE_FILE + file)
    write("safetensors", "header", HEADER + field(header) + data)
    write("safetensors", "length", WHOLE_FILE + struct.pack("<Q", 1 << 63) + header)
    one = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    index = json_bytes(
        {
            "metadata": {"total_size": 2},
            "weight_map": {"a": "1.safetensors", "b": "../2.safetensors"},
        }
    )
    files = b"".join(field(json_bytes({name: one})) + field(b"x") for name in "ab")
    write("safetensors", "index", INDEX + field(index) + files)


def json_bytes(value) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def main():
    index_seeds()
    bundle_seeds()
    v1_seeds()
    graph_seeds()
    state_seeds()
    safetensors_seeds()


if __name__ == "__main__":
    main()
