#include "formats/tensor_bundle/bundle_writer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/shard_files.h"
#include "formats/tensor_bundle/shard_split.h"
#include "formats/tensor_bundle/slice_key.h"
#include "formats/tensor_bundle/tensor_size.h"

namespace cairn {
namespace {

constexpr int32_t kProducer = 1;

std::string IndexPath(absl::string_view prefix) { return absl::StrCat(prefix, ".index"); }

std::string FolderOf(absl::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(prefix.substr(0, slash));
}

absl::Status AlreadyThere(absl::string_view path) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("cannot write the checkpoint: ", path,
                                " is there already; choose another path, or force to replace it"),
                   {{"path", path}});
}

absl::Status CheckOptions(const BundleWriter::Options& options) {
  if (options.shards < 1) {
    return InvalidField("shards", absl::StrCat("is ", options.shards, "; it must be 1 or more"));
  }
  if (!options.max_shard_bytes.has_value()) return absl::OkStatus();
  if (*options.max_shard_bytes < 1) {
    return InvalidField("max_shard_bytes",
                        absl::StrCat("is ", *options.max_shard_bytes, "; it must be 1 or more"));
  }
  if (options.shards == 1) return absl::OkStatus();
  return InvalidField("shards", "goes with no max_shard_bytes; give one of them");
}

bool IsWhole(const PlannedTensor& tensor) {
  return tensor.slices.size() == 1 && tensor.slices[0].box == WholeBox(tensor.shape);
}

// Whether the box lies in the shape and has elements, unless it is the whole.
absl::Status CheckBox(const Box& box, const std::vector<int64_t>& shape) {
  if (box.start.size() != shape.size() || box.length.size() != shape.size()) {
    return InvalidField("slices", absl::StrCat("one has ", box.start.size(),
                                               " dimensions, the tensor ", shape.size()));
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    // In this order, no difference can overflow.
    if (box.start[d] >= 0 && box.start[d] <= shape[d] && box.length[d] >= 0 &&
        box.length[d] <= shape[d] - box.start[d]) {
      continue;
    }
    return InvalidField("slices",
                        absl::StrCat("one starts at ", box.start[d], " with length ", box.length[d],
                                     " in dimension ", d, ", outside of ", ShapeToString(shape)));
  }
  if (Volume(box) > 0 || box == WholeBox(shape)) return absl::OkStatus();
  return InvalidField("slices", absl::StrCat(ToString(box), " has no elements"));
}

absl::Status CheckSlices(const PlannedTensor& tensor, const BundleDtype& dtype) {
  CAIRN_ASSIGN_OR_RETURN(int64_t rest, ElementCount(tensor.shape));
  if (tensor.slices.empty()) return InvalidField("slices", "are none");
  const Box* last = nullptr;
  for (const PlannedSlice& slice : tensor.slices) {
    CAIRN_RETURN_IF_ERROR(CheckBox(slice.box, tensor.shape));
    CAIRN_RETURN_IF_ERROR(CheckTensorSize(dtype, slice.box.length, slice.size_bytes));
    if (last != nullptr && *last >= slice.box) {
      return InvalidField("slices", absl::StrCat(ToString(slice.box), " comes after ",
                                                 ToString(*last), "; they must ascend"));
    }
    last = &slice.box;
    rest -= Volume(slice.box);
    if (rest < 0) return InvalidField("slices", "have more elements than the tensor; they overlap");
  }
  return absl::OkStatus();
}

// The raw bytes of a planned tensor's key, once the whole tensor is found to be one that can be
// written.
absl::StatusOr<std::string> CheckedRawKey(const PlannedTensor& tensor) {
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(tensor.key));
  const std::optional<int32_t> number = BundleDtypeNumber(tensor.dtype);
  if (!number.has_value()) {
    return InvalidField("dtype", absl::StrCat(tensor.dtype,
                                              " is no type of TensorFlow's; leave the "
                                              "tensor out or cast it"));
  }
  CAIRN_RETURN_IF_ERROR(CheckSlices(tensor, *BundleDtypeFromNumber(*number)));
  return BytesFromKeyText(tensor.key);
}

