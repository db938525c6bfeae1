// Drives a store in tests: sends slices, restores, and looks at all that can be seen of it.
#ifndef CAIRN_STORAGE_STORE_DRIVER_H_
#define CAIRN_STORAGE_STORE_DRIVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/store.h"

namespace cairn::storage {

// Tensors of uint8 with one dimension, by their keys.
using Content = std::map<std::string, std::string>;

struct SliceToSend {
  std::string key;
  int64_t tensor_bytes = 0;
  int64_t begin = 0;
  std::string bytes;
};

// What writer `writer` of `writers` saves of a content: its share of every tensor.
std::vector<SliceToSend> ShareOf(const Content& content, int writer, int writers);

// A stream that took the slices and is not finished.
absl::StatusOr<std::unique_ptr<SliceWriter>> Begin(Store* store, absl::string_view path,
                                                   absl::string_view session,
                                                   absl::string_view writer,
                                                   const std::vector<SliceToSend>& slices);
// On one stream, to its end.
absl::Status Send(Store* store, absl::string_view path, absl::string_view session,
                  absl::string_view writer, const std::vector<SliceToSend>& slices);

// Everything that an open restore delivers. Errors: also kInternal (a byte twice, or none).
absl::StatusOr<Content> ReadAll(Store* store, const RestoreInfo& restore);
// Opens a restore, reads it, closes it.
absl::StatusOr<Content> Restore(Store* store, absl::string_view path, absl::string_view reference);

struct SeenCheckpoint {
  int64_t number = 0;
  Content content;
  friend bool operator==(const SeenCheckpoint&, const SeenCheckpoint&) = default;
};
// A directory's checkpoints in the order of their commits.
using SeenDirectory = std::vector<SeenCheckpoint>;
// All directories, by path.
using Seen = std::map<std::string, SeenDirectory>;

// All that a reader can see, byte by byte. Errors: also kInternal (lists, references, counts and
// `latest` disagree).
absl::StatusOr<Seen> Look(Store* store);

// For messages: paths, numbers, and a sum of each content.
std::string ToString(const Seen& seen);

// Whether the engines hold what the checkpoints in `seen` need and nothing else: a manifest each,
// and only segments that those list. Empty if so, else what there is too much or too little of.
std::string Leftovers(const Seen& seen, MemoryTable* table, MemorySegmentStore* segments);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_STORE_DRIVER_H_
