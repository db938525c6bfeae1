#include "client/cli/attachment_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn::cli {
namespace {

absl::Status Damaged(absl::string_view name, absl::string_view found) {
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("attachment ", name, " ", found), {{"key", name}});
}

}  // namespace

void AttachmentWriter::Add(const std::string& name, const std::string& path, int64_t bytes) {
  MutexLock lock(&mutex_);
  File& file = files_[name];
  file.path = path;
  file.bytes = bytes;
}

absl::Status AttachmentWriter::Write(const ArrivedPart& part) {
  CAIRN_ASSIGN_OR_RETURN(std::shared_ptr<RandomWriteFile> file, Open(part));
  if (file == nullptr) return absl::OkStatus();
  int64_t offset = part.offset;
  for (absl::string_view bytes : part.bytes) {
    CAIRN_RETURN_IF_ERROR(file->Write(offset, bytes));
    offset += static_cast<int64_t>(bytes.size());
  }
  CAIRN_ASSIGN_OR_RETURN(file, Count(part));
  return file == nullptr ? absl::OkStatus() : file->Finish();
}

absl::StatusOr<std::shared_ptr<RandomWriteFile>> AttachmentWriter::Open(const ArrivedPart& part) {
  MutexLock lock(&mutex_);
  const auto found = files_.find(part.part.key());
  if (found == files_.end()) {
    return absl::InternalError("the server sent an attachment that was not selected");
  }
  File& file = found->second;
  if (part.offset < 0 || part.offset > file.bytes || part.length > file.bytes - part.offset) {
    return Damaged(found->first, absl::StrCat("came with bytes beyond its ", file.bytes));
  }
  if (part.length == 0) return std::shared_ptr<RandomWriteFile>();
  if (file.arrived == file.bytes) return Damaged(found->first, "came with some bytes twice");
  if (file.open == nullptr) {
    CAIRN_ASSIGN_OR_RETURN(file.open, file_system_->CreateForWrite(file.path));
  }
  return file.open;
}

absl::StatusOr<std::shared_ptr<RandomWriteFile>> AttachmentWriter::Count(const ArrivedPart& part) {
  MutexLock lock(&mutex_);
  File& file = files_.find(part.part.key())->second;
  file.arrived += part.length;
  file.pieces.emplace_back(part.offset, part.length);
  if (file.arrived < file.bytes) return std::shared_ptr<RandomWriteFile>();
  std::sort(file.pieces.begin(), file.pieces.end());
  int64_t end = 0;
  for (const auto& [offset, length] : file.pieces) {
    if (offset != end) return Damaged(part.part.key(), "came with some bytes twice");
    end += length;
  }
  file.pieces = {};
  return std::exchange(file.open, nullptr);
}

absl::Status AttachmentWriter::Finish() {
  MutexLock lock(&mutex_);
  for (auto& [name, file] : files_) {
    if (file.arrived != file.bytes) {
      return Damaged(name, absl::StrCat("came with ", file.arrived, " of ", file.bytes, " bytes"));
    }
    if (file.bytes > 0) continue;
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomWriteFile> empty,
                           file_system_->CreateForWrite(file.path));
    CAIRN_RETURN_IF_ERROR(empty->Finish());
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
