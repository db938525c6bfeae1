"""Shows that tests/rules.py finds a planted violation of each rule, and nothing in clean code."""

import unittest

import rules

# (file, its text, a part of the message that names what to do instead)
VIOLATIONS = (
    ("storage/store.cc", "#include <rocksdb/db.h>", "storage/engine/table.h"),
    ("server/x.cc", '#include "rocksdb/options.h"', "storage/engine/table.h"),
    ("client/x.cc", "#include <leveldb/table.h>", "formats/tensor_bundle"),
    ("storage/x.cc", "#include <grpcpp/grpcpp.h>", "absl::Status"),
    ("formats/x.h", "#include <grpcpp/support/status.h>", "absl::Status"),
    ("storage/x.cc", '#include "cairn/v1/transfer_service.grpc.pb.h"', "absl::Status"),
    ("server/x.cc", "#include <spdlog/spdlog.h>", "base/logging.h"),
    ("server/x.cc", "#include <CLI/CLI.hpp>", "program's own file"),
    ("storage/x.cc", "#include <isa-l/crc.h>", "base/crc32c.h"),
    ("base/x.h", "#include <absl/synchronization/mutex.h>", "base/mutex.h"),
    ("base/x.cc", '#include "tests/golden.h"', "where it belongs"),
    ("storage/x.h", '#include "cairn/v1/types.pb.h"', "type of your own"),
    ("base/x.h", '#include "cairn/v1/types.pb.h"', "type of your own"),
    ("server/x.cc", '#include "cairn/storage/v1/records.pb.h"', "storage/store.h"),
    ("client/x.cc", '#include "storage/store.h"', "proto/cairn/v1"),
    ("client/x.cc", '#include "server/server.h"', "proto/cairn/v1"),
    ("storage/x.cc", '#include "server/server.h"', "proto/cairn/v1"),
    ("base/x.cc", '#include "client/client.h"', "nothing depends on the client"),
    ("client/x.cc", '#include "client/cli/save.h"', "move what is shared"),
    ("server/x.cc", '#include "formats/tensor_bundle/bundle_reader.h"', "object_graph"),
    ("storage/x.cc", '#include "formats/object_graph/object_graph.h"', "no format"),
    ("base/x.h", "void F(std::string_view text);", "absl::string_view"),
    ("base/x.cc", "  absl::MutexLock lock(&mutex_);", "base/mutex.h"),
    ("storage/x.cc", "auto t = std::chrono::system_clock::now();", "base/clock.h"),
    ("storage/x.cc", "auto t = absl::Now();", "base/clock.h"),
    ("base/x.cc", "// TO" + "DO: later", "do it now"),
    ("base/x.cc", "int a;\n" * 601, "split it"),
    (
        "base/x.cc",
        "void F(int a,\n       int b) {\n" + "  G();\n" * 70 + "}",
        "functions of their own",
    ),
    (
        "base/x.h",
        "class A {\n  void F() {\n" + "    G();\n" * 70 + "  }\n};",
        "functions of their own",
    ),
    ("a.py", "def f():\n" + "    g()\n" * 70, "functions of their own"),
    ("a.sh", "f() {\n" + "  g\n" * 70 + "}", "functions of their own"),
)

CLEAN = (
    ("storage/engine/rocksdb/x.cc", "#include <rocksdb/db.h>"),
    ("formats/tensor_bundle/x.cc", "#include <leveldb/table.h>"),
    ("base/rpc/grpc_status.h", "#include <grpcpp/support/status.h>"),
    ("base/error.cc", '#include "cairn/v1/error_detail.pb.h"'),
    ("base/clock.cc", "auto t = absl::Now();"),
    ("base/mutex.h", "// absl::Mutex gives false reports."),
    ("base/x.cc", "std::string_view view;"),
    ("base/x.cc", "namespace cairn {\n" + "void F() {\n  G();\n}\n\n" * 40 + "}"),
    ("base/x.h", "class A {\n" + "  void F();\n" * 80 + "};"),
    ("base/x.cc", "void F() {\n" + "  G();\n" * 68 + "}"),
    ("server/x.cc", '#include "storage/store.h"\n#include "formats/object_graph/object_graph.h"'),
)


class RulesTest(unittest.TestCase):
    def test_finds_each_planted_violation_and_names_what_to_do(self):
        for path, text, instead in VIOLATIONS:
            with self.subTest(path=path, text=text[:60]):
                found = list(rules.check_file(path, text))
                self.assertEqual(len(found), 1, found)
                self.assertIn(instead, found[0])
                self.assertTrue(found[0].startswith(path + ":"))

    def test_every_rule_has_a_planted_violation(self):
        messages = [m for path, text, _ in VIOLATIONS for m in rules.check_file(path, text)]
        for rule in rules.INCLUDE_RULES + rules.CODE_RULES:
            self.assertTrue(any(rule.instead in m for m in messages), rule)

    def test_finds_nothing_in_clean_code(self):
        for path, text in CLEAN:
            with self.subTest(path=path, text=text[:60]):
                self.assertEqual(list(rules.check_file(path, text)), [])


if __name__ == "__main__":
    unittest.main()
