#include "client/cli/bundle_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// All bytes of a slice, wherever they are.
std::string BytesOf(const SliceToSave& slice) {
  if (slice.source == nullptr) return std::string(slice.bytes);
  std::string bytes(slice.bytes_count, '\0');
  EXPECT_OK(slice.source->Read(0, absl::MakeSpan(bytes)));
  return bytes;
}

TEST(BundleSourceTest, GivesEveryTensorWithTheSumOfTheFile) {
  ASSERT_OK_AND_ASSIGN(const auto source,
                       BundleSource::Open(FileSystem::System(), "tests/golden/keras_adam"));
  EXPECT_EQ(source->identity().number, 10);
  EXPECT_THAT(source->identity().annotations, ElementsAre(Pair("tensorflow.prefix", "ckpt-10")));
  ASSERT_EQ(source->slices().size(), 16);
  int summed = 0;
  for (const SliceToSave& slice : source->slices()) {
    EXPECT_EQ(BytesOf(slice).size(), static_cast<size_t>(slice.bytes_count)) << slice.key;
    EXPECT_EQ(slice.box, WholeBox(slice.shape));
    if (!slice.expected_crc32c.has_value()) continue;
    EXPECT_EQ(Crc32c(BytesOf(slice)), *slice.expected_crc32c) << slice.key;
    ++summed;
  }
  EXPECT_EQ(summed, 15) << "all but the object graph, a string";
}

TEST(BundleSourceTest, StringsAreInOurLayout) {
  ASSERT_OK_AND_ASSIGN(const auto source,
                       BundleSource::Open(FileSystem::System(), "tests/golden/strings/all"));
  for (const SliceToSave& slice : source->slices()) {
    if (slice.dtype != "string") continue;
    ASSERT_OK_AND_ASSIGN(const int64_t count, ElementCount(slice.shape));
    EXPECT_GE(slice.bytes_count, count * 8) << slice.key << ": a length of 8 bytes each";
  }
}

TEST(BundleSourceTest, SaysWhatItLookedFor) {
  const auto source = BundleSource::Open(FileSystem::System(), "tests/golden/nothing");
  EXPECT_THAT(source, HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
  EXPECT_THAT(source, StatusIs(absl::StatusCode::kNotFound, HasSubstr("nothing.index")));
}

}  // namespace
}  // namespace cairn::cli
