// Several streams of one save or restore, each on a thread of its own.
#ifndef CAIRN_CLIENT_STREAM_GROUP_H_
#define CAIRN_CLIENT_STREAM_GROUP_H_

#include <functional>
#include <map>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/mutex.h"

namespace cairn {

// Ends together: the first error cancels the others. Thread-safe.
class StreamGroup {
 public:
  // While it lives, `cancel` is called (once, from any thread) when the group fails; at once if it
  // has.
  class Cancellation {
   public:
    Cancellation(StreamGroup* group, std::function<void()> cancel);
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

   private:
    StreamGroup* const group_;
  };

  // Runs work(0) ... work(count - 1), each on its own thread, and returns the first error in time.
  // Once.
  absl::Status Run(int count, absl::FunctionRef<absl::Status(int index)> work);

  // Ends the group with `error`.
  void Fail(const absl::Status& error);
  bool failed() const;

 private:
  mutable Mutex mutex_;
  absl::Status status_ CAIRN_GUARDED_BY(mutex_);
  std::map<const Cancellation*, std::function<void()>> cancellations_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_STREAM_GROUP_H_
