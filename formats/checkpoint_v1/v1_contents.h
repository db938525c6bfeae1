// Puts together what the files of a V1 checkpoint say of their tensors, and checks it.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_V1_CONTENTS_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_V1_CONTENTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "formats/checkpoint_v1/read_window.h"
#include "formats/checkpoint_v1/v1_reader.h"
#include "formats/checkpoint_v1/wire.h"

namespace cairn {

// Takes the tables one after the other, each with its entries in order. Errors: those of
// V1Reader::Open, without the file's name.
class V1Contents {
 public:
  explicit V1Contents(const ValueTables* tables) : tables_(*tables) {}

  // Begins a table, whose first entry is the next.
  void BeginTable();
  absl::Status Add(absl::string_view raw_key, const TableValue& value);
  // Every slice that the table promised must have come.
  absl::Status EndTable() const;
  // All tensors, when all tables have ended. Call once.
  absl::StatusOr<std::vector<V1Tensor>> Finish();

 private:
  struct Tensor {
    V1Tensor tensor;
    std::string raw_name;
    const ValueEncoding* encoding;
  };
  // A slice of tensors_, by position.
  struct Promise {
    size_t tensor;
    size_t slice;
    bool kept = false;
  };
  // What the first entry says of one tensor.
  struct TensorMeta;
  // What another entry is, and where in its value the TensorProto is.
  struct SliceEntry {
    std::string raw_name;
    std::vector<ExtentSpec> extents;
    int64_t values_begin = 0;
    int64_t values_end = 0;
  };

  absl::Status AddMeta(const TableValue& value);
  absl::StatusOr<TensorMeta> ParseTensorMeta(ReadWindow* window, const WireField& message);
  absl::Status AddTensorMeta(TensorMeta meta);
  absl::StatusOr<size_t> FindOrAddTensor(const TensorMeta& meta);
  absl::Status AddSlice(absl::string_view raw_key, const TableValue& value);
  absl::StatusOr<SliceEntry> ParseSliceEntry(const TableValue& value) const;
  absl::Status Count(int64_t bytes);

  const ValueTables& tables_;
  bool has_meta_ = false;  // of the table
  std::vector<Tensor> tensors_;
  absl::flat_hash_map<std::string, size_t> tensor_of_name_;
  absl::flat_hash_map<std::string, Promise> promises_;  // of the table, by key
  int64_t memory_bytes_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_V1_CONTENTS_H_
