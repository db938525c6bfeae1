#include "storage/coverage.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/box.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/tiling.h"

namespace cairn::storage {
namespace {

constexpr size_t kNamedWriters = 8;  // in a message

Box BoxOf(const SliceRecord& record) {
  Box box;
  box.start.assign(record.start().begin(), record.start().end());
  box.length.assign(record.length().begin(), record.length().end());
  return box;
}

// XXH3-64 over keys and values, each preceded by its length as 8 bytes, little-endian.
class RowsHash {
 public:
  RowsHash() { XXH3_64bits_reset(state_.get()); }
  void Add(const Row& row) {
    AddSized(row.key);
    AddSized(row.value);
  }
  uint64_t Digest() const { return XXH3_64bits_digest(state_.get()); }

 private:
  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  void AddSized(absl::string_view bytes) {
    uint8_t size[8];
    for (int i = 0; i < 8; ++i) size[i] = static_cast<uint8_t>(uint64_t{bytes.size()} >> 8 * i);
    XXH3_64bits_update(state_.get(), size, sizeof(size));
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
  }

  std::unique_ptr<XXH3_state_t, FreeState> state_{XXH3_createState()};
};

// One tensor, whose rows come in order of their keys.
class TensorCheck {
 public:
  // Begins the tensor of `first`, which Add takes as well.
  explicit TensorCheck(const SliceRow& first) : key_(first.key.key), first_(first.record) {
    first_.clear_pieces();
    first_.clear_segments();
  }

  absl::Status Add(const SliceRow& slice) {
    CAIRN_RETURN_IF_ERROR(CheckAgreement(slice.record));
    if (boxes_.empty() || boxes_.back() != slice.key.box) {
      CAIRN_RETURN_IF_ERROR(EndSlice());
      boxes_.push_back(slice.key.box);
      writers_.push_back(WriterIndex(slice.record.writer()));
      slice_end_ = 0;
    }
    if (slice.record.begin() != slice_end_) return PartMissing(slice.record.begin());
    slice_end_ = slice.record.end();
    slice_bytes_ = slice.record.slice_bytes();
    return absl::OkStatus();
  }

  // Ends the tensor and adds what it holds to `summary`.
  absl::Status End(ManifestSummary* summary) {
    CAIRN_RETURN_IF_ERROR(EndSlice());
    const std::vector<int64_t> shape(first_.shape().begin(), first_.shape().end());
    const TilingFaults faults = FindTilingFaults(shape, boxes_);
    if (faults.overlap) return Overlap(faults.overlap->first, faults.overlap->second);
    if (faults.hole && !first_.partial()) return Hole(*faults.hole);
    summary->slice_count += static_cast<int64_t>(boxes_.size());
    summary->logical_bytes += bytes_;
    for (uint32_t writer : writers_) ++summary->slices_by_writer[writer_names_[writer]];
    return absl::OkStatus();
  }

 private:
  uint32_t WriterIndex(const std::string& name) {
    const auto [found, is_new] =
        writer_indices_.emplace(name, static_cast<uint32_t>(writer_names_.size()));
    if (is_new) writer_names_.push_back(name);
    return found->second;
  }

  const std::string& WriterOf(size_t slice) const { return writer_names_[writers_[slice]]; }

  // Who saved something of the tensor, as far as a message names them.
  std::string Writers() const {
    const size_t named = std::min(writer_names_.size(), kNamedWriters);
    const std::string names =
        absl::StrJoin(writer_names_.begin(), writer_names_.begin() + named, ", ");
    const size_t others = writer_names_.size() - named;
    return others == 0 ? names : absl::StrCat(names, " and ", others, " more");
  }

  absl::Status CheckAgreement(const SliceRecord& record) const {
    const auto differ = [&](absl::string_view what, absl::string_view a, absl::string_view b) {
      const std::string box = ToString(BoxOf(first_));
      const std::string other_box = ToString(BoxOf(record));
      return MakeError(ErrorReason::ERROR_REASON_SLICES_DISAGREE,
                       absl::StatusCode::kFailedPrecondition,
                       absl::StrCat("cannot complete the checkpoint: the slices of ", key_,
                                    " disagree: writer ", first_.writer(), " says ", what, " ", a,
                                    " with ", box, ", writer ", record.writer(), " says ", b,
                                    " with ", other_box, "; save again with one ", what),
                       {{"key", key_},
                        {"box", box},
                        {"other_box", other_box},
                        {"writers", absl::StrCat(first_.writer(), ", ", record.writer())}});
    };
    if (record.dtype() != first_.dtype()) return differ("dtype", first_.dtype(), record.dtype());
    if (!std::equal(record.shape().begin(), record.shape().end(), first_.shape().begin(),
                    first_.shape().end())) {
      return differ("shape", ShapeToString(first_.shape()), ShapeToString(record.shape()));
    }
    if (record.partial() != first_.partial()) {
      return differ("partial", first_.partial() ? "true" : "false",
                    record.partial() ? "true" : "false");
    }
    return absl::OkStatus();
  }

