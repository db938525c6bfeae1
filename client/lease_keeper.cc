#include "client/lease_keeper.h"

#include <utility>

namespace cairn {

LeaseKeeper::LeaseKeeper(absl::Duration interval, std::function<void()> renew)
    : interval_(interval), renew_(std::move(renew)), thread_([this] { Run(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    stop_.NotifyAll();
  }
  thread_.join();
}

void LeaseKeeper::Run() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      while (!stopped_ && stop_.WaitFor(&mutex_, interval_)) {
      }
      if (stopped_) return;
    }
    renew_();
  }
}

}  // namespace cairn
