"""The exact forms of the `cairn` command that scripts are written against."""

import os
import re
import shutil
import subprocess
import unittest

import tensorflow as tf

import bundles
import harness

GOLDEN = harness.GOLDEN
ADAM = GOLDEN / "keras_adam/ckpt-10"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
UID = r"[0-9a-f]{32}"


class SaveTest(harness.InteropTest):
    def test_prints_the_reference_alone(self):
        answer = self.command("save", ADAM, self.directory)
        self.assertEqual(
            (answer.status, answer.out), (harness.DONE, f"{self.directory}@10\n"), answer
        )

    def test_json_has_exactly_these_fields(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        for field in (
            "directory",
            "number",
            "uid",
            "reference",
            "tensors",
            "bytes",
            "bytes_sent",
            "bytes_stored",
        ):
            self.assertIn(field, saved)
        self.assertEqual(saved["directory"], self.directory)
        self.assertEqual(saved["number"], 10)
        self.assertRegex(saved["uid"], f"^{UID}$")
        self.assertEqual(saved["reference"], f"{self.directory}@10")
        self.assertEqual(saved["tensors"], len(bundles.read(ADAM)))
        for field in ("bytes", "bytes_sent", "bytes_stored"):
            self.assertIs(type(saved[field]), int, field)
        self.assertGreater(saved["bytes"], 0)

    def test_paths_of_its_files_are_understood(self):
        for number, path in enumerate((f"{ADAM}.index", f"{ADAM}.data-00000-of-00001"), 1):
            with self.subTest(path=path):
                reference = self.cairn("save", path, self.directory, "--number", number)
                self.assertEqual(reference, f"{self.directory}@{number}")

    def test_number_option_wins_over_the_name(self):
        self.assertEqual(
            self.cairn("save", ADAM, self.directory, "--number", 0), f"{self.directory}@0"
        )
        self.assertEqual(
            self.cairn("save", ADAM, self.directory, "--number", 77), f"{self.directory}@77"
        )

    def test_prefix_without_a_number_takes_the_next(self):
        source = GOLDEN / "dtypes/all"
        self.assertEqual(self.cairn("save", source, self.directory), f"{self.directory}@1")
        self.assertEqual(self.cairn("save", source, self.directory), f"{self.directory}@2")
        self.cairn("save", source, self.directory, "--number", 50)
        again = self.cairn_json("save", source, self.directory)["number"]
        self.assertGreater(again, 2)
        self.assertNotEqual(again, 50)

    def test_replace_puts_another_in_its_place(self):
        first = self.cairn_json("save", ADAM, self.directory)
        second = self.cairn_json("save", ADAM, self.directory, "--replace")
        self.assertEqual(first["reference"], second["reference"])
        self.assertNotEqual(first["uid"], second["uid"])
        self.assertEqual([c["uid"] for c in self.checkpoints(self.directory)], [second["uid"]])

    def test_folder_whose_files_have_no_name(self):
        folder = self.scratch / "published"
        folder.mkdir()
        for suffix in (".index", ".data-00000-of-00001"):
            shutil.copy(f"{ADAM}{suffix}", folder / suffix)
        for path in (folder, f"{folder}/"):
            reference = self.cairn("save", path, self.directory)
            output = self.scratch / reference.replace("/", "-") / "ckpt"
            self.cairn("restore", reference, "--output", output)
            bundles.assert_same(self, bundles.read(output), bundles.read(ADAM))

    def test_folder_that_was_moved_is_found_by_base_name(self):
        folder = shutil.copytree(GOLDEN / "manager", self.scratch / "moved")
        (folder / "checkpoint").write_text(
            'model_checkpoint_path: "/home/someone/run/ckpt-9"\n'
            'all_model_checkpoint_paths: "/home/someone/run/ckpt-9"\n'
        )
        self.assertEqual(self.cairn("save", folder, self.directory), f"{self.directory}@9")

    def test_relative_prefix(self):
        answer = subprocess.run(
            [harness.CAIRN, "save", "ckpt-10", self.directory],
            cwd=ADAM.parent,
            capture_output=True,
            text=True,
            env=os.environ | {"CAIRN_SERVER": self.server.address},
        )
        self.assertEqual(answer.stdout, f"{self.directory}@10\n", answer.stderr)


class ListTest(harness.InteropTest):
    def test_empty_server_prints_nothing(self):
        empty = harness.Server(self.scratch / "empty").start()
        self.addCleanup(empty.stop)
        answer = self.command("ls", server=empty)
        self.assertEqual((answer.status, answer.out), (harness.DONE, ""), answer)
        self.assertEqual(self.cairn_json("ls", server=empty), {"directories": []})

    def test_directories(self):
        self.cairn("save", ADAM, self.directory)
        self.cairn("save", ADAM, self.directory, "--number", 3)
        self.assertIn(self.directory, self.cairn("ls"))
        mine = [d for d in self.cairn_json("ls")["directories"] if d["directory"] == self.directory]
        self.assertEqual(len(mine), 1)
        self.assertEqual((mine[0]["checkpoints"], mine[0]["latest"]), (2, 3))
        self.cairn("rm", f"{self.directory}@3")
        self.cairn("rm", f"{self.directory}@10")
        mine = [d for d in self.cairn_json("ls")["directories"] if d["directory"] == self.directory]
        self.assertEqual((mine[0]["checkpoints"], mine[0]["latest"]), (0, None))
        self.assertEqual(self.cairn_json("ls", self.directory)["checkpoints"], [])

    def test_checkpoints_in_order_of_commit(self):
        saved = [self.cairn_json("save", ADAM, self.directory, "--number", n) for n in (5, 2, 9)]
        listed = self.cairn_json("ls", self.directory)
        self.assertEqual(listed["directory"], self.directory)
        for mine, theirs in zip(listed["checkpoints"], saved, strict=True):
            for field in ("number", "uid", "reference", "tensors", "bytes"):
                self.assertEqual(mine[field], theirs[field], field)
            self.assertRegex(mine["commit_time"], f"^{TIME}$")
            self.assertEqual(mine["tags"], [])
        text = self.cairn("ls", self.directory)
        self.assertRegex(text, re.compile(r"\b5\b.*\b2\b.*\b9\b", re.DOTALL))

    def test_more_than_one_page(self):
        for number in range(60):
            self.cairn("save", GOLDEN / "strings/all", self.directory, "--number", number)
        listed = self.cairn_json("ls", self.directory)["checkpoints"]
        self.assertEqual([c["number"] for c in listed], list(range(60)))

    def test_latest(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        answer = self.command("latest", self.directory)
        self.assertEqual((answer.status, answer.out), (harness.DONE, f"{self.directory}@10\n"))
        latest = self.cairn_json("latest", self.directory)
        for field in ("directory", "number", "uid", "reference"):
            self.assertEqual(latest[field], saved[field], field)


class ShowAndRestoreTest(harness.InteropTest):
    def test_show_in_key_order_with_exactly_these_fields(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        shown = self.cairn_json("show", f"{self.directory}@latest")
        self.assertEqual((shown["reference"], shown["uid"]), (saved["reference"], saved["uid"]))
        values = bundles.read(ADAM)
        self.assertEqual([t["key"] for t in shown["tensors"]], sorted(values))
        for tensor in shown["tensors"]:
            value = values[tensor["key"]]
            self.assertEqual(tensor["shape"], list(value.shape))
            if tensor["dtype"] == "string":
                self.assertEqual(value.dtype, object)
            else:
                self.assertEqual(
                    (tensor["dtype"], tensor["bytes"]), (str(value.dtype), value.nbytes)
                )
        self.assertEqual(sum(t["bytes"] for t in shown["tensors"]), saved["bytes"])

    def test_show_by_every_kind_of_reference(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        for reference in ("", "@10", "@latest", f"@uid:{saved['uid']}"):
            with self.subTest(reference=reference):
                shown = self.cairn_json("show", self.directory + reference)
                self.assertEqual(shown["uid"], saved["uid"])

    def test_show_prefixes(self):
        self.cairn("save", ADAM, self.directory)
        shown = self.cairn_json(
            "show", f"{self.directory}@10", "--prefix", "model/l1/", "--prefix", "save_counter"
        )["tensors"]
        expected = [
            k for k in sorted(bundles.read(ADAM)) if k.startswith(("model/l1/", "save_counter/"))
        ]
        self.assertEqual([t["key"] for t in shown], expected)

    def test_show_values(self):
        self.cairn("save", GOLDEN / "saved_model", self.directory)
        text = self.cairn("show", f"{self.directory}@latest", "--values")
        for value in ("1.5", "-2.5", "4", "3"):
            self.assertIn(value, text)
        self.assertTrue(self.cairn_json("show", f"{self.directory}@latest", "--values")["tensors"])

    def test_restore_json_and_files(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        output = self.scratch / "deep/below/ckpt-10"
        restored = self.cairn_json("restore", f"{self.directory}@latest", "--output", output)
        for field in ("reference", "tensors", "bytes"):
            self.assertEqual(restored[field], saved[field], field)
        self.assertEqual(restored["output"], str(output))
        self.assertEqual(
            sorted(p.name for p in output.parent.iterdir()),
            ["checkpoint", "ckpt-10.data-00000-of-00001", "ckpt-10.index"],
        )
        state = tf.train.get_checkpoint_state(str(output.parent))
        self.assertEqual(list(state.all_model_checkpoint_paths), [str(output)])

    def test_state_file_names_the_new_prefix_alone(self):
        self.cairn("save", ADAM, self.directory)
        for name in ("ckpt-1", "ckpt-2"):
            output = self.scratch / name
            self.cairn("restore", f"{self.directory}@10", "--output", output)
            state = tf.train.get_checkpoint_state(str(self.scratch))
            self.assertEqual(state.model_checkpoint_path, str(output))
            self.assertEqual(list(state.all_model_checkpoint_paths), [str(output)])

    def test_remove(self):
        saved = self.cairn_json("save", ADAM, self.directory)
        self.cairn("save", ADAM, self.directory, "--number", 11)
        self.cairn("rm", f"{self.directory}@uid:{saved['uid']}")
        self.assert_fails("show", f"{self.directory}@10", says="10")
        self.cairn("rm", f"{self.directory}@11")
        self.assertEqual(self.checkpoints(self.directory), [])
        self.assert_fails("latest", self.directory, says=self.directory)


class FormTest(harness.InteropTest):
    def test_wrong_usage(self):
        for arguments in (
            (),
            ("frobnicate",),
            ("ls", "--frobnicate"),
            ("save",),
            ("save", ADAM),
            ("latest",),
            ("show",),
            ("restore", "a@1"),
            ("restore",),
            ("rm",),
            ("ls", "a", "b"),
            ("save", ADAM, "a", "--number", "x"),
            ("restore", "a@1", "--output", "x", "--shards", "0"),
            ("restore", "a@1", "--output", "x", "--shards", "2", "--max-shard-bytes", "64MiB"),
            *(
                ("restore", "a@1", "--output", "x", "--max-shard-bytes", size)
                for size in ("0", "-5", "many", "5 parsecs", "99999999TiB")
            ),
        ):
            with self.subTest(arguments=arguments):
                self.assert_fails(*arguments, status=harness.WRONG_USAGE)

    def test_help(self):
        for arguments in ((), *((c,) for c in ("save", "ls", "latest", "show", "restore", "rm"))):
            self.assertIn("--", self.cairn(*arguments, "--help"))

    def test_server_option_wins_over_the_environment(self):
        environment = os.environ | {"CAIRN_SERVER": "127.0.0.1:1"}
        for arguments in (
            (f"--server={self.server.address}", "ls"),
            ("ls", "--server", self.server.address),
        ):
            with self.subTest(arguments=arguments):
                done = subprocess.run(
                    [harness.CAIRN, *arguments], env=environment, capture_output=True, text=True
                )
                self.assertEqual(done.returncode, harness.DONE, done.stderr)

    def test_error_as_json(self):
        self.cairn("save", ADAM, self.directory)
        for code, reason, arguments in (
            ("NOT_FOUND", "DIRECTORY_NOT_FOUND", ("ls", "no/such")),
            ("NOT_FOUND", "CHECKPOINT_NOT_FOUND", ("show", f"{self.directory}@11")),
            ("ALREADY_EXISTS", None, ("save", ADAM, self.directory)),
            ("UNAVAILABLE", "CONNECTION_LOST", ("--server=127.0.0.1:1", "ls")),
            ("NOT_FOUND", "BAD_FILE", ("save", self.scratch / "nothing", self.directory)),
        ):
            with self.subTest(arguments=arguments):
                answer = self.command(*arguments, "--json")
                self.assertEqual(answer.status, harness.FAILED, answer)
                self.assertEqual(list(answer.json), ["error"])
                error = answer.json["error"]
                self.assertEqual(error["code"], code, answer)
                self.assertIs(type(error["reason"]), str)
                if reason:
                    self.assertEqual(error["reason"], reason, answer)
                self.assertTrue(error["message"])

    def test_no_progress_where_stderr_is_no_terminal(self):
        answer = self.command("save", ADAM, self.directory)
        self.assertEqual(answer.err, "", answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
