#include "storage/engine/rocksdb/rocksdb_options.h"

#include <gtest/gtest.h>

namespace cairn::storage {
namespace {

TEST(RocksDbOptionsTest, WhatGoesOnInTheBackgroundIsLimitedAndSaversAreNot) {
  const RocksDbOptions options(RocksDbTuning(), rocksdb::Env::Default());
  ASSERT_NE(options.Database().rate_limiter, nullptr);
  EXPECT_EQ(options.Database().rate_limiter->GetBytesPerSecond(),
            RocksDbTuning().background_bytes_per_second);

  for (const bool direct : {true, false}) {
    EXPECT_EQ(options.SegmentFile(direct).rate_limiter, nullptr);
  }
}

}  // namespace
}  // namespace cairn::storage
