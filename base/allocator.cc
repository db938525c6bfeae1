#include "base/allocator.h"

#include <malloc.h>

namespace cairn {
namespace {

constexpr int kMapFromBytes = 32 << 20;   // the most that glibc takes
constexpr int kKeepFreeBytes = 16 << 20;  // at the top of each arena
constexpr int kArenas = 4;

}  // namespace

void KeepLargeBlocks() {
  // A refusal leaves the default, which is slower and otherwise the same.
  (void)mallopt(M_MMAP_THRESHOLD, kMapFromBytes);
  (void)mallopt(M_TRIM_THRESHOLD, kKeepFreeBytes);
  (void)mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace cairn
