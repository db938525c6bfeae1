// Runs Store::Collect in the background.
#ifndef CAIRN_SERVER_COLLECTOR_THREAD_H_
#define CAIRN_SERVER_COLLECTOR_THREAD_H_

#include <thread>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "storage/store.h"

namespace cairn::server {

// Thread-safe. The destructor waits for the run that is going on.
class CollectorThread {
 public:
  // `store` is not owned and outlives this. The first run begins at once, for what an earlier life
  // left.
  CollectorThread(storage::Store* store, absl::Duration period);
  ~CollectorThread();

  // Something was deleted: the next run begins as soon as this one ends.
  void Wake();

 private:
  void Loop();
  void CollectOnce();
  // False: the end has come.
  bool WaitForNextRun();

  storage::Store* const store_;
  const absl::Duration period_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stop_ CAIRN_GUARDED_BY(mutex_) = false;
  bool wake_ CAIRN_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_COLLECTOR_THREAD_H_
