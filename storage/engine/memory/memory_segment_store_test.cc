#include "storage/engine/memory/memory_segment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "base/uid.h"

namespace cairn::storage {
namespace {

TEST(MemorySegmentStoreTest, AFlippedBitIsFoundByReadingAndWalking) {
  MemorySegmentStore store;
  const Uid uid = SeededRandom(1).NextUid();
  ASSERT_OK_AND_ASSIGN(const auto writer, store.NewWriter(uid, "header"));
  ASSERT_OK(writer->Append("chunk"));
  ASSERT_OK(writer->Finish());
  const auto visit = [](const SegmentInfo&) { return true; };
  ASSERT_OK(store.Read({uid, 1, 0, 5}, true));
  ASSERT_OK(store.Walk(visit));

  EXPECT_TRUE(store.FlipBitForTest(uid, 1, 4));
  EXPECT_THAT(store.Read({uid, 1, 0, 5}, true), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK_AND_ASSIGN(const PinnedBytes damaged, store.Read({uid, 1, 0, 5}, false));
  EXPECT_EQ(damaged.view(), "chunj");
  EXPECT_TRUE(store.FlipBitForTest(uid, 0, 0));
  EXPECT_THAT(store.Walk(visit), StatusIs(absl::StatusCode::kDataLoss));

  EXPECT_FALSE(store.FlipBitForTest(uid, 1, 9));
  EXPECT_FALSE(store.FlipBitForTest(uid, 2, 0));
}

}  // namespace
}  // namespace cairn::storage
