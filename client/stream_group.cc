#include "client/stream_group.h"

#include <thread>
#include <utility>
#include <vector>

namespace cairn {

StreamGroup::Cancellation::Cancellation(StreamGroup* group, std::function<void()> cancel)
    : group_(group) {
  MutexLock lock(&group_->mutex_);
  if (!group_->status_.ok()) {
    cancel();
  } else {
    group_->cancellations_.emplace(this, std::move(cancel));
  }
}

StreamGroup::Cancellation::~Cancellation() {
  MutexLock lock(&group_->mutex_);
  group_->cancellations_.erase(this);
}

absl::Status StreamGroup::Run(int count, absl::FunctionRef<absl::Status(int index)> work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([this, i, work] {
      if (const absl::Status status = work(i); !status.ok()) Fail(status);
    });
  }
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(&mutex_);
  return status_;
}

void StreamGroup::Fail(const absl::Status& error) {
  MutexLock lock(&mutex_);
  if (!status_.ok()) return;  // what the others report now is our cancelling them
  status_ = error;
  for (const auto& [owner, cancel] : cancellations_) cancel();
  cancellations_.clear();
}

bool StreamGroup::failed() const {
  MutexLock lock(&mutex_);
  return !status_.ok();
}

}  // namespace cairn
