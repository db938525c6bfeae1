// Keeps ingestions and the rewriting of segments apart. Ingestions share, a rewrite excludes:
// RocksDB 7.8.3 is not trusted to place a file while a compaction of the same column family
// installs another.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_INGESTION_GATE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_INGESTION_GATE_H_

#include "base/mutex.h"

namespace cairn::storage {

// Thread-safe. Who ingests never waits for a rewrite that has not begun: savers come first.
class IngestionGate {
 public:
  // Held while a file is ingested.
  class Ingestion {
   public:
    explicit Ingestion(IngestionGate* gate) : gate_(gate) {
      MutexLock lock(&gate_->mutex_);
      while (gate_->rewriting_) gate_->changed_.Wait(&gate_->mutex_);
      ++gate_->ingestions_;
    }
    ~Ingestion() {
      MutexLock lock(&gate_->mutex_);
      --gate_->ingestions_;
      gate_->changed_.NotifyAll();
    }
    Ingestion(const Ingestion&) = delete;
    Ingestion& operator=(const Ingestion&) = delete;

   private:
    IngestionGate* const gate_;
  };

  // Held while a segment is rewritten; one at a time.
  class Rewrite {
   public:
    explicit Rewrite(IngestionGate* gate) : gate_(gate) {
      MutexLock lock(&gate_->mutex_);
      while (gate_->rewriting_ || gate_->ingestions_ > 0) gate_->changed_.Wait(&gate_->mutex_);
      gate_->rewriting_ = true;
    }
    ~Rewrite() {
      MutexLock lock(&gate_->mutex_);
      gate_->rewriting_ = false;
      gate_->changed_.NotifyAll();
    }
    Rewrite(const Rewrite&) = delete;
    Rewrite& operator=(const Rewrite&) = delete;

   private:
    IngestionGate* const gate_;
  };

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  int ingestions_ CAIRN_GUARDED_BY(mutex_) = 0;
  bool rewriting_ CAIRN_GUARDED_BY(mutex_) = false;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_INGESTION_GATE_H_
