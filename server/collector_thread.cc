#include "server/collector_thread.h"

#include "base/logging.h"

namespace cairn::server {

CollectorThread::CollectorThread(storage::Store* store, absl::Duration period)
    : store_(store), period_(period), thread_([this] { Loop(); }) {}

CollectorThread::~CollectorThread() {
  {
    MutexLock lock(&mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void CollectorThread::Wake() {
  MutexLock lock(&mutex_);
  wake_ = true;
  changed_.NotifyAll();
}

void CollectorThread::Loop() {
  do {
    CollectOnce();
  } while (WaitForNextRun());
}

void CollectorThread::CollectOnce() {
  absl::StatusOr<storage::CollectResult> result = store_->Collect();
  if (!result.ok()) {
    CAIRN_LOG(kError) << "collection failed and is tried again: " << result.status().ToString();
  } else if (result->manifests > 0 || result->freed_bytes > 0 || result->sessions > 0) {
    CAIRN_LOG(kInfo) << "collected manifests=" << result->manifests
                     << " segments=" << result->segments
                     << " shrunk_segments=" << result->shrunk_segments
                     << " freed_bytes=" << result->freed_bytes << " sessions=" << result->sessions;
  }
}

bool CollectorThread::WaitForNextRun() {
  MutexLock lock(&mutex_);
  // A wait that ends early only makes a run come early.
  if (!stop_ && !wake_) changed_.WaitFor(&mutex_, period_);
  wake_ = false;
  return !stop_;
}

}  // namespace cairn::server
