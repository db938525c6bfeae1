#include "base/allocator.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstring>
#include <memory>

namespace cairn {
namespace {

// A block that is mapped on its own counts in hblks; one that is kept does not.
TEST(AllocatorTest, BlocksOfAChunkAreNotMappedOneByOne) {
  KeepLargeBlocks();
  const size_t mapped_before = mallinfo2().hblks;
  constexpr size_t kChunkBytes = 1 << 20;
  auto block = std::make_unique<char[]>(kChunkBytes);
  std::memset(block.get(), 1, kChunkBytes);
  EXPECT_EQ(mallinfo2().hblks, mapped_before);
}

}  // namespace
}  // namespace cairn
