// Writes a TensorFlow checkpoint: `<prefix>.index` and its data files, the same bytes for the same
// plan whatever the order in which tensors are planned and bytes come.
//
//   CAIRN_ASSIGN_OR_RETURN(auto writer, BundleWriter::Create(file_system, "out/ckpt-7",
//                                                            {PlannedWhole("w", "uint8", {3}, 3)},
//                                                            {}));
//   CAIRN_RETURN_IF_ERROR(writer->WriteAt({0, 0}, 0, bytes));  // any thread, any order
//   writer->SetCrc32c({0, 0}, Crc32c(bytes));
//   CAIRN_RETURN_IF_ERROR(writer->Finish());
//
// Tensors stand in the data in byte order of their raw keys, the slices of one in order of their
// boxes, densely.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "base/file_system.h"
#include "formats/tensor_bundle/data_files.h"

namespace cairn {

// Some of a tensor's elements, stored together.
struct PlannedSlice {
  Box box;
  // Bytes in the data file. Fixed width: elements x item size; strings: EncodeStringTensor's.
  int64_t size_bytes;
  // Dimensions that the files give as whole ("-"). Those that the box cuts are given by numbers.
  OpenDimensions open_dimensions = 0;
};

// A tensor to be written.
struct PlannedTensor {
  std::string key;    // text form
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  // One that is the whole makes a plain entry; others, which need not cover the tensor, one entry
  // each, beside one for the tensor that names them. They ascend, and none is without elements.
  std::vector<PlannedSlice> slices;
};

// A tensor in one piece.
PlannedTensor PlannedWhole(absl::string_view key, absl::string_view dtype,
                           std::vector<int64_t> shape, int64_t size_bytes);

// WriteAt and SetCrc32c are thread-safe; Finish is called alone. Memory: the plan and the keys.
// Descriptors: DataFiles::kMaxOpen, and some.
class BundleWriter {
 public:
  struct Options {
    // Replaces a checkpoint that is there, with any number of data files. Its index goes first, so
    // that a crash in between leaves no checkpoint rather than a mixed one.
    bool force = false;
    // Either this many data files of about equal size, fewer if there are fewer slices ...
    int shards = 1;
    // ... or as many as it takes for none to pass this; a larger slice has a file of its own.
    std::optional<int64_t> max_shard_bytes = std::nullopt;
  };

  // Numbers, from 0, of a planned tensor and of one of its slices.
  struct SliceNumber {
    size_t tensor;
    size_t slice;
  };

  // Lays the slices out and makes a temporary data file beside the final one (and the folder it is
  // in). The files take their names in Finish(); what is unfinished then, or when the writer goes,
  // is removed. `file_system` must outlive the writer. Requires: no two slices of a tensor overlap.
  // Errors: kAlreadyExists with ERROR_REASON_BAD_FILE (`<prefix>.index` or a data file is there);
  // kInvalidArgument with ERROR_REASON_INVALID_FIELD (a key empty, not in text form, there twice or
  // as the key of a slice; a dtype that TensorFlow lacks; slices that are not as they must be; a
  // size that dtype and box do not give; options); those of FileSystem.
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(FileSystem* file_system,
                                                              const std::string& prefix,
                                                              std::vector<PlannedTensor> tensors,
                                                              const Options& options);
  ~BundleWriter();

  // As planned.
  absl::Span<const PlannedTensor> tensors() const { return tensors_; }
  // Of all data files together.
  int64_t size_bytes() const { return size_bytes_; }
  int32_t num_shards() const { return data_->count(); }

  // Writes `bytes` at `offset` of a slice. Requires: the slice was planned.
  // Errors: kOutOfRange (beyond the slice), those of FileSystem.
  absl::Status WriteAt(SliceNumber number, int64_t offset, absl::string_view bytes);

  // The checksum for the slice's entry, unmasked: crc32c of all its bytes; for strings
  // EncodedStrings::crc32c, for `tf:21` VariantTensorCrc32c.
  void SetCrc32c(SliceNumber number, uint32_t crc32c);

  // Makes the files durable under their names, data before index. Call once.
  // Errors: kFailedPrecondition (a slice lacks bytes or its checksum, naming it), those of
  // FileSystem.
  absl::Status Finish();

 private:
  // Where a slice is and how far it came.
  struct Slot {
    int32_t shard = 0;
    int64_t offset = 0;
    std::atomic<int64_t> written_bytes{0};
    std::atomic<bool> has_crc32c{false};
    std::atomic<uint32_t> crc32c{0};
  };
  // An entry of the index to be.
  struct IndexKey {
    std::string raw;
    size_t tensor;
    std::optional<size_t> slice;  // whose the entry is; unset: the tensor's own
  };

  BundleWriter(FileSystem* file_system, const std::string& prefix,
               std::vector<PlannedTensor> tensors, const Options& options);

  absl::Status Plan();
  absl::Status PlanKeys();
  absl::Status PlanData();
  Slot& SlotOf(SliceNumber number);
  absl::string_view KeyOf(const IndexKey& key) const { return tensors_[key.tensor].key; }
  std::string NameOf(SliceNumber number) const;
  std::string EntryOf(const IndexKey& key);
  absl::Status CheckComplete();
  absl::Status WriteIndex();
  absl::Status Publish();
  absl::StatusOr<std::vector<std::string>> ExistingFiles() const;

  FileSystem* const file_system_;
  const std::string prefix_;
  const std::string tag_;  // of temporary names
  const Options options_;
  const std::vector<PlannedTensor> tensors_;
  std::vector<size_t> first_slot_;    // by tensor
  std::vector<Slot> slots_;           // of all slices, tensor by tensor
  std::vector<IndexKey> index_keys_;  // ascending
  int64_t size_bytes_ = 0;
  std::unique_ptr<DataFiles> data_;
  std::string unfinished_index_;  // what the destructor removes; empty: nothing
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_
