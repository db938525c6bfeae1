// Serializes the calls of this process that write a directory's head, so that they do not undo each
// other's work over and over. Correctness rests on the batches' conditions alone.
#ifndef CAIRN_STORAGE_DIRECTORY_LOCKS_H_
#define CAIRN_STORAGE_DIRECTORY_LOCKS_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace cairn::storage {

// Thread-safe. Two directories may share a lock: hold one at a time.
class DirectoryLocks {
 public:
  // Not absl::HashOf, which differs from process to process: which directories share a lock would
  // be chance, and a test that acts in one while it holds another would hang now and then.
  Mutex* Of(absl::string_view path) {
    return &mutexes_[std::hash<std::string>()(std::string(path)) % mutexes_.size()];
  }

 private:
  std::array<Mutex, 64> mutexes_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_DIRECTORY_LOCKS_H_
