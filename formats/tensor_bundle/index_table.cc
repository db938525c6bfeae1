#include "formats/tensor_bundle/index_table.h"

#include <snappy.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

constexpr int64_t kFooterBytes = 48;
constexpr size_t kMagicBytes = 8;
constexpr uint64_t kMagic = 0xdb4775248b80fb57;
// After each block: how it is compressed, and a masked crc32c of the stored block and this byte.
constexpr int64_t kTrailerBytes = 5;
constexpr char kPlain = 0;
constexpr char kSnappy = 1;

// Where a block is; `size` without the trailer.
struct BlockHandle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

absl::Status Damaged(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged index: ", what));
}

bool ConsumeHandle(absl::string_view* bytes, BlockHandle* handle) {
  return ConsumeVarint(bytes, &handle->offset) && ConsumeVarint(bytes, &handle->size);
}

absl::StatusOr<std::string> ReadBytes(const RandomReadFile& file, int64_t offset, int64_t size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  CAIRN_RETURN_IF_ERROR(file.Read(offset, absl::MakeSpan(bytes)), "reading the index");
  return bytes;
}

absl::StatusOr<std::string> Unsnappy(absl::string_view packed) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return Damaged("a compressed block has no length");
  }
  if (size > static_cast<size_t>(kMaxIndexBlockBytes)) {
    return Damaged(absl::StrCat("a compressed block unpacks to ", size, " bytes"));
  }
  std::string block(size, '\0');
  if (!snappy::RawUncompress(packed.data(), packed.size(), block.data())) {
    return Damaged("a compressed block does not unpack");
  }
  return block;
}

absl::StatusOr<std::string> ReadBlock(const RandomReadFile& file, const BlockHandle& handle) {
  const auto blocks_end = static_cast<uint64_t>(file.size_bytes() - kFooterBytes);
  if (handle.offset > blocks_end || handle.size > blocks_end - handle.offset ||
      blocks_end - handle.offset - handle.size < static_cast<uint64_t>(kTrailerBytes)) {
    return Damaged(absl::StrCat("a block of ", handle.size, " bytes at ", handle.offset,
                                " passes the end of the file"));
  }
  if (handle.size > static_cast<uint64_t>(kMaxIndexBlockBytes)) {
    return Damaged(absl::StrCat("a block of ", handle.size, " bytes is larger than any writer's"));
  }
  CAIRN_ASSIGN_OR_RETURN(std::string stored,
                         ReadBytes(file, static_cast<int64_t>(handle.offset),
                                   static_cast<int64_t>(handle.size) + kTrailerBytes));
  const absl::string_view summed = absl::string_view(stored).substr(0, handle.size + 1);
  const uint64_t sum = DecodeFixed(absl::string_view(stored).substr(summed.size()));
  if (MaskCrc32c(Crc32c(summed)) != sum) {
    return Damaged(absl::StrCat("the checksum of the block at ", handle.offset, " does not match"));
  }
  const char compression = summed.back();
  stored.resize(handle.size);
  if (compression == kPlain) return stored;
  if (compression == kSnappy) return Unsnappy(stored);
  return Damaged(absl::StrCat("the block at ", handle.offset, " has the unknown compression ",
                              static_cast<int>(compression)));
}

// Calls `visit` for every entry of `block`. An entry shares a prefix of its key with the one
// before; the block ends with the offsets of entries that share nothing, and their number.
absl::Status VisitBlock(
    absl::string_view block,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit) {
  if (block.size() < 4) return Damaged("a block is shorter than its own end");
  const uint64_t restarts = DecodeFixed(block.substr(block.size() - 4));
  if (restarts > block.size() / 4 - 1) return Damaged("a block has more restarts than bytes");
  absl::string_view rest = block.substr(0, block.size() - 4 * (restarts + 1));
  std::string key;
  while (!rest.empty()) {
    uint64_t shared = 0, added = 0, value_bytes = 0;
    if (!ConsumeVarint(&rest, &shared) || !ConsumeVarint(&rest, &added) ||
        !ConsumeVarint(&rest, &value_bytes) || shared > key.size() || added > rest.size() ||
        value_bytes > rest.size() - added) {
      return Damaged("an entry passes the end of its block");
    }
    key.resize(shared);
    absl::StrAppend(&key, rest.substr(0, added));
    CAIRN_RETURN_IF_ERROR(visit(key, rest.substr(added, value_bytes)));
    rest.remove_prefix(added + value_bytes);
  }
  return absl::OkStatus();
}

// The handle of the index block, which names the data blocks.
absl::StatusOr<BlockHandle> ReadFooter(const RandomReadFile& file) {
  if (file.size_bytes() < kFooterBytes) {
    return Damaged(absl::StrCat("its ", file.size_bytes(), " bytes are too few for a table"));
  }
  CAIRN_ASSIGN_OR_RETURN(const std::string footer,
                         ReadBytes(file, file.size_bytes() - kFooterBytes, kFooterBytes));
  absl::string_view handles = footer;
  if (DecodeFixed(handles.substr(kFooterBytes - kMagicBytes)) != kMagic) {
    return Damaged("it is no table, or cut off: the last 8 bytes are not a table's");
  }
  BlockHandle metaindex, index;
  if (!ConsumeHandle(&handles, &metaindex) || !ConsumeHandle(&handles, &index)) {
    return Damaged("the footer names no blocks");
  }
  return index;
}

}  // namespace

absl::Status ReadIndexTable(
    const RandomReadFile& file,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit) {
  CAIRN_ASSIGN_OR_RETURN(const BlockHandle index, ReadFooter(file));
  CAIRN_ASSIGN_OR_RETURN(const std::string index_block, ReadBlock(file, index));
  std::optional<std::string> last_key;
  const auto visit_in_order = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    if (last_key.has_value() && key <= *last_key) return Damaged("its keys are not in order");
    last_key = std::string(key);
    return visit(key, value);
  };
  uint64_t blocks_end = 0;
  return VisitBlock(index_block, [&](absl::string_view, absl::string_view value) -> absl::Status {
    BlockHandle handle;
    if (!ConsumeHandle(&value, &handle)) return Damaged("it names a block without a place");
    // Every block once, so that the work is bounded by the size of the file.
    if (handle.offset < blocks_end) return Damaged("its blocks are not in order");
    CAIRN_ASSIGN_OR_RETURN(const std::string block, ReadBlock(file, handle));
    blocks_end = handle.offset + handle.size;
    return VisitBlock(block, visit_in_order);
  });
}

bool LooksLikeIndexTable(const RandomReadFile& file) { return ReadFooter(file).ok(); }

}  // namespace cairn
