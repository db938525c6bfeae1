#include "storage/engine/rocksdb/data_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <limits>

#include "base/status_matchers.h"
#include "storage/engine/test_folder.h"

namespace cairn::storage {
namespace {

using testing::HasSubstr;

TEST(DataFolderTest, IsMadeWithItsPartsAndMayBeThere) {
  const TestFolder folder;
  const std::string path = folder.path() + "/new";
  for (int i = 0; i < 2; ++i) EXPECT_OK(PrepareDataFolder(path));
  EXPECT_TRUE(std::filesystem::is_directory(DatabaseFolder(path)));
  EXPECT_TRUE(std::filesystem::is_directory(IngestFolder(path)));
}

TEST(DataFolderTest, ProbingForDirectWritesLeavesNothing) {
  const TestFolder folder;
  (void)TakesDirectWrites(folder.path());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_FALSE(TakesDirectWrites(folder.path() + "/missing"));
}

TEST(DescriptorsTest, SoftLimitIsRaisedAndTooLowAHardLimitIsSaid) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_OK(EnsureDescriptors(65));
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  EXPECT_THAT(EnsureDescriptors(std::numeric_limits<int>::max()),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2147483647")));
}

}  // namespace
}  // namespace cairn::storage
