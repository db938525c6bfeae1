#include "client/cli/bundle_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "client/cli/usage_error.h"
#include "formats/tensor_bundle/bundle_reader.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BundleSinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/bundle_sink_test-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_OK(files_->CreateFolders(folder_));
    ASSERT_OK(MakeSink({}));
  }
  absl::Status MakeSink(const BundleSink::Options& options) {
    BundlePlan plan;
    plan.entries.push_back({{"w", "uint8", {6}, 6}, 6, std::nullopt});
    CAIRN_ASSIGN_OR_RETURN(sink_,
                           BundleSink::Create(files_, folder_ + "/ckpt", std::move(plan), options));
    return sink_->Begin({});
  }
  absl::Status Write(const std::string& key, int64_t offset, absl::string_view bytes) {
    v1::SlicePart part;
    part.set_key(key);
    const Box box = WholeBox({6});
    return sink_->Write({part, box, offset, static_cast<int64_t>(bytes.size()), Crc32c(bytes),
                         absl::MakeConstSpan(&bytes, 1)});
  }

  FileSystem* const files_ = FileSystem::System();
  std::string folder_;
  std::unique_ptr<BundleSink> sink_;
};

TEST_F(BundleSinkTest, PiecesInAnyOrderMakeTheTensorsSum) {
  ASSERT_OK(Write("w", 4, "ef"));
  ASSERT_OK(Write("w", 0, "abcd"));
  ASSERT_OK(sink_->Finish());
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(files_, folder_ + "/ckpt"));
  EXPECT_EQ(reader->tensors()[0].slices[0].crc32c, Crc32c("abcdef"));
  EXPECT_THAT(reader->ReadWhole(reader->tensors()[0]), IsOkAndHolds("abcdef"));
}

TEST_F(BundleSinkTest, TheStateFileIsLeftOutWhenNobodyWantsIt) {
  sink_.reset();
  ASSERT_OK(MakeSink({.files = {}, .write_state = false}));
  ASSERT_OK(Write("w", 0, "abcdef"));
  ASSERT_OK(sink_->Finish());
  EXPECT_THAT(files_->ListFolder(folder_),
              IsOkAndHolds(ElementsAre("ckpt.data-00000-of-00001", "ckpt.index")));
}

TEST_F(BundleSinkTest, MissingBytesNameTheTensorAndLeaveNothing) {
  ASSERT_OK(Write("w", 4, "ef"));
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor w")));
  sink_.reset();
  EXPECT_THAT(files_->ListFolder(folder_), IsOkAndHolds(IsEmpty()));
}

TEST_F(BundleSinkTest, WhatWasNotPlannedIsRefused) {
  EXPECT_THAT(Write("other", 0, "abc"), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(BundleSinkTest, BytesBeyondTheTensorAreRefused) {
  EXPECT_THAT(Write("w", 4, "efg"), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(BundleSinkTest, APrefixNeedsAName) {
  for (const std::string& prefix : {std::string(), folder_ + "/"}) {
    EXPECT_EQ(ExitStatus(BundleSink::Create(files_, prefix, {}, {}).status()), kExitWrongUsage);
  }
}

}  // namespace
}  // namespace cairn::cli
