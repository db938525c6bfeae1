#include "storage/engine/faulty/faulty_engine.h"

#include <utility>

#include "base/error.h"

namespace cairn::storage {
namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

absl::Status AnswerLost() {
  return MakeError(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN, absl::StatusCode::kAborted,
                   "the answer was lost, as the fault plan has it");
}

// What `call` answers, or what the plan has in its place.
template <typename Call>
auto WithFault(FaultPlan* plan, Operation operation, Call call) -> decltype(call()) {
  const std::optional<Fault> fault = plan->Next(operation);
  if (!fault.has_value()) return call();
  switch (*fault) {
    case Fault::kFail:
      return absl::UnavailableError("the disk failed, as the fault plan has it");
    case Fault::kFull:
      return MakeError(ErrorReason::ERROR_REASON_STORAGE_FULL, absl::StatusCode::kResourceExhausted,
                       "the disk is full, as the fault plan has it");
    case Fault::kUnknownApplied:
      if (auto result = call(); !StatusOf(result).ok()) return result;
      return AnswerLost();
    case Fault::kUnknownDropped:
      break;
  }
  return AnswerLost();
}

}  // namespace

class FaultySegmentWriter : public SegmentWriter {
 public:
  FaultySegmentWriter(std::unique_ptr<SegmentWriter> inner, FaultPlan* plan)
      : inner_(std::move(inner)), plan_(plan) {}
  int64_t stored_bytes() const override { return inner_->stored_bytes(); }

 protected:
  absl::Status DoAppend(uint32_t number, absl::string_view stored) override {
    if (number == 0) return inner_->DoAppend(number, stored);  // the header: part of kNewWriter
    return WithFault(plan_, Operation::kAppend, [&] { return inner_->DoAppend(number, stored); });
  }
  absl::Status DoFinish() override {
    return WithFault(plan_, Operation::kFinish, [&] { return inner_->DoFinish(); });
  }

 private:
  const std::unique_ptr<SegmentWriter> inner_;
  FaultPlan* const plan_;
};

void FaultPlan::FailNth(Operation operation, int64_t nth, Fault fault) {
  CAIRN_CHECK(nth >= 1);
  MutexLock lock(&mutex_);
  Course& course = courses_[operation];
  course.at[course.count + nth] = fault;
}

void FaultPlan::FailAll(Operation operation, Fault fault) {
  MutexLock lock(&mutex_);
  courses_[operation].all = fault;
}

void FaultPlan::Clear() {
  MutexLock lock(&mutex_);
  for (auto& [operation, course] : courses_) {
    course.at.clear();
    course.all.reset();
  }
}

void FaultPlan::SetHook(std::function<void(Operation)> hook) {
  MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

int64_t FaultPlan::count(Operation operation) const {
  MutexLock lock(&mutex_);
  const auto course = courses_.find(operation);
  return course == courses_.end() ? 0 : course->second.count;
}

std::optional<Fault> FaultPlan::Next(Operation operation) {
  std::function<void(Operation)> hook;
  std::optional<Fault> fault;
  {
    MutexLock lock(&mutex_);
    hook = hook_;
    Course& course = courses_[operation];
    const auto at = course.at.find(++course.count);
    fault = at == course.at.end() ? course.all : at->second;
  }
  if (hook) hook(operation);
  return fault;
}

absl::StatusOr<std::optional<std::string>> FaultyTable::DoGet(const Partition& partition,
                                                              absl::string_view key) {
  return WithFault(plan_, Operation::kGet, [&] { return inner_->DoGet(partition, key); });
}

absl::StatusOr<std::vector<Row>> FaultyTable::DoScan(const Partition& partition,
                                                     absl::string_view begin, int max_rows) {
  return WithFault(plan_, Operation::kScan,
                   [&] { return inner_->DoScan(partition, begin, max_rows); });
}

absl::StatusOr<WriteResult> FaultyTable::DoWrite(const Batch& batch) {
  return WithFault(plan_, Operation::kWrite, [&] { return inner_->DoWrite(batch); });
}

absl::StatusOr<std::vector<Partition>> FaultyTable::ListPartitions(Partition::Table table,
                                                                   absl::string_view after,
                                                                   int max_partitions) {
  return WithFault(plan_, Operation::kList,
                   [&] { return inner_->ListPartitions(table, after, max_partitions); });
}

absl::Status FaultySegmentStore::Remove(absl::Span<const Uid> uids) {
  return WithFault(plan_, Operation::kRemove, [&] { return inner_->Remove(uids); });
}

absl::Status FaultySegmentStore::Retain(const Uid& uid, absl::Span<const uint32_t> live) {
  return WithFault(plan_, Operation::kRetain, [&] { return inner_->Retain(uid, live); });
}

absl::Status FaultySegmentStore::Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) {
  return WithFault(plan_, Operation::kWalk, [&] { return inner_->Walk(visit); });
}

absl::StatusOr<std::unique_ptr<SegmentWriter>> FaultySegmentStore::DoNewWriter(const Uid& uid) {
  using Result = absl::StatusOr<std::unique_ptr<SegmentWriter>>;
  return WithFault(plan_, Operation::kNewWriter, [&]() -> Result {
    CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<SegmentWriter> inner, inner_->DoNewWriter(uid));
    return std::make_unique<FaultySegmentWriter>(std::move(inner), plan_);
  });
}

absl::StatusOr<PinnedBytes> FaultySegmentStore::DoRead(const Uid& uid, uint32_t chunk,
                                                       bool verify) {
  return WithFault(plan_, Operation::kRead, [&] { return inner_->DoRead(uid, chunk, verify); });
}

}  // namespace cairn::storage
