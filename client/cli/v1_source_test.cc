#include "client/cli/v1_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/open_source.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string Golden(absl::string_view name) {
  return absl::StrCat("tests/golden/version_one/", name);
}

// All bytes of a slice, wherever they are.
std::string BytesOf(const SliceToSave& slice) {
  if (slice.source == nullptr) return std::string(slice.bytes);
  std::string bytes(slice.bytes_count, '\0');
  EXPECT_OK(slice.source->Read(0, absl::MakeSpan(bytes)));
  return bytes;
}

// Everything that a save sends, by what tells the slices apart.
absl::StatusOr<std::map<std::string, std::string>> Contents(const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const auto source, OpenCheckpointSource(FileSystem::System(), path));
  std::map<std::string, std::string> contents;
  for (const SliceToSave& slice : source->slices()) {
    contents[absl::StrCat(slice.key, " ", slice.dtype, ShapeToString(slice.shape), " ",
                          ToString(slice.box), " ", slice.partial)] = BytesOf(slice);
    if (slice.expected_crc32c.has_value()) {
      EXPECT_EQ(Crc32c(BytesOf(slice)), *slice.expected_crc32c) << slice.key;
    }
  }
  return contents;
}

TEST(V1SourceTest, EveryDtypeIsWhatTheSameBundleHolds) {
  ASSERT_OK_AND_ASSIGN(const auto v1, Contents(Golden("all")));
  ASSERT_OK_AND_ASSIGN(const auto bundle, Contents(Golden("same")));
  EXPECT_EQ(v1.size(), 43);
  EXPECT_EQ(v1, bundle);
}

TEST(V1SourceTest, SlicesOfSeveralShardsAreWhatTheSameBundleHolds) {
  ASSERT_OK_AND_ASSIGN(const auto v1, Contents(Golden("model.ckpt-1000")));
  ASSERT_OK_AND_ASSIGN(const auto bundle, Contents(Golden("same-1000")));
  EXPECT_EQ(v1.size(), 8);
  EXPECT_EQ(v1, bundle);
}

TEST(V1SourceTest, TheNumberAndNameAreThoseOfThePrefix) {
  ASSERT_OK_AND_ASSIGN(const auto source, OpenCheckpointSource(FileSystem::System(), Golden("")));
  EXPECT_EQ(source->identity().number, 1000);
  EXPECT_EQ(source->identity().path, Golden("model.ckpt-1000"));
  EXPECT_THAT(source->identity().annotations,
              ElementsAre(Pair("tensorflow.prefix", "model.ckpt-1000")));
}

TEST(V1SourceTest, ADamagedFileIsAnErrorThatNamesIt) {
  BundlePath path;
  path.v1_files = {Golden("same.index")};
  EXPECT_THAT(V1Source::Open(FileSystem::System(), path),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("same.index")));
}

}  // namespace
}  // namespace cairn::cli
