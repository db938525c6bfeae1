#include "formats/tensor_bundle/shard_files.h"

#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::Optional;

TEST(ShardPathTest, NumbersHaveFiveDigitsOrMore) {
  EXPECT_EQ(ShardPath("runs/ckpt-7", 3, 16), "runs/ckpt-7.data-00003-of-00016");
  EXPECT_EQ(ShardPath("x/", 0, 123456), "x/.data-00000-of-123456");
}

TEST(ShardPathTest, NamesLeadBackToThePrefix) {
  EXPECT_THAT(PrefixOfShardPath("runs/ckpt-7.data-00003-of-00016"),
              Optional(absl::string_view("runs/ckpt-7")));
  EXPECT_THAT(PrefixOfShardPath("x/.data-00000-of-123456"), Optional(absl::string_view("x/")));
  EXPECT_THAT(PrefixOfShardPath("a.data-0-of-1.data-00000-of-00001"),
              Optional(absl::string_view("a.data-0-of-1")));
  for (const char* path : {"", "a", "a.index", "a.data-", "a.data-0-of-1", "a.data-00000-of-",
                           "a.data-00000-of-00001.tmp", "a.data-0000x-of-00001", "a.data-00000"}) {
    EXPECT_FALSE(PrefixOfShardPath(path).has_value()) << path;
  }
}

TEST(ShardFilesTest, MoreFilesThanStayOpenCanBeRead) {
  MemoryFileSystem files;
  constexpr int kShards = 3 * OpenFiles::kMaxOpen;
  for (int i = 0; i < kShards; ++i)
    files.files[ShardPath("p", i, kShards)] = std::string(1, static_cast<char>(i));
  ShardFiles shards(&files, "p", kShards);
  ASSERT_OK_AND_ASSIGN(const auto held, shards.Open(0));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kShards; ++i) {
      ASSERT_OK_AND_ASSIGN(const auto file, shards.Open(i));
      char byte = 0;
      ASSERT_OK(file->Read(0, absl::MakeSpan(&byte, 1)));
      EXPECT_EQ(byte, static_cast<char>(i));
    }
  }
  char byte = 1;
  ASSERT_OK(held->Read(0, absl::MakeSpan(&byte, 1)));
  EXPECT_EQ(byte, 0);
}

TEST(ShardFilesTest, AMissingFileIsNamed) {
  MemoryFileSystem files;
  ShardFiles shards(&files, "p", 2);
  EXPECT_THAT(shards.Open(1),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("p.data-00001-of-00002")));
}

}  // namespace
}  // namespace cairn
