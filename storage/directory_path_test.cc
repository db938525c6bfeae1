#include "storage/directory_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "storage/store.h"

namespace cairn::storage {
namespace {

using ::testing::HasSubstr;

std::string Depth(int segments) {
  return absl::StrJoin(std::vector<std::string>(segments, "a"), "/");
}

TEST(DirectoryPathTest, PrintablePathsAreValid) {
  for (const std::string& path :
       {std::string("a"), std::string("team-a/bert/run-7"), std::string("päth/日本"),
        std::string("with space/x"), std::string("back\\slash"), std::string("..."),
        std::string(255, 'x'), Depth(kMaxDirectoryDepth)}) {
    EXPECT_OK(ValidateDirectory(path));
  }
}

TEST(DirectoryPathTest, WhatIsWrongIsSaid) {
  const struct {
    std::string path, message;
  } kCases[] = {
      {"", "is missing"},
      {"/a", "empty segment"},
      {"a/", "empty segment"},
      {"a//b", "empty segment"},
      {"a/../b", "'..'"},
      {".", "'.'"},
      {"a@3", "'@'"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"a\x7f", "not printable"},
      {"a\xff", "not printable"},
      {std::string(256, 'x'), "256 bytes"},
      {std::string(1025, 'x'), "1025 bytes; at most 1024"},
      {Depth(kMaxDirectoryDepth + 1), "17 segments deep; at most 16"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(ValidateDirectory(test.path),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(test.message)));
  }
}

TEST(DirectoryPathTest, OnlyTheFirstSegmentChoosesTheShard) {
  EXPECT_EQ(CatalogShard("team/a"), CatalogShard("team"));
  std::set<char> shards;
  for (int i = 0; i < 1000; ++i) shards.insert(CatalogShard(absl::StrCat("team", i, "/run")));
  EXPECT_EQ(shards.size(), kCatalogShards);
}

// On disk: if this fails, existing stores lose their directories.
TEST(DirectoryPathTest, ShardsNeverChange) {
  EXPECT_EQ(CatalogShard("runs"), 46);
  EXPECT_EQ(CatalogShard("team-a/bert"), 3);
}

}  // namespace
}  // namespace cairn::storage