// As its saver gave them, as far as TensorFlow's files can: a dimension without a length is whole.
std::vector<ExtentSpec> ExtentsOfSlice(const PlannedTensor& tensor, const PlannedSlice& slice) {
  OpenDimensions whole = 0;
  for (int d = 0; d < slice.box.rank(); ++d) {
    if (slice.box.length[d] == tensor.shape[d]) whole |= OpenDimensions{1} << d;
  }
  return ExtentsOfBox(slice.box, slice.open_dimensions & whole);
}

std::string HeaderValue(int32_t num_shards) {
  formats::BundleHeader header;
  header.set_num_shards(num_shards);
  header.mutable_version()->set_producer(kProducer);
  return header.SerializeAsString();
}

formats::BundleEntry EntryFor(const PlannedTensor& tensor, absl::Span<const int64_t> shape) {
  formats::BundleEntry entry;
  entry.set_dtype(*BundleDtypeNumber(tensor.dtype));
  // Scalars have a shape, too: TensorFlow tells "no dimensions" from "no shape".
  formats::TensorShape* const entry_shape = entry.mutable_shape();
  for (const int64_t size : shape) entry_shape->add_dim()->set_size(size);
  return entry;
}

// The entry of a tensor in slices: it has no data of its own.
std::string UmbrellaValue(const PlannedTensor& tensor) {
  formats::BundleEntry entry = EntryFor(tensor, tensor.shape);
  for (const PlannedSlice& slice : tensor.slices) {
    formats::TensorSlice* const entry_slice = entry.add_slices();
    for (const ExtentSpec& spec : ExtentsOfSlice(tensor, slice)) {
      formats::TensorSlice::Extent* const extent = entry_slice->add_extent();
      extent->set_start(spec.start);
      if (spec.length.has_value()) extent->set_length(*spec.length);
    }
  }
  return entry.SerializeAsString();
}

size_t CountSlices(const std::vector<PlannedTensor>& tensors) {
  size_t count = 0;
  for (const PlannedTensor& tensor : tensors) count += tensor.slices.size();
  return count;
}

}  // namespace

PlannedTensor PlannedWhole(absl::string_view key, absl::string_view dtype,
                           std::vector<int64_t> shape, int64_t size_bytes) {
  Box box = WholeBox(shape);
  return {std::string(key), std::string(dtype), std::move(shape), {{std::move(box), size_bytes}}};
}

BundleWriter::BundleWriter(FileSystem* file_system, const std::string& prefix,
                           std::vector<PlannedTensor> tensors, const Options& options)
    : file_system_(file_system),
      prefix_(prefix),
      tag_(Random::System()->NextUid().ToHex()),
      options_(options),
      tensors_(std::move(tensors)),
      slots_(CountSlices(tensors_)) {}

BundleWriter::~BundleWriter() {
  // Before the data files: an index never stands without them. What cannot be removed stays.
  if (!unfinished_index_.empty()) file_system_->Remove(unfinished_index_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<BundleWriter>> BundleWriter::Create(
    FileSystem* file_system, const std::string& prefix, std::vector<PlannedTensor> tensors,
    const Options& options) {
  CAIRN_RETURN_IF_ERROR(CheckOptions(options));
  auto writer =
      absl::WrapUnique(new BundleWriter(file_system, prefix, std::move(tensors), options));
  CAIRN_RETURN_IF_ERROR(writer->Plan());
  CAIRN_RETURN_IF_ERROR(file_system->CreateFolders(FolderOf(prefix)));
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> existing, writer->ExistingFiles());
  if (!existing.empty() && !options.force) return AlreadyThere(existing.front());
  // That files can be made there is found out now.
  CAIRN_RETURN_IF_ERROR(writer->data_->Write(0, 0, ""));
  return writer;
}

absl::Status BundleWriter::Plan() {
  CAIRN_RETURN_IF_ERROR(PlanKeys());
  return PlanData();
}

absl::Status BundleWriter::PlanKeys() {
  first_slot_.reserve(tensors_.size());
  size_t slots = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const PlannedTensor& tensor = tensors_[i];
    CAIRN_ASSIGN_OR_RETURN(std::string raw_key, CheckedRawKey(tensor),
                           absl::StrCat("planning tensor ", tensor.key));
    first_slot_.push_back(slots);
    slots += tensor.slices.size();
    if (!IsWhole(tensor)) {
      for (size_t slice = 0; slice < tensor.slices.size(); ++slice) {
        index_keys_.push_back(
            {EncodeSliceKey(raw_key, ExtentsOfSlice(tensor, tensor.slices[slice])), i, slice});
      }
    }
    index_keys_.push_back({std::move(raw_key), i, std::nullopt});
  }
  std::sort(index_keys_.begin(), index_keys_.end(),
            [](const IndexKey& a, const IndexKey& b) { return a.raw < b.raw; });
  const auto same =
      std::adjacent_find(index_keys_.begin(), index_keys_.end(),
                         [](const IndexKey& a, const IndexKey& b) { return a.raw == b.raw; });
  if (same == index_keys_.end()) return absl::OkStatus();
  // A tensor may be called what another one's slice is.
  return InvalidField("key", KeyOf(same[0]) == KeyOf(same[1])
                                 ? absl::StrCat("tensor ", KeyOf(*same), " is planned twice")
                                 : absl::StrCat("tensors ", KeyOf(same[0]), " and ", KeyOf(same[1]),
                                                " need the same key of the index; leave one out"));
}

