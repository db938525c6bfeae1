#include "formats/tensor_bundle/slice_proto.h"

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

TEST(ExtentsFromProtoTest, NoLengthAndMinusOneAreAWholeDimension) {
  formats::TensorSlice slice;
  slice.add_extent();
  slice.add_extent()->set_length(-1);
  formats::TensorSlice::Extent* part = slice.add_extent();
  part->set_start(3);
  part->set_length(4);
  const std::vector<ExtentSpec> extents = ExtentsFromProto(slice);
  ASSERT_EQ(extents.size(), 3);
  EXPECT_EQ(extents[0].length, std::nullopt);
  EXPECT_EQ(extents[1].length, std::nullopt);
  EXPECT_EQ(extents[2].start, 3);
  EXPECT_EQ(extents[2].length, 4);
}

TEST(SliceBoxTest, IsWhatTheExtentsMeanInTheShape) {
  EXPECT_THAT(SliceBox({{0, std::nullopt}, {2, 3}}, {7, 5}), IsOkAndHolds(Box{{0, 2}, {7, 3}}));
  EXPECT_THAT(SliceBox({{0, std::nullopt}}, {0}), IsOkAndHolds(Box{{0}, {0}}));
  EXPECT_THAT(SliceBox({}, {}), IsOkAndHolds(Box()));
}

TEST(SliceBoxTest, RefusesWhatTensorFlowWouldNotWrite) {
  const auto refused = [](const std::vector<ExtentSpec>& extents, absl::string_view why) {
    EXPECT_THAT(SliceBox(extents, {5}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(why))));
  };
  refused({}, "0 dimensions, not 1");
  refused({{0, 1}, {0, 1}}, "2 dimensions, not 1");
  refused({{1, std::nullopt}}, "whole dimension from 1 on");
  refused({{0, 0}}, "it is empty");
  refused({{-1, 2}}, "");
  refused({{0, -2}}, "");
  refused({{4, 2}}, "");
  refused({{INT64_MAX, INT64_MAX}}, "");
}

TEST(CheckFormatVersionTest, TakesWhatWasWrittenForVersionOne) {
  formats::VersionDef version;
  EXPECT_OK(CheckFormatVersion(version));
  version.set_producer(9);
  version.set_min_consumer(1);
  EXPECT_OK(CheckFormatVersion(version));
  version.add_bad_consumers(2);
  EXPECT_OK(CheckFormatVersion(version));
}

TEST(CheckFormatVersionTest, RefusesWhatWasWrittenForLaterReaders) {
  formats::VersionDef later, bad, negative;
  later.set_min_consumer(2);
  bad.add_bad_consumers(1);
  negative.set_producer(-1);
  for (const formats::VersionDef& version : {later, bad, negative}) {
    EXPECT_THAT(CheckFormatVersion(version), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
  }
}

}  // namespace
}  // namespace cairn
