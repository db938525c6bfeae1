"""The server dies at any moment under savers, deleters, copiers and restorers, and nothing that it
acknowledged is lost.

CAIRN_CRASH_CYCLES and CAIRN_CRASH_SEED in the environment choose how often and which.
"""

import json
import os
import pathlib
import random
import threading
import time
import unittest
from dataclasses import dataclass, field

import harness
import proxy

CYCLES = int(os.environ.get("CAIRN_CRASH_CYCLES", "20"))
SEED = int(os.environ.get("CAIRN_CRASH_SEED", str(time.time_ns() % 1_000_000)))
DIRECTORIES = ("runs/a", "runs/b")
COPIES = "runs/copies"
SMALL = {f"layer{i}/w": 128 << 10 for i in range(6)}
LARGE = {f"block{i}/w": 4 << 20 for i in range(12)}
MIN_COMMITS = 3  # of a cycle that counts
MOST_LIVE = 8  # checkpoints that the deleter leaves alone
SLACK_BYTES = 64 << 20

Contents = dict[str, tuple[int, int]]  # tensor -> seed and size of its bytes


def tensor_bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def write_file(path: pathlib.Path, contents: Contents):
    """A safetensors file."""
    header, offset = {}, 0
    for name, (_, size) in sorted(contents.items()):
        span = [offset, offset + size]
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": span}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, (seed, size) in sorted(contents.items()):
            file.write(tensor_bytes(seed, size))


def read_file(path: pathlib.Path) -> dict[str, bytes]:
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    spans = {n: e["data_offsets"] for n, e in header.items() if n != "__metadata__"}
    return {name: data[end + begin : end + stop] for name, (begin, stop) in spans.items()}


@dataclass
class Checkpoint:
    """One that was acknowledged."""

    directory: str
    number: int
    uid: str
    contents: Contents
    started: float
    acknowledged: float

    @property
    def reference(self) -> str:
        return f"{self.directory}@{self.number}"


