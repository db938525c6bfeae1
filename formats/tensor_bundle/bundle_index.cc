#include "formats/tensor_bundle/bundle_index.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/tiling.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/index_table.h"
#include "formats/tensor_bundle/slice_key.h"
#include "formats/tensor_bundle/slice_proto.h"
#include "formats/tensor_bundle/tensor_size.h"

namespace cairn {
namespace {

// What the descriptions of all tensors may take: half a million of them whatever the file, and more
// where its size vouches for them. A forged index names any number in a few bytes.
constexpr int64_t kMemoryBytes = int64_t{256} << 20;
constexpr int64_t kMemoryPerFileByte = 32;
constexpr int64_t kMaxMemoryBytes = int64_t{2} << 30;
// Of one entry; parsed it takes up to thirty times as much. A tensor in some 200,000 slices.
constexpr size_t kMaxEntryBytes = size_t{8} << 20;
// Of a key in the index: a slice's key holds a name with each byte escaped, and two numbers a
// dimension.
constexpr size_t kMaxRawKeyBytes = 2 * kMaxKeyBytes + 8 + 20 * kMaxRank;
// Of a string or vector with its own memory.
constexpr int64_t kAllocationBytes = 32;

absl::Status BadEntry(absl::string_view raw_key, absl::string_view what) {
  const std::string key = KeyTextFromBytes(raw_key);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged index: tensor ", key, ": ", what), {{"key", key}});
}

absl::Status Refused(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot read this checkpoint: ", what));
}

absl::Status CheckRank(int rank, absl::string_view raw_key) {
  if (rank <= kMaxRank) return absl::OkStatus();
  return Refused(absl::StrCat("tensor ", KeyTextFromBytes(raw_key), " has ", rank,
                              " dimensions; Cairn takes ", kMaxRank));
}

// Takes the entries of an index in order.
class IndexBuilder {
 public:
  IndexBuilder(BundleIndex* index, int64_t file_bytes)
      : index_(*index),
        max_memory_bytes_(std::clamp(file_bytes, kMemoryBytes / kMemoryPerFileByte,
                                     kMaxMemoryBytes / kMemoryPerFileByte) *
                          kMemoryPerFileByte) {}

  absl::Status Add(absl::string_view raw_key, absl::string_view value) {
    if (value.size() > kMaxEntryBytes) {
      return Refused(absl::StrCat("an entry of its index has ", value.size(),
                                  " bytes; Cairn takes ", kMaxEntryBytes));
    }
    if (index_.num_shards == 0) {
      return raw_key.empty() ? AddHeader(value) : Refused("its index has no header");
    }
    return AddEntry(raw_key, value);
  }

  // Gives the partitioned tensors their slices. Call once, after the last entry.
  absl::Status Finish() {
    if (index_.num_shards == 0) return Refused("its index is empty");
    for (const Umbrella& umbrella : umbrellas_) CAIRN_RETURN_IF_ERROR(GatherSlices(umbrella));
    std::vector<BundleTensor>& tensors = index_.tensors;
    tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                                 [](const BundleTensor& tensor) { return tensor.slices.empty(); }),
                  tensors.end());
    for (const BundleTensor& tensor : tensors) {
      if (tensor.key.size() <= kMaxKeyBytes) continue;
      return Refused(absl::StrCat("a key has ", tensor.key.size(), " bytes as text; Cairn takes ",
                                  kMaxKeyBytes));
    }
    return absl::OkStatus();
  }

 private:
  // A partitioned tensor, whose slices are known when all entries are.
  struct Umbrella {
    size_t tensor;  // index
    std::string raw_key;
    std::string value;
  };

  absl::Status AddHeader(absl::string_view value) {
    formats::BundleHeader header;
    if (!header.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return Refused("its header is not a bundle's; it may be a V1 checkpoint");
    }
    CAIRN_RETURN_IF_ERROR(CheckFormatVersion(header.version()));
    if (header.num_shards() < 1) {
      return Refused(absl::StrCat("its header counts ", header.num_shards(), " data files"));
    }
    switch (header.endianness()) {
      case formats::BundleHeader::LITTLE:
        index_.byte_order = ByteOrder::kLittle;
        break;
      case formats::BundleHeader::BIG:
        index_.byte_order = ByteOrder::kBig;
        break;
      default:
        return Refused(absl::StrCat("its header has the byte order ", header.endianness()));
    }
    index_.num_shards = header.num_shards();
    return absl::OkStatus();
  }

