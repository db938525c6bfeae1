// An engine that fails when it is told to, before another one. For tests of what stands above.
#ifndef CAIRN_STORAGE_ENGINE_FAULTY_FAULTY_ENGINE_H_
#define CAIRN_STORAGE_ENGINE_FAULTY_FAULTY_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// What an engine is asked to do.
enum class Operation {
  kGet,
  kScan,
  kList,
  kWrite,
  kNewWriter,
  kAppend,
  kFinish,
  kRead,
  kRemove,
  kRetain,
  kWalk
};

enum class Fault {
  kFail,            // definitely not done: kUnavailable
  kFull,            // definitely not done: kResourceExhausted with reason STORAGE_FULL
  kUnknownApplied,  // done, and the answer lost: kAborted with reason OUTCOME_UNKNOWN
  kUnknownDropped,  // not done, and the same answer
};

// Decides which operations fail, and counts them. Thread-safe.
class FaultPlan {
 public:
  // The `nth` (from 1) operation of this kind from now on fails; once.
  void FailNth(Operation operation, int64_t nth, Fault fault);
  // Every operation of this kind fails until Clear().
  void FailAll(Operation operation, Fault fault);
  void Clear();

  // Called before each operation, without a lock, so that a test can hold one or act between two.
  void SetHook(std::function<void(Operation)> hook);

  // Operations of this kind so far, failed ones included.
  int64_t count(Operation operation) const;

  // For engines: counts the operation and gives its fault.
  std::optional<Fault> Next(Operation operation);

 private:
  struct Course {
    int64_t count = 0;
    std::map<int64_t, Fault> at;  // by count
    std::optional<Fault> all;
  };

  mutable Mutex mutex_;
  std::map<Operation, Course> courses_ CAIRN_GUARDED_BY(mutex_);
  std::function<void(Operation)> hook_ CAIRN_GUARDED_BY(mutex_);
};

// Thread-safe. `inner` and `plan` must outlive it.
class FaultyTable : public Table {
 public:
  FaultyTable(Table* inner, FaultPlan* plan) : inner_(inner), plan_(plan) {}

  absl::StatusOr<std::vector<Partition>> ListPartitions(Partition::Table table,
                                                        absl::string_view after,
                                                        int max_partitions) override;

 protected:
  absl::StatusOr<std::optional<std::string>> DoGet(const Partition& partition,
                                                   absl::string_view key) override;
  absl::StatusOr<std::vector<Row>> DoScan(const Partition& partition, absl::string_view begin,
                                          int max_rows) override;
  absl::StatusOr<WriteResult> DoWrite(const Batch& batch) override;

 private:
  Table* const inner_;
  FaultPlan* const plan_;
};

// Thread-safe. `inner` and `plan` must outlive it and its writers.
class FaultySegmentStore : public SegmentStore {
 public:
  FaultySegmentStore(SegmentStore* inner, FaultPlan* plan) : inner_(inner), plan_(plan) {}

  void Prefetch(absl::Span<const Extent> extents) override { inner_->Prefetch(extents); }
  absl::Status Remove(absl::Span<const Uid> uids) override;
  absl::Status Retain(const Uid& uid, absl::Span<const uint32_t> live) override;
  absl::StatusOr<int64_t> StoredBytes(const Uid& uid) override { return inner_->StoredBytes(uid); }
  absl::Status Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) override;

 protected:
  absl::StatusOr<std::unique_ptr<SegmentWriter>> DoNewWriter(const Uid& uid) override;
  absl::StatusOr<PinnedBytes> DoRead(const Uid& uid, uint32_t chunk, bool verify) override;

 private:
  SegmentStore* const inner_;
  FaultPlan* const plan_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_FAULTY_FAULTY_ENGINE_H_
