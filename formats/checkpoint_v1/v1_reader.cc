#include "formats/checkpoint_v1/v1_reader.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "formats/checkpoint_v1/v1_contents.h"

namespace cairn {
namespace {

// `status` with the file it is about.
absl::Status InFile(const std::string& path, absl::Status status) {
  if (status.ok()) return status;
  ErrorDetail detail = DetailOf(status);
  (*detail.mutable_metadata())["path"] = path;
  return WithContext(WithDetail(std::move(status), detail), path);
}

}  // namespace

V1Reader::V1Reader(FileSystem* file_system, std::vector<std::string> files)
    : tables_(file_system, std::move(files)) {}

absl::StatusOr<std::unique_ptr<V1Reader>> V1Reader::Open(FileSystem* file_system,
                                                         std::vector<std::string> files) {
  CAIRN_CHECK(!files.empty());
  auto reader = absl::WrapUnique(new V1Reader(file_system, std::move(files)));
  const ValueTables& tables = reader->tables_;
  V1Contents contents(&tables);
  for (int32_t table = 0; table < tables.count(); ++table) {
    contents.BeginTable();
    absl::Status read =
        tables.Visit(table, [&](absl::string_view raw_key, const TableValue& value) {
          return contents.Add(raw_key, value);
        });
    read.Update(contents.EndTable());
    CAIRN_RETURN_IF_ERROR(InFile(tables.path(table), std::move(read)));
  }
  absl::StatusOr<std::vector<V1Tensor>> tensors = contents.Finish();
  if (!tensors.ok()) return InFile(tables.path(0), tensors.status());
  reader->tensors_ = *std::move(tensors);
  return reader;
}

absl::Status V1Reader::ReadAt(const V1Slice& slice, int64_t offset, absl::Span<char> out) const {
  return slice.values.Read(tables_, offset, out);
}

}  // namespace cairn
