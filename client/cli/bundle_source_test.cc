#include "client/cli/bundle_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/forged_bundle.h"

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

class ForgedSourceTest : public ForgedBundleTest {
 protected:
  absl::StatusOr<std::unique_ptr<BundleSource>> OpenSource() {
    EXPECT_OK(Open());
    return BundleSource::Open(&files_, "p");
  }
};

TEST_F(ForgedSourceTest, GivesEachSliceAsItWasSaved) {
  AddSliced("part", 4, {9}, {{{{3, 1}}, "x"}});
  AddSliced("t", 4, {4, 2}, {{{{2, 2}, {0, {}}}, "efgh"}, {{{0, 2}, {0, 2}}, "abcd"}});
  entries_["whole"] = Stored(4, {}, "w");
  ASSERT_OK_AND_ASSIGN(const auto source, OpenSource());
  ASSERT_EQ(source->slices().size(), 4);
  const auto expect = [&](int i, absl::string_view key, const std::vector<int64_t>& shape,
                          const Box& box, bool partial, absl::string_view bytes) {
    const SliceToSave& slice = source->slices()[i];
    EXPECT_EQ(slice.key, key);
    EXPECT_EQ(slice.dtype, "uint8");
    EXPECT_EQ(slice.shape, shape);
    EXPECT_EQ(slice.box, box) << ToString(slice.box);
    EXPECT_EQ(slice.partial, partial) << key;
    EXPECT_EQ(BytesOf(slice), bytes);
    EXPECT_EQ(slice.expected_crc32c, Crc32c(bytes)) << key;
  };
  expect(0, "part", {9}, {{3}, {1}}, true, "x");
  expect(1, "t", {4, 2}, {{0, 0}, {2, 2}}, false, "abcd");
  expect(2, "t", {4, 2}, {{2, 0}, {2, 2}}, false, "efgh");
  expect(3, "whole", {}, Box(), false, "w");
}

TEST_F(ForgedSourceTest, BigEndianNumbersHaveTheSumOfWhatIsSent) {
  header_.set_endianness(formats::BundleHeader::BIG);
  AddSliced("t", 3, {2}, {{{{0, 1}}, "abcd"}, {{{1, 1}}, "efgh"}});
  ASSERT_OK_AND_ASSIGN(const auto source, OpenSource());
  ASSERT_EQ(source->slices().size(), 2);
  EXPECT_EQ(BytesOf(source->slices()[0]), "dcba");
  EXPECT_EQ(source->slices()[0].expected_crc32c, Crc32c("dcba"));
  EXPECT_EQ(BytesOf(source->slices()[1]), "hgfe");
}

TEST_F(ForgedSourceTest, DamagedBigEndianNumbersAreFoundBeforeAnythingIsSent) {
  header_.set_endianness(formats::BundleHeader::BIG);
  AddSliced("t", 3, {2}, {{{{0, 1}}, "abcd"}, {{{1, 1}}, "efgh"}});
  data()[5] ^= 1;
  EXPECT_THAT(OpenSource(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor t, slice [1:2]: ")));
}

TEST_F(ForgedSourceTest, OpaqueBytesHaveNoKnownSum) {
  entries_["t"] = Stored(34, {2}, "abc", 7);
  ASSERT_OK_AND_ASSIGN(const auto source, OpenSource());
  EXPECT_EQ(BytesOf(source->slices()[0]), "abc");
  EXPECT_FALSE(source->slices()[0].expected_crc32c.has_value());
}

}  // namespace
}  // namespace cairn::cli
