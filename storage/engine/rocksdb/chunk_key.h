// The key of a chunk in the column family of chunks. On disk: DO NOT CHANGE.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_CHUNK_KEY_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_CHUNK_KEY_H_

#include <cstdint>
#include <string>

#include "base/uid.h"

namespace cairn::storage {

// The segment's uid and the chunk's number, big-endian.
inline std::string ChunkKey(const Uid& segment, uint32_t chunk) {
  std::string key(segment.bytes());
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(chunk >> shift));
  return key;
}

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_CHUNK_KEY_H_
