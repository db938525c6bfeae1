"""Bad input on the command line: a clear error, nothing half-visible, and the server serves on."""

import os
import shutil
import signal
import socket
import subprocess
import unittest

import numpy as np

import bundles
import harness
import make_golden

FOOTER = 48  # Of a table file: two handles, padding that nothing reads, a magic number.


class BadFilesTest(harness.InteropTest):
    def tearDown(self):
        self.assertEqual(
            self.checkpoints(self.directory), [], "nothing of a failed save may be visible"
        )
        self.assert_still_serves()

    def copy(self, name="keras_adam"):
        """A copy of a golden folder, to be damaged."""
        return shutil.copytree(harness.GOLDEN / name, self.scratch / "damaged")

    def assert_refused(self, prefix, says=()):
        return self.assert_fails("save", prefix, self.directory, says=says)

    def test_truncated_index(self):
        folder = self.copy()
        whole = (folder / "ckpt-10.index").read_bytes()
        for length in (0, 1, FOOTER - 1, FOOTER, len(whole) // 2, len(whole) - 1):
            with self.subTest(length=length):
                (folder / "ckpt-10.index").write_bytes(whole[:length])
                self.assert_refused(folder / "ckpt-10", says="ckpt-10.index")

    def test_bit_flipped_index(self):
        folder = self.copy()
        whole = (folder / "ckpt-10.index").read_bytes()
        magic = range(len(whole) - 8, len(whole))
        for position in [*range(0, len(whole) - FOOTER, 29), *magic]:
            with self.subTest(position=position):
                damaged = bytearray(whole)
                damaged[position] ^= 1 << position % 8
                (folder / "ckpt-10.index").write_bytes(damaged)
                self.assert_refused(folder / "ckpt-10", says="ckpt-10.index")

    def test_corrupt_data_names_the_key(self):
        folder = self.copy("shards")
        # The second shard holds layer1/a and layer1/b, 5 x 7 floats each.
        data = folder / "model-7.data-00001-of-00003"
        whole = data.read_bytes()
        for key, position in (("layer1/a", 3), ("layer1/b", 5 * 7 * 4 + 3)):
            with self.subTest(key=key):
                damaged = bytearray(whole)
                damaged[position] ^= 0x10
                data.write_bytes(damaged)
                self.assert_refused(folder / "model-7", says=key)

    def test_corrupt_string_names_the_key(self):
        folder = self.copy("strings")
        data = folder / "all.data-00000-of-00001"
        damaged = data.read_bytes().replace(b"one", b"onf")
        self.assertNotEqual(damaged, data.read_bytes())
        data.write_bytes(damaged)
        self.assert_refused(folder / "all", says="scalar")

    def test_truncated_data(self):
        folder = self.copy()
        data = folder / "ckpt-10.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:-100])
        self.assert_refused(folder / "ckpt-10", says=("ckpt-10, data file 0 of 1", "end"))

    def test_missing_shard(self):
        folder = self.copy("shards")
        (folder / "model-7.data-00001-of-00003").unlink()
        self.assert_refused(folder / "model-7", says="model-7.data-00001-of-00003")

    def test_not_a_checkpoint_at_all(self):
        text = self.scratch / "letter.txt"
        text.write_text("Dear reader,\n" * 100)
        (self.scratch / "text.index").write_text("Dear reader,\n" * 100)
        empty = self.scratch / "empty"
        empty.mkdir()
        for path in (
            text,
            self.scratch / "text",
            empty,
            self.scratch / "nowhere/at-all",
            self.scratch,
        ):
            with self.subTest(path=path.name):
                self.assert_refused(path, says=path.name)

    def test_names_that_are_no_directory(self):
        for name in (
            "",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "/a",
            "a@b",
            "a" * 256,
            "/".join("a" * 17),
            "tab\t",
        ):
            with self.subTest(name=name):
                answer = self.command("save", harness.GOLDEN / "keras_adam/ckpt-10", name)
                self.assertIn(answer.status, (harness.FAILED, harness.WRONG_USAGE), answer)
                self.assertTrue(answer.err, answer)
                self.assertEqual(answer.out, "", answer)
        known = [d["directory"] for d in self.cairn_json("ls")["directories"]]
        self.assertEqual([d for d in known if not d.startswith("runs/")], [])


class BadRequestsTest(harness.InteropTest):
    def setUp(self):
        super().setUp()
        self.reference = self.cairn("save", harness.GOLDEN / "keras_adam/ckpt-10", self.directory)
        self.output = self.scratch / "out/ckpt"

    def tearDown(self):
        self.assertEqual([c["number"] for c in self.checkpoints(self.directory)], [10])
        self.assert_still_serves()

    def assert_not_restored(self, *selectors, says=(), reference=None):
        self.assert_fails(
            "restore", reference or self.reference, "--output", self.output, *selectors, says=says
        )
        left = list(self.output.parent.iterdir()) if self.output.parent.exists() else []
        self.assertEqual(left, [], "a failed restore leaves no file behind")

    def test_key_that_matches_nothing_shows_its_neighbours(self):
        self.assert_not_restored(
            "--key",
            "model/l1/kernel",
            says=(
                "model/l1/kernel",
                "model/l1/_kernel/.ATTRIBUTES/VARIABLE_VALUE",
                "model/l2/_kernel/.ATTRIBUTES/VARIABLE_VALUE",
            ),
        )

    def test_prefix_that_matches_nothing_shows_its_neighbours(self):
        # A part of a name is not a prefix of the path.
        self.assert_not_restored(
            "--prefix", "mod", says=("mod", "model/l1/_kernel/.ATTRIBUTES/VARIABLE_VALUE")
        )

    def test_one_selector_that_matches_nothing_fails_the_whole(self):
        self.assert_not_restored("--prefix", "model", "--prefix", "zebra", says="zebra")
        self.assert_not_restored("--prefix", "model", "--key", "zebra", says="zebra")

    def test_show_of_a_prefix_that_matches_nothing(self):
        self.assert_fails("show", self.reference, "--prefix", "zebra", says="zebra")

    def test_references_that_are_not_there(self):
        for reference in ("@11", "@sometag", "@uid:" + "0" * 32):
            with self.subTest(reference=reference):
                self.assert_fails("show", self.directory + reference, says=reference[1:])
                self.assert_not_restored(reference=self.directory + reference, says=reference[1:])
        self.assert_fails("show", "no/such/run@1", says="no/such/run")
        self.assert_fails("latest", "no/such/run", says="no/such/run")
        self.assert_fails("ls", "no/such/run", says="no/such/run")

    def test_remove_needs_a_number_or_a_uid(self):
        for reference in ("", "@", "@latest", "@sometag", "@best"):
            with self.subTest(reference=reference):
                answer = self.command("rm", self.directory + reference)
                self.assertIn(answer.status, (harness.FAILED, harness.WRONG_USAGE), answer)
                self.assertTrue(answer.err, answer)
        self.assert_fails("rm", self.directory + "@11", says="11")

    def test_files_are_not_overwritten_unless_forced(self):
        self.output.parent.mkdir()
        for name in ("ckpt.index", "ckpt.data-00000-of-00001"):
            with self.subTest(name=name):
                mine = self.output.parent / name
                mine.write_bytes(b"mine")
                self.assert_fails(
                    "restore", self.reference, "--output", self.output, says=("ckpt", "--force")
                )
                self.assertEqual([p.name for p in self.output.parent.iterdir()], [name])
                self.assertEqual(mine.read_bytes(), b"mine")
                mine.unlink()
        (self.output.parent / "ckpt.index").write_bytes(b"mine")
        self.cairn("restore", self.reference, "--output", self.output, "--force")
        bundles.assert_same(
            self, bundles.read(self.output), bundles.read(harness.GOLDEN / "keras_adam/ckpt-10")
        )

    def test_output_that_cannot_be_written(self):
        (self.scratch / "file").write_text("not a folder")
        self.assert_fails(
            "restore", self.reference, "--output", self.scratch / "file/ckpt", says="file"
        )

    def test_number_in_use_names_the_ways_out(self):
        source = harness.GOLDEN / "keras_adam/ckpt-10"
        self.assert_fails("save", source, self.directory, says=("10", "--replace", "--number"))


class BrokenServerTest(harness.InteropTest):
    """What it is like when the server goes away. Each test has a server of its own to break."""

    def setUp(self):
        super().setUp()
        self.victim = harness.Server(self.scratch / "store").start()
        self.addCleanup(lambda: self.victim.serves() and self.victim.kill())

    def make_large(self):
        prefix = self.scratch / "large-1"
        values = np.arange(2**27, dtype=np.uint32).view(np.float32)
        # In 512 MiB there is time to be interrupted.
        make_golden.save_v2(
            prefix, {f"part{i}": piece for i, piece in enumerate(np.split(values, 8))}
        )
        return prefix

    def run_in_background(self, *arguments):
        process = subprocess.Popen(
            [harness.CAIRN, f"--server={self.victim.address}", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def assert_ends_with_an_error(self, process):
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, harness.FAILED, err)
        self.assertEqual(out, "")
        self.assertIn(self.victim.address, err, "the error names the server")

    def test_no_server(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.victim.stop()
            address = f"127.0.0.1:{free.getsockname()[1]}"
            for arguments in (
                ("ls",),
                ("latest", "a"),
                ("show", "a@1"),
                ("rm", "a@1"),
                ("save", harness.GOLDEN / "keras_adam/ckpt-10", "a"),
                ("restore", "a@1", "--output", self.scratch / "out/ckpt"),
            ):
                with self.subTest(command=arguments[0]):
                    self.assert_fails(f"--server={address}", *arguments, says=address)
            self.assertFalse(
                (self.scratch / "out").exists() and list((self.scratch / "out").iterdir())
            )

    def test_server_dies_during_save(self):
        prefix = self.make_large()
        # The session that dies holds the number until its lease ends; before that only another save
        # that replaces may have it, and only if both do.
        process = self.run_in_background("save", prefix, self.directory, "--replace")
        self.catch("100 MB in the store", lambda: self.victim.stored_bytes() > 100e6, process)
        self.victim.kill()
        self.assert_ends_with_an_error(process)

        self.victim.start()
        directories = self.cairn_json("ls", server=self.victim)["directories"]
        self.assertEqual([d for d in directories if d["checkpoints"]], [], "half a save is visible")
        self.assert_fails(
            "save", prefix, self.directory, says=("promised", "--number"), server=self.victim
        )
        reference = self.cairn("save", prefix, self.directory, "--replace", server=self.victim)
        output = self.scratch / "restored/ckpt"
        self.cairn("restore", reference, "--output", output, server=self.victim)
        bundles.assert_same(self, bundles.read(output), bundles.read(prefix))

    def test_server_dies_during_restore(self):
        prefix = self.make_large()
        reference = self.cairn("save", prefix, self.directory, server=self.victim)
        output = self.scratch / "restored/ckpt"
        process = self.run_in_background("restore", reference, "--output", output)
        self.catch(
            "50 MB of files",
            lambda: harness.folder_bytes(self.scratch / "restored") > 50e6,
            process,
        )
        self.victim.kill()
        self.assert_ends_with_an_error(process)
        left = list(output.parent.iterdir()) if output.parent.exists() else []
        self.assertEqual(left, [], "a failed restore leaves no file behind")

        self.victim.start()
        self.cairn("restore", reference, "--output", output, server=self.victim)
        bundles.assert_same(self, bundles.read(output), bundles.read(prefix))

    def test_interrupted_restore_leaves_no_file(self):
        prefix = self.make_large()
        reference = self.cairn("save", prefix, self.directory, server=self.victim)
        output = self.scratch / "restored/ckpt"
        process = self.run_in_background("restore", reference, "--output", output)
        self.catch(
            "50 MB of files",
            lambda: harness.folder_bytes(self.scratch / "restored") > 50e6,
            process,
        )
        process.kill()
        process.communicate()
        self.assertFalse(
            output.with_name("ckpt.index").exists(), "half a restore looks like a checkpoint"
        )
        self.assertFalse((output.parent / "checkpoint").exists())
        self.cairn("restore", reference, "--output", output, server=self.victim)
        bundles.assert_same(self, bundles.read(output), bundles.read(prefix))

    def test_second_server_on_the_same_data(self):
        answer = subprocess.run(
            [harness.CAIRND, "--listen=127.0.0.1:0", f"--data={self.victim.data}"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(str(self.victim.data), answer.stderr)
        self.assertIn("another", answer.stderr.lower())
        self.assertTrue(self.victim.serves())

    def test_port_in_use(self):
        answer = subprocess.run(
            [harness.CAIRND, f"--listen={self.victim.address}", f"--data={self.scratch / 'other'}"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(self.victim.address, answer.stderr)

    def test_data_folder_that_cannot_be_made(self):
        (self.scratch / "file").write_text("not a folder")
        answer = subprocess.run(
            [harness.CAIRND, "--listen=127.0.0.1:0", f"--data={self.scratch / 'file/store'}"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(os.fspath(self.scratch / "file"), answer.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
