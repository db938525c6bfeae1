#include "formats/tensor_bundle/table_block.h"

#include <snappy.h>

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

bool ConsumeHandle(absl::string_view* bytes, BlockHandle* handle) {
  return ConsumeVarint(bytes, &handle->offset) && ConsumeVarint(bytes, &handle->size);
}

absl::StatusOr<std::string> ReadBytes(const RandomReadFile& file, int64_t offset, int64_t size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  CAIRN_RETURN_IF_ERROR(file.Read(offset, absl::MakeSpan(bytes)), "reading the table");
  return bytes;
}

// Whether a block and its trailer lie in the file.
absl::Status CheckHandle(const RandomReadFile& file, const BlockHandle& handle) {
  const auto blocks_end = static_cast<uint64_t>(file.size_bytes() - kFooterBytes);
  if (handle.offset > blocks_end || handle.size > blocks_end - handle.offset ||
      blocks_end - handle.offset - handle.size < static_cast<uint64_t>(kBlockTrailerBytes)) {
    return DamagedTable(absl::StrCat("a block of ", handle.size, " bytes at ", handle.offset,
                                     " passes the end of the file"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Unsnappy(absl::string_view packed) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return DamagedTable("a compressed block has no length");
  }
  if (size > static_cast<size_t>(kMaxBlockBytes)) {
    return DamagedTable(absl::StrCat("a compressed block unpacks to ", size, " bytes"));
  }
  std::string block(size, '\0');
  if (!snappy::RawUncompress(packed.data(), packed.size(), block.data())) {
    return DamagedTable("a compressed block does not unpack");
  }
  return block;
}

}  // namespace

absl::Status DamagedTable(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged table: ", what));
}

bool ConsumeEntryHeader(absl::string_view* bytes, EntryHeader* header) {
  return ConsumeVarint(bytes, &header->shared) && ConsumeVarint(bytes, &header->added) &&
         ConsumeVarint(bytes, &header->value_bytes);
}

absl::StatusOr<BlockHandle> ReadTableFooter(const RandomReadFile& file) {
  if (file.size_bytes() < kFooterBytes) {
    return DamagedTable(absl::StrCat("its ", file.size_bytes(), " bytes are too few for a table"));
  }
  CAIRN_ASSIGN_OR_RETURN(const std::string footer,
                         ReadBytes(file, file.size_bytes() - kFooterBytes, kFooterBytes));
  absl::string_view handles = footer;
  if (DecodeFixed(handles.substr(kFooterBytes - kMagicBytes)) != kMagic) {
    return DamagedTable("it is no table, or cut off: the last 8 bytes are not a table's");
  }
  BlockHandle metaindex, index;
  if (!ConsumeHandle(&handles, &metaindex) || !ConsumeHandle(&handles, &index)) {
    return DamagedTable("the footer names no blocks");
  }
  return index;
}

absl::Status CheckBlockTrailer(const BlockHandle& handle, uint32_t crc32c,
                               absl::string_view trailer) {
  const char compression = trailer.front();
  const uint64_t stored = DecodeFixed(trailer.substr(1));
  if (MaskCrc32c(ExtendCrc32c(crc32c, trailer.substr(0, 1))) != stored) {
    return DamagedTable(
        absl::StrCat("the checksum of the block at ", handle.offset, " does not match"));
  }
  if (compression == kPlainBlock || compression == kSnappyBlock) return absl::OkStatus();
  return DamagedTable(absl::StrCat("the block at ", handle.offset, " has the unknown compression ",
                                   static_cast<int>(compression)));
}

absl::StatusOr<std::string> ReadBlock(const RandomReadFile& file, const BlockHandle& handle) {
  CAIRN_RETURN_IF_ERROR(CheckHandle(file, handle));
  if (handle.size > static_cast<uint64_t>(kMaxBlockBytes)) {
    return DamagedTable(
        absl::StrCat("a block of ", handle.size, " bytes is larger than any writer's"));
  }
  CAIRN_ASSIGN_OR_RETURN(std::string stored,
                         ReadBytes(file, static_cast<int64_t>(handle.offset),
                                   static_cast<int64_t>(handle.size) + kBlockTrailerBytes));
  const absl::string_view block = absl::string_view(stored).substr(0, handle.size);
  CAIRN_RETURN_IF_ERROR(
      CheckBlockTrailer(handle, Crc32c(block), absl::string_view(stored).substr(handle.size)));
  const char compression = stored[handle.size];
  stored.resize(handle.size);
  if (compression == kSnappyBlock) return Unsnappy(stored);
  return stored;
}

absl::StatusOr<uint64_t> BlockEntriesEnd(uint64_t block_bytes, absl::string_view last_bytes) {
  if (block_bytes < kRestartBytes) return DamagedTable("a block is shorter than its own end");
  const uint64_t restarts = DecodeFixed(last_bytes.substr(last_bytes.size() - kRestartBytes));
  if (restarts > block_bytes / kRestartBytes - 1) {
    return DamagedTable("a block has more restarts than bytes");
  }
  return block_bytes - kRestartBytes * (restarts + 1);
}

absl::Status VisitBlock(
    absl::string_view block,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit) {
  CAIRN_ASSIGN_OR_RETURN(const uint64_t entries_end, BlockEntriesEnd(block.size(), block));
  absl::string_view rest = block.substr(0, entries_end);
  std::string key;
  while (!rest.empty()) {
    EntryHeader header;
    if (!ConsumeEntryHeader(&rest, &header) || header.shared > key.size() ||
        header.added > rest.size() || header.value_bytes > rest.size() - header.added) {
      return DamagedTable("an entry passes the end of its block");
    }
    key.resize(header.shared);
    absl::StrAppend(&key, rest.substr(0, header.added));
    CAIRN_RETURN_IF_ERROR(visit(key, rest.substr(header.added, header.value_bytes)));
    rest.remove_prefix(header.added + header.value_bytes);
  }
  return absl::OkStatus();
}

absl::Status VisitDataBlocks(const RandomReadFile& file,
                             absl::FunctionRef<absl::Status(const BlockHandle& handle)> visit) {
  CAIRN_ASSIGN_OR_RETURN(const BlockHandle index, ReadTableFooter(file));
  CAIRN_ASSIGN_OR_RETURN(const std::string index_block, ReadBlock(file, index));
  uint64_t blocks_end = 0;
  return VisitBlock(index_block, [&](absl::string_view, absl::string_view value) -> absl::Status {
    BlockHandle handle;
    if (!ConsumeHandle(&value, &handle)) return DamagedTable("it names a block without a place");
    if (handle.offset < blocks_end) return DamagedTable("its blocks are not in order");
    CAIRN_RETURN_IF_ERROR(CheckHandle(file, handle));
    blocks_end = handle.offset + handle.size;
    return visit(handle);
  });
}

}  // namespace cairn