absl::Status BundleWriter::PlanData() {
  std::vector<Slot*> in_order;
  std::vector<int64_t> sizes;
  in_order.reserve(slots_.size());
  sizes.reserve(slots_.size());
  for (const IndexKey& key : index_keys_) {
    if (key.slice.has_value()) continue;
    for (size_t slice = 0; slice < tensors_[key.tensor].slices.size(); ++slice) {
      in_order.push_back(&SlotOf({key.tensor, slice}));
      sizes.push_back(tensors_[key.tensor].slices[slice].size_bytes);
      if (__builtin_add_overflow(size_bytes_, sizes.back(), &size_bytes_)) {
        return InvalidField("size", "the tensors together pass 2^63 bytes");
      }
    }
  }
  const std::vector<size_t> begins = options_.max_shard_bytes.has_value()
                                         ? SplitByLimit(sizes, *options_.max_shard_bytes)
                                         : SplitEvenly(sizes, options_.shards);
  for (size_t shard = 0; shard < begins.size(); ++shard) {
    const size_t end = shard + 1 < begins.size() ? begins[shard + 1] : in_order.size();
    int64_t offset = 0;
    for (size_t i = begins[shard]; i < end; ++i) {
      in_order[i]->shard = static_cast<int32_t>(shard);
      in_order[i]->offset = offset;
      offset += sizes[i];
    }
  }
  data_ =
      std::make_unique<DataFiles>(file_system_, prefix_, static_cast<int32_t>(begins.size()), tag_);
  return absl::OkStatus();
}

BundleWriter::Slot& BundleWriter::SlotOf(SliceNumber number) {
  CAIRN_CHECK(number.tensor < tensors_.size() &&
              number.slice < tensors_[number.tensor].slices.size());
  return slots_[first_slot_[number.tensor] + number.slice];
}

std::string BundleWriter::NameOf(SliceNumber number) const {
  const PlannedTensor& tensor = tensors_[number.tensor];
  if (IsWhole(tensor)) return absl::StrCat("tensor ", tensor.key);
  return absl::StrCat("slice ", ToString(tensor.slices[number.slice].box), " of tensor ",
                      tensor.key);
}

