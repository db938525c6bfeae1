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
    ASSERT_OK(MakeSink(WholePlan(), {}));
  }
  static BundlePlan WholePlan() {
    BundlePlan plan;
    plan.tensors.push_back(PlannedWhole("w", "uint8", {6}, 6));
    return plan;
  }
  absl::Status MakeSink(BundlePlan plan, const BundleSink::Options& options) {
    sink_.reset();
    CAIRN_ASSIGN_OR_RETURN(sink_,
                           BundleSink::Create(files_, folder_ + "/ckpt", std::move(plan), options));
    return sink_->Begin({});
  }
  absl::Status Write(const std::string& key, const Box& box, int64_t offset,
                     absl::string_view bytes) {
    v1::SlicePart part;
    part.set_key(key);
    return sink_->Write({part, box, offset, static_cast<int64_t>(bytes.size()), Crc32c(bytes),
                         absl::MakeConstSpan(&bytes, 1)});
  }
  absl::Status Write(const std::string& key, int64_t offset, absl::string_view bytes) {
    return Write(key, WholeBox({6}), offset, bytes);
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

TEST_F(BundleSinkTest, MissingBytesNameTheTensorAndLeaveNothing) {
  ASSERT_OK(Write("w", 4, "ef"));
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor w")));
  sink_.reset();
  EXPECT_THAT(files_->ListFolder(folder_), IsOkAndHolds(IsEmpty()));
}

TEST_F(BundleSinkTest, TheStateFileIsLeftOutWhenNobodyWantsIt) {
  ASSERT_OK(MakeSink(WholePlan(), {.files = {}, .write_state = false}));
  ASSERT_OK(Write("w", 0, "abcdef"));
  ASSERT_OK(sink_->Finish());
  EXPECT_THAT(files_->ListFolder(folder_),
              IsOkAndHolds(ElementsAre("ckpt.data-00000-of-00001", "ckpt.index")));
}

TEST_F(BundleSinkTest, PiecesOfSlicesMakeTheSlicesSums) {
  const Box first = {{0, 1}, {2, 1}}, second = {{0, 0}, {2, 1}};
  BundlePlan plan;
  plan.tensors.push_back({"w", "uint8", {2, 3}, {{second, 2}, {first, 2}}});
  plan.tensors.push_back(PlannedWhole("x", "uint8", {1}, 1));
  ASSERT_OK(MakeSink(std::move(plan), {}));
  ASSERT_OK(Write("w", first, 1, "b"));
  ASSERT_OK(Write("x", WholeBox({1}), 0, "x"));
  ASSERT_OK(Write("w", second, 0, "cd"));
  ASSERT_OK(Write("w", {{0, 2}, {0, 1}}, 0, ""));  // without elements: it was not planned
  EXPECT_THAT(sink_->Finish(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("slice [0:2, 1:2] of tensor w")));
  ASSERT_OK(Write("w", first, 0, "a"));
  ASSERT_OK(sink_->Finish());
  EXPECT_THAT(files_->ReadWhole(folder_ + "/ckpt.data-00000-of-00001", 10), IsOkAndHolds("cdabx"));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(files_, folder_ + "/ckpt"));
  const BundleTensor& tensor = reader->tensors()[0];
  EXPECT_TRUE(tensor.partial);
  ASSERT_EQ(tensor.slices.size(), 2);
  EXPECT_EQ(tensor.slices[0].box, second);
  EXPECT_EQ(tensor.slices[0].crc32c, Crc32c("cd"));
  EXPECT_EQ(tensor.slices[1].box, first);
  EXPECT_EQ(tensor.slices[1].crc32c, Crc32c("ab"));
}

TEST_F(BundleSinkTest, WhatIsWrittenFromMemoryIsNotWrittenAgain) {
  BundlePlan plan = WholePlan();
  plan.encoded.push_back({{0, 0}, "memory", Crc32c("memory")});
  ASSERT_OK(MakeSink(std::move(plan), {}));
  ASSERT_OK(Write("w", 0, "stream"));
  ASSERT_OK(sink_->Finish());
  EXPECT_THAT(files_->ReadWhole(folder_ + "/ckpt.data-00000-of-00001", 10), IsOkAndHolds("memory"));
}

TEST_F(BundleSinkTest, WhatIsLeftOutMayCome) {
  BundlePlan plan = WholePlan();
  plan.skipped.insert("odd");
  ASSERT_OK(MakeSink(std::move(plan), {}));
  EXPECT_OK(Write("odd", 0, "abcdef"));
}

TEST_F(BundleSinkTest, WhatWasNotPlannedIsRefused) {
  EXPECT_THAT(Write("other", 0, "abc"), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Write("w", {{1}, {2}}, 0, "ab"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("[1:3]")));
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
