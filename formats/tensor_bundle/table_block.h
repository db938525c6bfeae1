// The parts of a table as LevelDB writes it, for index_table.h and for readers of tables whose
// values are larger than memory.
//
//   data blocks, each with its trailer | metaindex block | index block | footer of 48 bytes
//
// Nothing inside a table is trusted: a place is compared with the size of the file before anything
// is allocated or read.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_TABLE_BLOCK_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_TABLE_BLOCK_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn {

// After each block: how it is compressed, and a masked crc32c of the stored block and this byte.
inline constexpr int64_t kBlockTrailerBytes = 5;
inline constexpr char kPlainBlock = 0;
inline constexpr char kSnappyBlock = 1;
// After the entries of a block: offsets of entries that share nothing, and their number; 4 bytes
// each.
inline constexpr size_t kRestartBytes = 4;

// Largest block that is held in memory, as stored and unpacked. Writers cut blocks at 256 KiB or
// after a larger entry.
inline constexpr int64_t kMaxBlockBytes = int64_t{64} << 20;

// Where a block is; `size` without the trailer.
struct BlockHandle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// What stands before an entry's bytes: how many bytes of its key are those of the key before, how
// many follow, and how many its value has.
struct EntryHeader {
  uint64_t shared = 0;
  uint64_t added = 0;
  uint64_t value_bytes = 0;
};
inline constexpr size_t kMaxEntryHeaderBytes = 30;

// kDataLoss with ERROR_REASON_BAD_FILE.
absl::Status DamagedTable(absl::string_view what);

// False if there is none; `bytes` is then anywhere.
bool ConsumeEntryHeader(absl::string_view* bytes, EntryHeader* header);

// Where the index block is. Errors (of this and what follows): DamagedTable, those of
// RandomReadFile.
absl::StatusOr<BlockHandle> ReadTableFooter(const RandomReadFile& file);

// The bytes of a block, unpacked, its checksum verified. Blocks over kMaxBlockBytes are
// refused.
absl::StatusOr<std::string> ReadBlock(const RandomReadFile& file, const BlockHandle& handle);

// Calls `visit` for each data block, in the order of the file, no byte of it in two blocks: so that
// the work is bounded by the size of the file.
absl::Status VisitDataBlocks(const RandomReadFile& file,
                             absl::FunctionRef<absl::Status(const BlockHandle& handle)> visit);

// Calls `visit` for every entry of a block, whatever the order of their keys.
absl::Status VisitBlock(
    absl::string_view block,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit);

// Where the entries of a block of `block_bytes` end, by the last bytes of the block.
absl::StatusOr<uint64_t> BlockEntriesEnd(uint64_t block_bytes, absl::string_view last_bytes);

// The masked checksum of `trailer` against that of a block, `crc32c`, and its type.
absl::Status CheckBlockTrailer(const BlockHandle& handle, uint32_t crc32c,
                               absl::string_view trailer);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_TABLE_BLOCK_H_