absl::Status BundleWriter::WriteAt(SliceNumber number, int64_t offset, absl::string_view bytes) {
  Slot& slot = SlotOf(number);
  const int64_t size = tensors_[number.tensor].slices[number.slice].size_bytes;
  if (offset < 0 || offset > size || bytes.size() > static_cast<uint64_t>(size - offset)) {
    return absl::OutOfRangeError(absl::StrCat(NameOf(number), " was planned with ", size,
                                              " bytes: no room for ", bytes.size(), " at ",
                                              offset));
  }
  CAIRN_RETURN_IF_ERROR(data_->Write(slot.shard, slot.offset + offset, bytes));
  slot.written_bytes += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

void BundleWriter::SetCrc32c(SliceNumber number, uint32_t crc32c) {
  Slot& slot = SlotOf(number);
  slot.crc32c = crc32c;
  slot.has_crc32c = true;
}

absl::Status BundleWriter::Finish() {
  CAIRN_RETURN_IF_ERROR(CheckComplete());
  CAIRN_RETURN_IF_ERROR(data_->Finish());
  CAIRN_RETURN_IF_ERROR(WriteIndex());
  CAIRN_RETURN_IF_ERROR(Publish());
  unfinished_index_.clear();
  data_->Keep();
  return absl::OkStatus();
}

absl::Status BundleWriter::CheckComplete() {
  const auto incomplete = [this](SliceNumber number, absl::string_view what) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot finish the checkpoint: ", NameOf(number), " ", what));
  };
  for (size_t i = 0; i < tensors_.size(); ++i) {
    for (size_t j = 0; j < tensors_[i].slices.size(); ++j) {
      const int64_t size = tensors_[i].slices[j].size_bytes;
      const Slot& slot = SlotOf({i, j});
      if (size == 0) continue;
      if (slot.written_bytes < size) {
        return incomplete({i, j},
                          absl::StrCat("has ", slot.written_bytes.load(), " of ", size, " bytes"));
      }
      if (!slot.has_crc32c) return incomplete({i, j}, "has no checksum");
    }
  }
  return absl::OkStatus();
}

std::string BundleWriter::EntryOf(const IndexKey& key) {
  const PlannedTensor& tensor = tensors_[key.tensor];
  if (!key.slice.has_value() && !IsWhole(tensor)) return UmbrellaValue(tensor);
  const SliceNumber number = {key.tensor, key.slice.value_or(0)};
  const PlannedSlice& slice = tensor.slices[number.slice];
  const Slot& slot = SlotOf(number);
  formats::BundleEntry entry = EntryFor(tensor, slice.box.length);
  entry.set_shard_id(slot.shard);
  entry.set_offset(slot.offset);
  entry.set_size(slice.size_bytes);
  entry.set_crc32c(MaskCrc32c(slot.crc32c));
  return entry.SerializeAsString();
}

absl::Status BundleWriter::WriteIndex() {
  const std::string path = TemporaryPath(IndexPath(prefix_), tag_);
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomWriteFile> file,
                         file_system_->CreateForWrite(path));
  IndexTableWriter table(file.get());
  table.Add("", HeaderValue(num_shards()));
  for (const IndexKey& key : index_keys_) table.Add(key.raw, EntryOf(key));
  CAIRN_RETURN_IF_ERROR(table.Finish());
  CAIRN_RETURN_IF_ERROR(file->Finish());
  unfinished_index_ = path;
  return absl::OkStatus();
}

absl::Status BundleWriter::Publish() {
  const std::string folder = FolderOf(prefix_);
  const std::string index = IndexPath(prefix_);
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> replaced, ExistingFiles());
  if (!replaced.empty() && !options_.force) return AlreadyThere(replaced.front());
  if (file_system_->Exists(index)) {
    CAIRN_RETURN_IF_ERROR(file_system_->Remove(index));
    CAIRN_RETURN_IF_ERROR(file_system_->SyncFolder(folder));
  }
  CAIRN_RETURN_IF_ERROR(data_->Publish());
  CAIRN_RETURN_IF_ERROR(file_system_->SyncFolder(folder));
  CAIRN_RETURN_IF_ERROR(file_system_->Rename(unfinished_index_, index));
  unfinished_index_ = index;
  std::set<std::string> written = {index};
  for (int32_t shard = 0; shard < num_shards(); ++shard) written.insert(data_->Path(shard));
  for (const std::string& path : replaced) {
    if (!written.contains(path)) CAIRN_RETURN_IF_ERROR(file_system_->Remove(path));
  }
  return file_system_->SyncFolder(folder);
}

absl::StatusOr<std::vector<std::string>> BundleWriter::ExistingFiles() const {
  const std::string folder = FolderOf(prefix_);
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(folder));
  // What the prefix says before the names: "", "/", "runs/".
  const std::string before = prefix_.substr(0, prefix_.rfind('/') + 1);
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(before, name);
    if (path == IndexPath(prefix_) || PrefixOfShardPath(path) == absl::string_view(prefix_)) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

}  // namespace cairn