  absl::Status EndSlice() {
    if (boxes_.empty()) return absl::OkStatus();
    const std::optional<Dtype> dtype = FindDtype(first_.dtype());
    // A slice without a fixed width tells its length in its last part.
    int64_t expected = slice_bytes_;
    if (dtype && IsFixedWidth(*dtype)) {
      CAIRN_ASSIGN_OR_RETURN(expected, ByteCount(boxes_.back().length, dtype->item_bytes),
                             absl::StrCat("reading the slices of ", key_));
    }
    if (slice_end_ != expected) return PartMissing(expected);
    bytes_ += slice_end_;
    return absl::OkStatus();
  }

  absl::Status PartMissing(int64_t end) const {
    const std::string box = ToString(boxes_.back());
    const std::string& writer = WriterOf(boxes_.size() - 1);
    return MakeError(
        ErrorReason::ERROR_REASON_SLICES_MISSING, absl::StatusCode::kFailedPrecondition,
        absl::StrCat("cannot complete the checkpoint: slice ", box, " of ", key_, " by writer ",
                     writer, " lacks its bytes from ", slice_end_, " on",
                     end > slice_end_ ? absl::StrCat(" to ", end) : "", "; send them"),
        {{"key", key_}, {"box", box}, {"writer", writer}});
  }

  absl::Status Overlap(size_t a, size_t b) const {
    const std::string box = ToString(boxes_[a]);
    const std::string other_box = ToString(boxes_[b]);
    return MakeError(
        ErrorReason::ERROR_REASON_SLICES_OVERLAP, absl::StatusCode::kFailedPrecondition,
        absl::StrCat("cannot complete the checkpoint: slices of ", key_, " overlap: ", box,
                     " by writer ", WriterOf(a), " and ", other_box, " by writer ", WriterOf(b),
                     "; let one writer save what they share"),
        {{"key", key_},
         {"box", box},
         {"other_box", other_box},
         {"writers", absl::StrCat(WriterOf(a), ", ", WriterOf(b))}});
  }

  absl::Status Hole(const Box& hole) const {
    const std::string box = ToString(hole);
    return MakeError(
        ErrorReason::ERROR_REASON_SLICES_MISSING, absl::StatusCode::kFailedPrecondition,
        absl::StrCat("cannot complete the checkpoint: no slice of ", key_, " holds ", box,
                     " of its shape ", ShapeToString(first_.shape()), "; of this tensor ",
                     Writers(), " saved something; save what is missing"),
        {{"key", key_}, {"box", box}, {"writers", Writers()}});
  }

  const std::string key_;
  SliceRecord first_;  // without pieces
  std::vector<Box> boxes_;
  std::vector<uint32_t> writers_;  // of each box, an index into writer_names_
  std::vector<std::string> writer_names_;
  absl::flat_hash_map<std::string, uint32_t> writer_indices_;  // in writer_names_
  int64_t bytes_ = 0;                                          // of the slices that ended
  int64_t slice_end_ = 0;                                      // of the last slice, so far
  int64_t slice_bytes_ = 0;  // of the last slice, as its latest row says
};

// One pass over a manifest.
class ManifestCheck {
 public:
  absl::Status Add(const Row& row) {
    ++summary_.row_count;
    hash_.Add(row);
    if (TensorPrefix(row.key).empty()) return AddOther(row);
    CAIRN_ASSIGN_OR_RETURN(const SliceRow slice, ParseSliceRow(row));
    if (TensorPrefix(row.key) != tensor_prefix_) {
      CAIRN_RETURN_IF_ERROR(EndTensor());
      tensor_prefix_ = std::string(TensorPrefix(row.key));
      tensor_.emplace(slice);
      ++(slice.key.kind == TensorKind::kTensor ? summary_.tensor_count : summary_.attachment_count);
    }
    for (const v1::Piece& piece : slice.record.pieces()) {
      const auto inline_bytes = static_cast<int64_t>(piece.inline_bytes().size());
      summary_.inline_bytes += inline_bytes;
      summary_.stored_bytes += inline_bytes;
    }
    return tensor_->Add(slice);
  }

  absl::StatusOr<ManifestSummary> Finish() {
    CAIRN_RETURN_IF_ERROR(EndTensor());
    summary_.rows_xxh3 = hash_.Digest();
    return std::move(summary_);
  }

 private:
  absl::Status AddOther(const Row& row) {
    if (const std::optional<ResavedKey> resaved = DecodeResavedKey(row.key)) {
      ++summary_.slices_by_writer[std::string(resaved->writer)];
      return absl::OkStatus();
    }
    v1::SegmentUse use;
    if (!DecodeSegmentKey(row.key) || !use.ParseFromString(row.value)) {
      return DamagedRow(row.key, "it is of no known kind");
    }
    if (!use.reused()) summary_.stored_bytes += use.stored_bytes();
    return absl::OkStatus();
  }

  absl::Status EndTensor() {
    if (!tensor_) return absl::OkStatus();
    CAIRN_RETURN_IF_ERROR(tensor_->End(&summary_));
    tensor_.reset();
    return absl::OkStatus();
  }

  ManifestSummary summary_;
  RowsHash hash_;
  std::string tensor_prefix_;  // of the rows of tensor_
  std::optional<TensorCheck> tensor_;
};

}  // namespace

absl::StatusOr<ManifestSummary> CheckCoverage(Table* table, const Uid& manifest) {
  ManifestCheck check;
  CAIRN_RETURN_IF_ERROR(
      ForEachRow(table, manifest, KeyRange{}, [&](const Row& row) { return check.Add(row); }));
  return check.Finish();
}

}  // namespace cairn::storage