@dataclass
class Model:
    """What must be there, by what the clients were told."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    live: dict[str, Checkpoint] = field(default_factory=dict)  # by uid
    leaving: set[str] = field(default_factory=set)  # uids whose deletion was asked for
    unclear: list[tuple[str, Contents]] = field(default_factory=list)  # saves without an answer
    commits: int = 0

    def committed(self, checkpoint: Checkpoint):
        with self.lock:
            self.live[checkpoint.uid] = checkpoint
            self.commits += 1

    def pick(self, rng, directories=DIRECTORIES) -> Checkpoint | None:
        with self.lock:
            there = [
                checkpoint
                for uid, checkpoint in self.live.items()
                if uid not in self.leaving and checkpoint.directory in directories
            ]
        return rng.choice(there) if there else None


class CrashTest(harness.InteropTest):
    def setUp(self):
        super().setUp()
        self.model = Model()
        self.rng = random.Random(SEED)
        self.errors: list[str] = []
        self.stopping = threading.Event()
        self.wire = proxy.Proxy(self.server)
        self.large_wire = proxy.Proxy(self.server)
        self.addCleanup(self.wire.close)
        self.addCleanup(self.large_wire.close)
        self.large_began: int | None = None  # bytes on its wire when the present save began

    # --- What the clients do

    def save(self, worker: str, rng, sizes, wire) -> Checkpoint | None:
        """One save, a part of it as in another checkpoint."""
        directory = rng.choice(DIRECTORIES)
        contents = {name: (rng.randrange(10**9), size) for name, size in sizes.items()}
        known = self.model.pick(rng, (directory,))
        if known is not None:
            same = [name for name in contents if name in known.contents and rng.random() < 0.6]
            contents |= {name: known.contents[name] for name in same}
        path = self.scratch / f"{worker}.safetensors"
        write_file(path, contents)
        started = time.monotonic()
        if wire is self.large_wire:
            self.large_began = wire.bytes_to_server
        answer = self.command("save", path, directory, "--incremental", "--json", server=wire)
        self.large_began = None if wire is self.large_wire else self.large_began
        return self.note_commit(answer, directory, contents, started)

    def note_commit(self, answer, directory, contents, started):
        if answer.status != harness.DONE:
            with self.model.lock:
                self.model.unclear.append((directory, contents))
            return None
        said = answer.json
        checkpoint = Checkpoint(
            directory, said["number"], said["uid"], contents, started, time.monotonic()
        )
        self.model.committed(checkpoint)
        return checkpoint

    def copy(self, rng):
        source = self.model.pick(rng)
        if source is None:
            return
        started = time.monotonic()
        answer = self.command("copy", source.reference, COPIES, "--json", server=self.wire)
        self.note_commit(answer, COPIES, source.contents, started)

    def delete(self, rng):
        directory = rng.choice((*DIRECTORIES, COPIES))
        with self.model.lock:
            there = sum(c.directory == directory for c in self.model.live.values())
        if there <= MOST_LIVE:
            return
        victim = self.model.pick(rng, (directory,))
        if victim is None:
            return
        with self.model.lock:
            self.model.leaving.add(victim.uid)
        self.command("rm", f"{victim.directory}@uid:{victim.uid}", server=self.wire)

    def restore(self, rng):
        checkpoint = self.model.pick(rng, (*DIRECTORIES, COPIES))
        if checkpoint is not None:
            self.check_bytes(checkpoint, "restorer", self.wire, may_fail=True)

    def check_bytes(self, checkpoint: Checkpoint, worker: str, server, may_fail=False):
        output = self.scratch / f"{worker}-restored.safetensors"
        named = f"{checkpoint.directory}@uid:{checkpoint.uid}"
        answer = self.command("restore", named, "--output", output, "--force", server=server)
        if answer.status != harness.DONE:
            if not may_fail:
                self.errors.append(f"{checkpoint.reference} is lost: {answer}")
            return
        found = read_file(output)
        for name, (seed, size) in checkpoint.contents.items():
            if found.get(name) != tensor_bytes(seed, size):
                self.errors.append(f"{checkpoint.reference}: other bytes in {name}")
        if len(found) != len(checkpoint.contents):
            self.errors.append(f"{checkpoint.reference}: {sorted(found)}")

    def work(self, worker: str, seed: int, step):
        rng = random.Random(f"{SEED}/{worker}/{seed}")
        try:
            while not self.stopping.is_set():
                step(rng)
                time.sleep(rng.uniform(0, 0.02))
        except Exception as error:  # of a thread, where nobody else would see it
            self.errors.append(f"{worker}: {error!r}")

    # --- A cycle

    def workers(self, cycle: int):
        steps = {
            "saver-0": lambda rng: self.save("saver-0", rng, SMALL, self.wire),
            "saver-1": lambda rng: self.save("saver-1", rng, SMALL, self.wire),
            "large": lambda rng: self.save("large", rng, LARGE, self.large_wire),
            "copier": self.copy,
            "deleter": self.delete,
            "restorer": self.restore,
        }
        return [
            threading.Thread(target=self.work, args=(name, cycle, step), daemon=True)
            for name, step in steps.items()
        ]

    def stream_is_open(self) -> bool:
        began = self.large_began
        return began is not None and self.large_wire.bytes_to_server - began > 1 << 20

    def wait_for_moment(self):
        """Until the cycle counts, and then for some time of chance."""
        deadline = time.monotonic() + 60
        moment = time.monotonic() + self.rng.uniform(0.2, 1.0)
        while True:
            ready = self.model.commits >= MIN_COMMITS and time.monotonic() >= moment
            if ready and self.stream_is_open():
                return
            self.assertEqual(self.errors, [])
            self.assertLess(time.monotonic(), deadline, "no cycle that counts within 60 s")
            time.sleep(0.001)

    def run_cycle(self, cycle: int):
        self.model.commits = 0
        self.stopping.clear()
        workers = self.workers(cycle)
        for worker in workers:
            worker.start()
        self.wait_for_moment()
        self.server.kill()
        self.server.start()
        self.stopping.set()
        for worker in workers:
            worker.join(120)
            self.assertFalse(worker.is_alive(), "a client hangs")
        self.check()

    # --- What must hold after it

    def check(self):
        model = self.model
        for directory in (*DIRECTORIES, COPIES):
            listed = self.checkpoints(directory)
            uids = [checkpoint["uid"] for checkpoint in listed]
            mine = {u: c for u, c in model.live.items() if c.directory == directory}
            for uid, checkpoint in mine.items():
                if uid not in uids and uid not in model.leaving:
                    self.errors.append(f"{checkpoint.reference} was acknowledged and is lost")
            for uid in set(uids) - set(mine):
                self.adopt(directory, uid)
            for uid in model.leaving & set(mine):
                if uid not in uids:
                    del model.live[uid]
            self.check_order(directory, listed)
        model.leaving &= set(model.live)
        self.check_deletions()
        recent = sorted(model.live.values(), key=lambda c: c.acknowledged)
        older = recent[:-4]
        for checkpoint in recent[-4:] + self.rng.sample(older, min(2, len(older))):
            if checkpoint.uid not in model.leaving:
                self.check_bytes(checkpoint, "check", self.server)
        self.assertEqual(self.errors, [], f"seed {SEED}")

    def adopt(self, directory: str, uid: str):
        """A commit whose answer was lost: it must be one that was asked for, and whole."""
        probe = Checkpoint(directory, -1, uid, {}, 0, time.monotonic())
        output = self.scratch / "adopted.safetensors"
        self.cairn("restore", f"{directory}@uid:{uid}", "--output", output, "--force")
        found = read_file(output)
        for known, contents in self.model.unclear:
            if known == directory and found.keys() == contents.keys():
                if all(found[n] == tensor_bytes(*contents[n]) for n in contents):
                    probe.contents = contents
                    self.model.live[uid] = probe
                    return
        self.errors.append(f"{directory}@uid:{uid} is there, and nobody saved it")

    def check_deletions(self):
        """One that was asked for and did not happen is asked for again, and happens."""
        for uid in list(self.model.leaving):
            victim = self.model.live.pop(uid)
            self.cairn("rm", f"{victim.directory}@uid:{uid}")
            self.model.leaving.discard(uid)

    def check_order(self, directory: str, listed: list[dict]):
        """Commits are in the order in which they were acknowledged; the last one is the latest."""
        known = [self.model.live[c["uid"]] for c in listed if c["uid"] in self.model.live]
        for i, later in enumerate(known):
            for earlier in known[i + 1 :]:
                if earlier.acknowledged < later.started:
                    self.errors.append(f"{earlier.reference} comes after {later.reference}")
        numbers = [checkpoint["number"] for checkpoint in listed]
        if len(set(numbers)) != len(numbers):
            self.errors.append(f"numbers of {directory} are there twice: {numbers}")
        if listed:
            latest = self.cairn_json("latest", directory)
            if latest["uid"] != listed[-1]["uid"]:
                self.errors.append(f"latest of {directory} is {latest}")

    def test_killed_at_any_moment(self):
        start = time.monotonic()
        for cycle in range(CYCLES):
            with self.subTest(cycle=cycle, seed=SEED):
                self.run_cycle(cycle)
        self.cairn("admin", "collect", "--wait")
        self.cairn("admin", "collect", "--wait")
        directories = self.cairn_json("du")["directories"]
        needed = sum(usage["stored_bytes"] for usage in directories)
        left = self.server.stored_bytes()
        harness.measured(
            f"{CYCLES} cycles with seed {SEED} in {time.monotonic() - start:.0f} s; "
            f"{len(self.model.live)} checkpoints live, {needed} bytes needed, {left} taken"
        )
        self.assertLess(left, needed * 1.1 + SLACK_BYTES, "orphans are collected")


if __name__ == "__main__":
    unittest.main(verbosity=2)
