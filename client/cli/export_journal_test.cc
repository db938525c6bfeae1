#include "client/cli/export_journal.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

class ExportJournalTest : public ::testing::Test {
 protected:
  ExportJournalTest() { files_.files["out/ckpt-1.index"] = "one"; }

  MemoryFileSystem files_;
  ExportJournal journal_{&files_, "out/", "d1"};
};

TEST_F(ExportJournalTest, WhatWasNotedIsWholeForTheNextOne) {
  EXPECT_FALSE(journal_.IsThere());
  ASSERT_OK(journal_.Begin());
  EXPECT_FALSE(journal_.IsWhole("u1", "ckpt-1"));
  ASSERT_OK(journal_.Add("u1", "ckpt-1"));
  ExportJournal next(&files_, "out/", "d1");
  ASSERT_TRUE(next.IsThere());
  ASSERT_OK(next.Read());
  EXPECT_TRUE(next.IsWhole("u1", "ckpt-1"));
  EXPECT_FALSE(next.IsWhole("u2", "ckpt-1")) << "another checkpoint has the name now";
  EXPECT_FALSE(next.IsWhole("u1", "ckpt-2"));
}

TEST_F(ExportJournalTest, FilesThatChangedOrWentAreNotWhole) {
  ASSERT_OK(journal_.Begin());
  ASSERT_OK(journal_.Add("u1", "ckpt-1"));
  files_.files["out/ckpt-1.index"] = "two";
  EXPECT_FALSE(journal_.IsWhole("u1", "ckpt-1"));
  files_.files.erase("out/ckpt-1.index");
  EXPECT_FALSE(journal_.IsWhole("u1", "ckpt-1"));
}

TEST_F(ExportJournalTest, NamesMayHoldAnyBytes) {
  const std::string name = "odd\t\n\xff name";
  files_.files["out/" + name + ".index"] = "x";
  ASSERT_OK(journal_.Begin());
  ASSERT_OK(journal_.Add("u1", name));
  ExportJournal next(&files_, "out/", "d1");
  ASSERT_OK(next.Read());
  EXPECT_TRUE(next.IsWhole("u1", name));
}

TEST_F(ExportJournalTest, ThatOfAnotherDirectoryIsRefused) {
  ASSERT_OK(journal_.Begin());
  ExportJournal other(&files_, "out/", "d2");
  EXPECT_THAT(other.Read(), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
}

TEST_F(ExportJournalTest, DamagedOnesAreRefusedAndLinesThatMeanNothingPassedOver) {
  for (const std::string bad : {"", "\n", "garbage", "cairn export of directory d1x"}) {
    files_.files["out/.cairn-export"] = bad;
    EXPECT_THAT(journal_.Read(), StatusIs(absl::StatusCode::kFailedPrecondition)) << bad;
  }
  files_.files["out/.cairn-export"] = "cairn export of directory d1\n\t\nckpt-1\nu1\tbad\\q\n";
  ASSERT_OK(journal_.Read());
  EXPECT_FALSE(journal_.IsWhole("u1", "ckpt-1"));
}

TEST_F(ExportJournalTest, AtTheEndItIsGone) {
  ASSERT_OK(journal_.Begin());
  ASSERT_OK(journal_.Remove());
  EXPECT_FALSE(journal_.IsThere());
  EXPECT_EQ(files_.files.size(), 1u);
}

}  // namespace
}  // namespace cairn::cli
