#include "formats/checkpoint_v1/v1_contents.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/tiling.h"
#include "formats/checkpoint_v1/checkpoint_v1.pb.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/slice_key.h"
#include "formats/tensor_bundle/slice_proto.h"

namespace cairn {
namespace {

using formats::SavedSlice;
using formats::SavedSliceMeta;
using formats::SavedTensorSliceMeta;
using formats::SavedTensorSlices;

// What the descriptions of all tensors may take; a forged file names any number of them.
constexpr int64_t kMaxMemoryBytes = int64_t{512} << 20;
// Of a shape, whose dimensions may have names, a slice or a version: parsed it takes up to thirty
// times as much.
constexpr int64_t kMaxMessageBytes = 64 << 10;
// Of a string, vector or map's entry with its own memory.
constexpr int64_t kAllocationBytes = 32;

absl::Status Damaged(absl::string_view raw_name, absl::string_view what) {
  const std::string key = KeyTextFromBytes(raw_name);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged checkpoint: tensor ", key, ": ", what), {{"key", key}});
}

absl::Status DamagedFile(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged checkpoint: ", what));
}

absl::Status Refused(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot read this checkpoint: ", what));
}

ReadWindow WindowOf(const ValueTables& tables, const TableValue& value) {
  return ReadWindow(
      [&](int64_t offset, absl::Span<char> out) { return tables.Read(value, offset, out); },
      value.size);
}

// A field that is a message of few bytes.
template <typename Message>
absl::StatusOr<Message> ParseField(ReadWindow* window, const WireField& field) {
  CAIRN_ASSIGN_OR_RETURN(const std::string bytes, ReadField(window, field, kMaxMessageBytes));
  Message message;
  if (!message.ParseFromString(bytes)) return DoesNotParse();
  return message;
}

absl::StatusOr<std::string> ReadName(ReadWindow* window, const WireField& field) {
  if (field.size() > static_cast<int64_t>(kMaxKeyBytes)) {
    return Refused(absl::StrCat("a name has ", field.size(), " bytes; Cairn takes ", kMaxKeyBytes));
  }
  return ReadField(window, field, kMaxKeyBytes);
}

}  // namespace

struct V1Contents::TensorMeta {
  std::string raw_name;
  int32_t dtype = 0;
  formats::TensorShape shape;
  std::vector<std::vector<ExtentSpec>> slices;
};

void V1Contents::BeginTable() {
  has_meta_ = false;
  promises_.clear();
}

absl::Status V1Contents::Add(absl::string_view raw_key, const TableValue& value) {
  if (has_meta_) return AddSlice(raw_key, value);
  if (!raw_key.empty()) return Refused("it does not say which tensors it has; it is no V1 file");
  has_meta_ = true;
  absl::Status added = AddMeta(value);
  // What has no reason yet comes from the wire format.
  if (absl::IsDataLoss(added) && ReasonOf(added) != ErrorReason::ERROR_REASON_BAD_FILE) {
    return DamagedFile(absl::StrCat("its list of tensors: ", added.message()));
  }
  return added;
}

absl::Status V1Contents::AddMeta(const TableValue& value) {
  ReadWindow window = WindowOf(tables_, value);
  WireReader fields(&window, 0, value.size);
  bool has_list = false;
  while (!fields.done()) {
    CAIRN_ASSIGN_OR_RETURN(const WireField list, fields.Next());
    if (list.number == SavedTensorSlices::kDataFieldNumber) {
      return DamagedFile("its list of tensors holds a slice");
    }
    if (list.number != SavedTensorSlices::kMetaFieldNumber) continue;
    if (list.type != WireType::kBytes) return DoesNotParse();
    has_list = true;
    WireReader items(&window, list.begin, list.end);
    while (!items.done()) {
      CAIRN_ASSIGN_OR_RETURN(const WireField item, items.Next());
      if (item.number == SavedTensorSliceMeta::kTensorFieldNumber) {
        CAIRN_ASSIGN_OR_RETURN(TensorMeta meta, ParseTensorMeta(&window, item));
        CAIRN_RETURN_IF_ERROR(AddTensorMeta(std::move(meta)));
      } else if (item.number == SavedTensorSliceMeta::kVersionsFieldNumber) {
        CAIRN_ASSIGN_OR_RETURN(const auto version, ParseField<formats::VersionDef>(&window, item));
        CAIRN_RETURN_IF_ERROR(CheckFormatVersion(version));
      }
    }
  }
  // Also what a bundle's header looks like.
  return has_list ? absl::OkStatus() : Refused("it has no list of tensors; it is no V1 file");
}

absl::StatusOr<V1Contents::TensorMeta> V1Contents::ParseTensorMeta(ReadWindow* window,
                                                                   const WireField& message) {
  if (message.type != WireType::kBytes) return DoesNotParse();
  TensorMeta meta;
  WireReader fields(window, message.begin, message.end);
  while (!fields.done()) {
    CAIRN_ASSIGN_OR_RETURN(const WireField field, fields.Next());
    switch (field.number) {
      case SavedSliceMeta::kNameFieldNumber: {
        CAIRN_ASSIGN_OR_RETURN(meta.raw_name, ReadName(window, field));
        break;
      }
      case SavedSliceMeta::kShapeFieldNumber: {
        CAIRN_ASSIGN_OR_RETURN(meta.shape, ParseField<formats::TensorShape>(window, field));
        break;
      }
      case SavedSliceMeta::kTypeFieldNumber:
        if (field.type != WireType::kVarint) return DoesNotParse();
        meta.dtype = static_cast<int32_t>(field.value);
        break;
      case SavedSliceMeta::kSliceFieldNumber: {
        CAIRN_ASSIGN_OR_RETURN(const auto slice, ParseField<formats::TensorSlice>(window, field));
        std::vector<ExtentSpec> extents = ExtentsFromProto(slice);
        CAIRN_RETURN_IF_ERROR(
            Count(static_cast<int64_t>(extents.size() * sizeof(ExtentSpec)) + kAllocationBytes));
        meta.slices.push_back(std::move(extents));
        break;
      }
      default:
        break;
    }
  }
  return meta;
}

absl::StatusOr<size_t> V1Contents::FindOrAddTensor(const TensorMeta& meta) {
  const std::string& raw_name = meta.raw_name;
  if (raw_name.empty()) return DamagedFile("a tensor has no name");
  std::string key = KeyTextFromBytes(raw_name);
  if (key.size() > kMaxKeyBytes) {
    return Refused(
        absl::StrCat("a name has ", key.size(), " bytes as text; Cairn takes ", kMaxKeyBytes));
  }
  const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(meta.dtype);
  if (!dtype.has_value()) return Damaged(raw_name, absl::StrCat("it has the dtype ", meta.dtype));
  const ValueEncoding* const encoding = FindValueEncoding(meta.dtype);
  if (encoding == nullptr) {
    return Refused(
        absl::StrCat("tensor ", key, " is of dtype ", dtype->name, ", which V1 files cannot hold"));
  }
  if (meta.shape.unknown_rank()) return Damaged(raw_name, "its rank is unknown");
  if (meta.shape.dim_size() > kMaxRank) {
    return Refused(absl::StrCat("tensor ", key, " has ", meta.shape.dim_size(),
                                " dimensions; Cairn takes ", kMaxRank));
  }
  std::vector<int64_t> shape;
  shape.reserve(meta.shape.dim_size());
  for (const auto& dim : meta.shape.dim()) shape.push_back(dim.size());
  const absl::Status size = ByteCount(shape, std::max(dtype->item_bytes, 1)).status();
  if (!size.ok()) return Damaged(raw_name, size.message());
  const auto [found, is_new] = tensor_of_name_.emplace(raw_name, tensors_.size());
  if (is_new) {
    CAIRN_RETURN_IF_ERROR(Count(
        2 * static_cast<int64_t>(sizeof(Tensor)) +
        static_cast<int64_t>(2 * raw_name.size() + key.size() + shape.size() * sizeof(int64_t)) +
        6 * kAllocationBytes));
    tensors_.push_back({V1Tensor{.key = std::move(key),
                                 .dtype = dtype->name,
                                 .shape = std::move(shape),
                                 .partial = false,
                                 .slices = {}},
                        raw_name, encoding});
    return found->second;
  }
  const V1Tensor& known = tensors_[found->second].tensor;
  if (known.dtype != dtype->name) {
    return Damaged(raw_name, absl::StrCat("it is of dtype ", known.dtype, " in one place, of ",
                                          dtype->name, " in another"));
  }
  if (known.shape != shape) {
    return Damaged(raw_name, absl::StrCat("it has the shape ", ShapeToString(known.shape),
                                          " in one place, ", ShapeToString(shape), " in another"));
  }
  return found->second;
}

absl::Status V1Contents::AddTensorMeta(TensorMeta meta) {
  CAIRN_ASSIGN_OR_RETURN(const size_t index, FindOrAddTensor(meta));
  V1Tensor& tensor = tensors_[index].tensor;
  if (meta.slices.empty()) return Damaged(meta.raw_name, "it has no slices");
  for (const std::vector<ExtentSpec>& extents : meta.slices) {
    absl::StatusOr<Box> box = SliceBox(extents, tensor.shape);
    if (!box.ok()) {
      return Damaged(meta.raw_name, absl::StrCat("its slice ", tensor.slices.size(), ": ",
                                                 box.status().message()));
    }
    std::string raw_key = EncodeSliceKey(meta.raw_name, extents);
    CAIRN_RETURN_IF_ERROR(
        Count(2 * static_cast<int64_t>(sizeof(V1Slice) + sizeof(ValuePoint)) +
              static_cast<int64_t>(raw_key.size() + 2 * extents.size() * sizeof(int64_t)) +
              5 * kAllocationBytes));
    const auto [promise, is_new] =
        promises_.emplace(std::move(raw_key), Promise{index, tensor.slices.size()});
    if (!is_new) {
      return Damaged(meta.raw_name, absl::StrCat("its slice ", ToString(*box), " is listed twice"));
    }
    tensor.slices.push_back({*std::move(box), {}, OpenDimensionsOf(extents)});
  }
  return absl::OkStatus();
}

absl::Status V1Contents::AddSlice(absl::string_view raw_key, const TableValue& value) {
  const auto found = promises_.find(raw_key);
  if (found == promises_.end()) {
    const std::optional<SliceKey> key = DecodeSliceKey(raw_key);
    return key.has_value()
               ? Damaged(key->raw_name, "it has a slice that the file's list does not")
               : DamagedFile(absl::StrCat("the key ", KeyTextFromBytes(raw_key), " is no slice's"));
  }
  Promise& promise = found->second;
  const Tensor& tensor = tensors_[promise.tensor];
  V1Slice& slice = tensors_[promise.tensor].tensor.slices[promise.slice];
  const auto damaged = [&](absl::string_view what) {
    return Damaged(tensor.raw_name, absl::StrCat("its slice ", ToString(slice.box), ": ", what));
  };
  absl::StatusOr<SliceEntry> entry = ParseSliceEntry(value);
  if (!entry.ok()) return damaged(entry.status().message());
  if (EncodeSliceKey(entry->raw_name, entry->extents) != raw_key) {
    return damaged(absl::StrCat("its entry is that of another slice, of tensor ",
                                KeyTextFromBytes(entry->raw_name)));
  }
  absl::StatusOr<TensorValues> values = TensorValues::Scan(
      tables_, value, entry->values_begin, entry->values_end, *tensor.encoding, slice.box.length);
  if (!values.ok()) return damaged(values.status().message());
  slice.values = *std::move(values);
  promise.kept = true;
  return absl::OkStatus();
}

absl::StatusOr<V1Contents::SliceEntry> V1Contents::ParseSliceEntry(const TableValue& value) const {
  ReadWindow window = WindowOf(tables_, value);
  WireReader outer(&window, 0, value.size);
  std::optional<WireField> message;
  while (!outer.done()) {
    CAIRN_ASSIGN_OR_RETURN(const WireField field, outer.Next());
    if (field.number == SavedTensorSlices::kMetaFieldNumber) {
      return absl::DataLossError("its entry holds a list of tensors");
    }
    if (field.number != SavedTensorSlices::kDataFieldNumber) continue;
    if (message.has_value()) return absl::DataLossError("its entry holds two slices");
    message = field;
  }
  if (!message.has_value()) return absl::DataLossError("its entry holds no slice");
  if (message->type != WireType::kBytes) return DoesNotParse();
  SliceEntry entry;
  WireReader fields(&window, message->begin, message->end);
  bool has_values = false;
  while (!fields.done()) {
    CAIRN_ASSIGN_OR_RETURN(const WireField field, fields.Next());
    if (field.number == SavedSlice::kNameFieldNumber) {
      CAIRN_ASSIGN_OR_RETURN(entry.raw_name, ReadName(&window, field));
    } else if (field.number == SavedSlice::kSliceFieldNumber) {
      CAIRN_ASSIGN_OR_RETURN(const auto slice, ParseField<formats::TensorSlice>(&window, field));
      entry.extents = ExtentsFromProto(slice);
    } else if (field.number == SavedSlice::kDataFieldNumber) {
      if (field.type != WireType::kBytes) return DoesNotParse();
      if (has_values) return absl::DataLossError("its entry holds two lists of values");
      has_values = true;
      entry.values_begin = field.begin;
      entry.values_end = field.end;
    }
  }
  return entry;
}

absl::Status V1Contents::EndTable() const {
  if (!has_meta_) return Refused("it is empty");
  for (const auto& [raw_key, promise] : promises_) {
    if (promise.kept) continue;
    const Tensor& tensor = tensors_[promise.tensor];
    return Damaged(tensor.raw_name,
                   absl::StrCat("its slice ", ToString(tensor.tensor.slices[promise.slice].box),
                                " is listed, but missing"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<V1Tensor>> V1Contents::Finish() {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Tensor& a, const Tensor& b) { return a.raw_name < b.raw_name; });
  std::vector<V1Tensor> result;
  result.reserve(tensors_.size());
  for (Tensor& described : tensors_) {
    V1Tensor& tensor = described.tensor;
    std::sort(tensor.slices.begin(), tensor.slices.end(),
              [](const V1Slice& a, const V1Slice& b) { return a.box < b.box; });
    std::vector<Box> boxes;
    boxes.reserve(tensor.slices.size());
    for (const V1Slice& slice : tensor.slices) boxes.push_back(slice.box);
    const TilingFaults faults = FindTilingFaults(tensor.shape, boxes);
    if (faults.overlap.has_value()) {
      return Damaged(described.raw_name,
                     absl::StrCat("its slices ", ToString(boxes[faults.overlap->first]), " and ",
                                  ToString(boxes[faults.overlap->second]), " overlap"));
    }
    // A tensor without elements may be listed by several files all the same.
    tensor.slices.erase(
        std::unique(tensor.slices.begin(), tensor.slices.end(),
                    [](const V1Slice& a, const V1Slice& b) { return a.box == b.box; }),
        tensor.slices.end());
    tensor.partial = faults.hole.has_value();
    result.push_back(std::move(tensor));
  }
  return result;
}

absl::Status V1Contents::Count(int64_t bytes) {
  memory_bytes_ += bytes;
  if (memory_bytes_ <= kMaxMemoryBytes) return absl::OkStatus();
  return Refused(absl::StrCat("it names more than ", tensors_.size(),
                              " tensors and slices, more than Cairn reads at once"));
}

}  // namespace cairn
