// How this process uses its memory allocator, glibc's.
#ifndef CAIRN_BASE_ALLOCATOR_H_
#define CAIRN_BASE_ALLOCATOR_H_

namespace cairn {

// Keeps blocks of a chunk's size for the next chunk. By default each one is mapped from the kernel
// and given back, and the kernel zeroes 1 MiB anew every time: at gigabytes a second that costs
// more than every checksum together. Also bounds how many arenas keep memory of their own, one a
// thread otherwise. Call it first in main(), before any other thread runs. `transfer_benchmark`
// shows the difference.
void KeepLargeBlocks();

}  // namespace cairn

#endif  // CAIRN_BASE_ALLOCATOR_H_
