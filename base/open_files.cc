#include "base/open_files.h"

#include "base/error.h"

namespace cairn {

absl::StatusOr<std::shared_ptr<RandomReadFile>> OpenFiles::Open(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const auto found = open_.find(path); found != open_.end()) return found->second;
  CAIRN_ASSIGN_OR_RETURN(std::shared_ptr<RandomReadFile> file, file_system_->OpenForRead(path));
  if (opened_order_.size() == kMaxOpen) {
    open_.erase(opened_order_.front());
    opened_order_.pop_front();
  }
  open_.emplace(path, file);
  opened_order_.push_back(path);
  return file;
}

}  // namespace cairn
