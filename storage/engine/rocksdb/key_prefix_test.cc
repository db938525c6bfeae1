#include "storage/engine/rocksdb/key_prefix.h"

#include <gtest/gtest.h>

namespace cairn::storage {
namespace {

TEST(KeyPrefixTest, SuccessorComesAfterAllThatBeginWithIt) {
  EXPECT_EQ(SuccessorOfPrefix("a"), "b");
  EXPECT_EQ(SuccessorOfPrefix("a\x7f"), "a\x80");
  EXPECT_EQ(SuccessorOfPrefix("a\xff\xff"), "b");
  EXPECT_EQ(SuccessorOfPrefix("\xff\xff"), std::nullopt);
  EXPECT_EQ(SuccessorOfPrefix(""), std::nullopt);
}

TEST(KeyPrefixTest, IteratorsEndWithThePrefixAndReportReadErrors) {
  const KeyPrefix prefix("ab");
  const rocksdb::ReadOptions options = prefix.ReadOptions();
  EXPECT_TRUE(options.ignore_range_deletions);
  ASSERT_NE(options.iterate_upper_bound, nullptr);
  EXPECT_EQ(options.iterate_upper_bound->ToString(), "ac");
  const KeyPrefix all("");
  EXPECT_EQ(all.ReadOptions().iterate_upper_bound, nullptr);
}

}  // namespace
}  // namespace cairn::storage