  absl::Status AddEntry(absl::string_view raw_key, absl::string_view value) {
    if (raw_key.size() > kMaxRawKeyBytes) {
      return Refused(
          absl::StrCat("a key has ", raw_key.size(), " bytes; Cairn takes ", kMaxKeyBytes));
    }
    if (!entry_.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return BadEntry(raw_key, "its entry does not parse");
    }
    const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(entry_.dtype());
    if (!dtype.has_value()) {
      return BadEntry(raw_key, absl::StrCat("it has the dtype ", entry_.dtype()));
    }
    if (entry_.shape().unknown_rank()) return BadEntry(raw_key, "its rank is unknown");
    CAIRN_RETURN_IF_ERROR(CheckRank(entry_.shape().dim_size(), raw_key));
    CAIRN_RETURN_IF_ERROR(CheckReversible(raw_key, *dtype));
    BundleTensor tensor{.key = KeyTextFromBytes(raw_key),
                        .dtype = dtype->name,
                        .shape = {},
                        .encoding = dtype->encoding,
                        .partial = false,
                        .slices = {}};
    tensor.shape.reserve(entry_.shape().dim_size());
    for (const auto& dim : entry_.shape().dim()) tensor.shape.push_back(dim.size());
    if (entry_.slices_size() > 0) return AddUmbrella(raw_key, value, std::move(tensor));
    CAIRN_RETURN_IF_ERROR(AddWhole(raw_key, *dtype, &tensor));
    // Every slice's key begins so, though not every key that does is a slice's.
    if (raw_key.front() == '\0') {
      CAIRN_RETURN_IF_ERROR(Count(static_cast<int64_t>(raw_key.size()) + 3 * kAllocationBytes));
      entry_of_key_.emplace(raw_key, index_.tensors.size());
    }
    return AddTensor(std::move(tensor));
  }

  // Of a big-endian file: whether we know which bytes make a number.
  absl::Status CheckReversible(absl::string_view raw_key, const BundleDtype& dtype) const {
    if (index_.byte_order == ByteOrder::kLittle || dtype.encoding == BundleEncoding::kPlain ||
        dtype.encoding == BundleEncoding::kString) {
      return absl::OkStatus();
    }
    return Refused(absl::StrCat("it is big-endian, and tensor ", KeyTextFromBytes(raw_key),
                                " is of dtype ", dtype.name,
                                ", whose bytes Cairn cannot turn around; save it again without "
                                "that tensor, or on a little-endian machine"));
  }

  // Gives `tensor` the slice that its entry is.
  absl::Status AddWhole(absl::string_view raw_key, const BundleDtype& dtype, BundleTensor* tensor) {
    if (entry_.shard_id() < 0 || entry_.shard_id() >= index_.num_shards) {
      return BadEntry(raw_key, absl::StrCat("it is in data file ", entry_.shard_id(), " of ",
                                            index_.num_shards));
    }
    if (entry_.offset() < 0 || entry_.size() < 0) {
      return BadEntry(raw_key,
                      absl::StrCat("it has ", entry_.size(), " bytes at ", entry_.offset()));
    }
    const absl::Status size = CheckTensorSize(dtype, tensor->shape, entry_.size());
    if (!size.ok()) return BadEntry(raw_key, size.message());
    tensor->slices.push_back({WholeBox(tensor->shape), entry_.shard_id(), entry_.offset(),
                              entry_.size(), UnmaskCrc32c(entry_.crc32c()),
                              /*open_dimensions=*/0});
    return absl::OkStatus();
  }

  absl::Status AddUmbrella(absl::string_view raw_key, absl::string_view value,
                           BundleTensor tensor) {
    // Its data file's number, which merging sets, means nothing.
    if (entry_.offset() != 0 || entry_.size() != 0 || entry_.crc32c() != 0) {
      return BadEntry(raw_key, "it has slices and bytes of its own");
    }
    const absl::StatusOr<int64_t> count = ElementCount(tensor.shape);
    if (!count.ok()) return BadEntry(raw_key, count.status().message());
    CAIRN_RETURN_IF_ERROR(Count(static_cast<int64_t>(raw_key.size() + value.size()) +
                                static_cast<int64_t>(sizeof(Umbrella)) + 2 * kAllocationBytes));
    umbrellas_.push_back({index_.tensors.size(), std::string(raw_key), std::string(value)});
    return AddTensor(std::move(tensor));
  }

