#include "base/xxh3.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace cairn {
namespace {

// The value for no bytes is the one that xxHash's own documentation gives.
TEST(Xxh3Test, DigestsAreCanonical) {
  EXPECT_EQ(absl::BytesToHexString(Xxh3Digest("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Xxh3Digest("abc").size(), 16);
  EXPECT_NE(Xxh3Digest("abc"), Xxh3Digest("abd"));
}

}  // namespace
}  // namespace cairn
