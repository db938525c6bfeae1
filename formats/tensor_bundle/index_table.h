// The container of a bundle's index: an immutable sorted table as LevelDB writes it, its blocks
// plain or compressed with snappy.
//
// Read here and not by leveldb::Table, which trusts the sizes inside a table: a forged one makes it
// allocate or read past a buffer, and checksums do not help against a forger.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn {

// Calls `visit` for every entry in ascending byte order of keys, no key twice, each block's
// checksum verified before its entries are seen. Ends at the first error of `visit` and returns it.
// Memory: two blocks, of at most kMaxBlockBytes (table_block.h). Errors: kDataLoss with
// ERROR_REASON_BAD_FILE (not a table, or damaged).
absl::Status ReadIndexTable(
    const RandomReadFile& file,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit);

// Whether `file` ends as a table does.
bool LooksLikeIndexTable(const RandomReadFile& file);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_H_