  absl::Status AddTensor(BundleTensor tensor) {
    const auto rank_bytes = static_cast<int64_t>(tensor.shape.size() * sizeof(int64_t));
    // Twice the tensor itself: a vector that grows is there twice.
    CAIRN_RETURN_IF_ERROR(Count(2 * static_cast<int64_t>(sizeof(BundleTensor)) +
                                static_cast<int64_t>(tensor.key.size() + sizeof(BundleSlice)) +
                                3 * rank_bytes + 5 * kAllocationBytes));
    index_.tensors.push_back(std::move(tensor));
    return absl::OkStatus();
  }

  absl::Status Count(int64_t bytes) {
    memory_bytes_ += bytes;
    if (memory_bytes_ <= max_memory_bytes_) return absl::OkStatus();
    return Refused(absl::StrCat("its index names more than ", index_.tensors.size(),
                                " tensors and slices, more than Cairn reads at once"));
  }

  // Moves what stands under the keys of the umbrella's slices into it.
  absl::Status GatherSlices(const Umbrella& umbrella) {
    CAIRN_CHECK(entry_.ParseFromString(umbrella.value));
    BundleTensor& tensor = index_.tensors[umbrella.tensor];
    std::vector<Box> boxes;
    boxes.reserve(entry_.slices_size());
    for (const formats::TensorSlice& slice : entry_.slices()) {
      const std::vector<ExtentSpec> extents = ExtentsFromProto(slice);
      absl::StatusOr<Box> box = SliceBox(extents, tensor.shape);
      if (!box.ok()) {
        return BadEntry(umbrella.raw_key,
                        absl::StrCat("its slice ", boxes.size(), ": ", box.status().message()));
      }
      boxes.push_back(*std::move(box));
      CAIRN_RETURN_IF_ERROR(
          TakeSlice(umbrella, EncodeSliceKey(umbrella.raw_key, extents), boxes.back(), &tensor));
      tensor.slices.back().open_dimensions = OpenDimensionsOf(extents);
    }
    const TilingFaults faults = FindTilingFaults(tensor.shape, boxes);
    if (faults.overlap.has_value()) {
      return BadEntry(umbrella.raw_key,
                      absl::StrCat("its slices ", ToString(boxes[faults.overlap->first]), " and ",
                                   ToString(boxes[faults.overlap->second]), " overlap"));
    }
    tensor.partial = faults.hole.has_value();
    std::sort(tensor.slices.begin(), tensor.slices.end(),
              [](const BundleSlice& a, const BundleSlice& b) { return a.box < b.box; });
    return absl::OkStatus();
  }

  absl::Status TakeSlice(const Umbrella& umbrella, const std::string& raw_key, const Box& box,
                         BundleTensor* tensor) {
    const auto bad = [&](absl::string_view what) {
      return BadEntry(umbrella.raw_key, absl::StrCat("its slice ", ToString(box), " ", what));
    };
    const auto found = entry_of_key_.find(raw_key);
    if (found == entry_of_key_.end()) return bad("has no entry of its own");
    BundleTensor& entry = index_.tensors[found->second];
    if (entry.slices.empty()) return bad("is there twice");
    if (entry.dtype != tensor->dtype) {
      return bad(absl::StrCat("is of dtype ", entry.dtype, ", the tensor of ", tensor->dtype));
    }
    if (entry.shape != box.length) {
      return bad(absl::StrCat("has an entry of the shape ", ShapeToString(entry.shape)));
    }
    tensor->slices.push_back(std::move(entry.slices.front()));
    entry.slices.clear();
    tensor->slices.back().box = box;
    return absl::OkStatus();
  }

  BundleIndex& index_;
  const int64_t max_memory_bytes_;
  formats::BundleEntry entry_;  // the present one; its memory is used again
  std::vector<Umbrella> umbrellas_;
  // Of the entries that may be slices', to where they are among the tensors. One that was taken by
  // an umbrella is left without its slice.
  absl::flat_hash_map<std::string, size_t> entry_of_key_;
  int64_t memory_bytes_ = 0;
};

}  // namespace

absl::StatusOr<BundleIndex> ReadBundleIndex(const RandomReadFile& file) {
  BundleIndex index;
  IndexBuilder builder(&index, file.size_bytes());
  CAIRN_RETURN_IF_ERROR(
      ReadIndexTable(file, [&builder](absl::string_view key, absl::string_view value) {
        return builder.Add(key, value);
      }));
  CAIRN_RETURN_IF_ERROR(builder.Finish());
  return index;
}

}  // namespace cairn
