// Keys of the rows in a manifest's partition. Their byte order is the order of everything that is
// told of a checkpoint: attachments, then tensors, each by key text, then by box, then by place in
// the slice.
//
//   01 attachment, 02 tensor   key text, 00, rank (1 byte), start and length of each dimension (8
//   bytes
//                              each), part (4 bytes); numbers are big-endian
//   03 segment                 its uid, 16 bytes
//   04 resaved slice           a writer's name, 00, the key of the slice's row
//
// Key text holds no control character, so the 00 ends it and sorts before all that continues it.
// The part is the MiB of the slice at which the row's bytes begin, so that rows of a slice that is
// cut anywhere at multiples of 1 MiB have different keys, in the order of their bytes.
#ifndef CAIRN_STORAGE_SLICE_KEYS_H_
#define CAIRN_STORAGE_SLICE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/uid.h"
#include "storage/store.h"

namespace cairn::storage {

// What the key of a slice row says.
struct SliceKey {
  TensorKind kind = TensorKind::kTensor;
  std::string key;
  Box box;
  uint32_t part = 0;
  friend bool operator==(const SliceKey&, const SliceKey&) = default;
};

// Rows with begin <= key < end.
struct KeyRange {
  std::string begin;
  std::string end;
  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

// The part number of a row whose bytes begin at `begin` of the slice. Requires: begin / 1 MiB <
// 2^32.
uint32_t PartNumber(int64_t begin);

// Requires: rank at most kMaxRank.
std::string EncodeSliceKey(TensorKind kind, absl::string_view key, const Box& box, uint32_t part);
// nullopt: not the key of a slice row.
std::optional<SliceKey> DecodeSliceKey(absl::string_view row_key);
// The part of a slice row's key that names its tensor: all rows of a tensor share it, no others
// have it. Empty when it is not the key of a slice row.
absl::string_view TensorPrefix(absl::string_view row_key);

std::string EncodeSegmentKey(const Uid& segment);
std::optional<Uid> DecodeSegmentKey(absl::string_view row_key);

KeyRange RowsOfKind(TensorKind kind);
KeyRange RowsOfTensor(TensorKind kind, absl::string_view key);
// Those of every key that KeyPrefixSelects: of the key itself, then of the keys that continue it.
// Two ranges, for keys such as "a-b" sort between "a" and "a/b"; one for the empty prefix.
std::vector<KeyRange> RowsOfPrefix(TensorKind kind, absl::string_view prefix, char separator);
KeyRange RowsOfSegments();

// The row that says that `writer` saved the slice of this row too.
std::string EncodeResavedKey(absl::string_view writer, absl::string_view row_key);
// What such a key says; the views point into it.
struct ResavedKey {
  absl::string_view writer;
  absl::string_view row_key;
};
std::optional<ResavedKey> DecodeResavedKey(absl::string_view key);
// The slices that `writer` saved too, in the order of their rows.
KeyRange RowsResavedBy(absl::string_view writer);

// A checkpoint's key separator; '/' where it records none.
char SeparatorOf(const CheckpointRecord& checkpoint);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_KEYS_H_
