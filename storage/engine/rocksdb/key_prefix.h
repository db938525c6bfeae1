// Ranges of keys that share a prefix, and the one way in which this engine iterates.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_KEY_PREFIX_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_KEY_PREFIX_H_

#include <rocksdb/options.h>
#include <rocksdb/slice.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace cairn::storage {

// The first key after all that begin with `prefix`; nullopt: there is none.
inline std::optional<std::string> SuccessorOfPrefix(absl::string_view prefix) {
  std::string successor(prefix);
  while (!successor.empty() && successor.back() == '\xff') successor.pop_back();
  if (successor.empty()) return std::nullopt;
  ++successor.back();
  return successor;
}

// Options of an iterator over the keys with a prefix. Must outlive the iterator.
class KeyPrefix {
 public:
  explicit KeyPrefix(absl::string_view prefix) : end_(SuccessorOfPrefix(prefix)) {
    if (end_.has_value()) end_slice_ = *end_;
  }
  KeyPrefix(const KeyPrefix&) = delete;
  KeyPrefix& operator=(const KeyPrefix&) = delete;

  rocksdb::ReadOptions ReadOptions() const {
    rocksdb::ReadOptions options;
    // RocksDB 7.8.3 can otherwise take a read error for the end and say OK. Nothing is ever deleted
    // by range.
    options.ignore_range_deletions = true;
    if (end_.has_value()) options.iterate_upper_bound = &end_slice_;
    return options;
  }

 private:
  const std::optional<std::string> end_;
  rocksdb::Slice end_slice_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_KEY_PREFIX_H_
