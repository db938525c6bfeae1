#include "storage/restore.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/mutex.h"
#include "storage/restore_plan.h"
#include "storage/selection.h"
#include "storage/slice_keys.h"
#include "storage/slice_reader.h"
#include "storage/stream_token.h"

namespace cairn::storage {
namespace {

absl::Status RestoreLost(absl::string_view restore) {
  return MakeError(
      ErrorReason::ERROR_REASON_RESTORE_LOST, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot go on with restore ", restore,
                   ": its lease ended, it was closed or the server was restarted; open a "
                   "new one of the same checkpoint"),
      {{"restore", restore}});
}

}  // namespace

// Shared with the readers, so that they can outlive their Restores.
struct Restores::Core : std::enable_shared_from_this<Core> {
  // One restore. It ends when it is closed or its time is over, and no reader is left.
  struct Lease {
    Uid manifest;
    std::shared_ptr<const Selection> selection;
    absl::Time expire_time;
    bool closed = false;
    int readers = 0;
  };

  Core(Table* table, SegmentStore* segments, Clock* clock, Random* random)
      : table(table), segments(segments), clock(clock), random(random) {}

  // Takes a new lease that counts as one with a reader; the result's destruction ends that.
  absl::StatusOr<std::shared_ptr<const Uid>> Add(const Uid& manifest,
                                                 std::shared_ptr<const Selection> selection);
  // Adds a reader to a lease that holds. Its destruction takes it away and renews the lease.
  absl::StatusOr<std::shared_ptr<const Uid>> AddReader(const Uid& restore);
  void RemoveReader(const Uid& restore);

  bool IsOver(const Lease& lease) const {
    return lease.readers == 0 && (lease.closed || lease.expire_time <= clock->Now());
  }
  void EraseIfOver(const Uid& restore) CAIRN_REQUIRES(mutex);
  void EraseAllOver() CAIRN_REQUIRES(mutex);
  // The lease, if a client may still use it.
  Lease* Find(const Uid& restore) CAIRN_REQUIRES(mutex);
  std::shared_ptr<const Uid> ReaderHandle(const Uid& restore);

  Table* const table;
  SegmentStore* const segments;
  Clock* const clock;
  Random* const random;
  mutable Mutex mutex;
  std::map<Uid, Lease> leases CAIRN_GUARDED_BY(mutex);
  size_t selector_bytes CAIRN_GUARDED_BY(mutex) = 0;
};

void Restores::Core::EraseIfOver(const Uid& restore) {
  const auto it = leases.find(restore);
  if (it == leases.end() || !IsOver(it->second)) return;
  selector_bytes -= it->second.selection->bytes();
  leases.erase(it);
}

void Restores::Core::EraseAllOver() {
  std::vector<Uid> restores;
  for (const auto& [restore, lease] : leases) restores.push_back(restore);
  for (const Uid& restore : restores) EraseIfOver(restore);
}

Restores::Core::Lease* Restores::Core::Find(const Uid& restore) {
  const auto it = leases.find(restore);
  const bool usable = it != leases.end() && !it->second.closed && !IsOver(it->second);
  return usable ? &it->second : nullptr;
}

std::shared_ptr<const Uid> Restores::Core::ReaderHandle(const Uid& restore) {
  return std::shared_ptr<const Uid>(new Uid(restore), [core = shared_from_this()](const Uid* uid) {
    core->RemoveReader(*uid);
    delete uid;
  });
}

absl::StatusOr<std::shared_ptr<const Uid>> Restores::Core::Add(
    const Uid& manifest, std::shared_ptr<const Selection> selection) {
  const Uid restore = random->NextUid();
  const size_t bytes = selection->bytes();
  MutexLock lock(&mutex);
  const auto is_full = [&] {
    return leases.size() >= kMaxOpenRestores || selector_bytes + bytes > kMaxSelectorBytes;
  };
  if (is_full()) EraseAllOver();
  if (is_full()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot open a restore: ", leases.size(), " are open with ", selector_bytes,
                     " bytes of selectors; close some, use prefixes, or try again in ",
                     absl::FormatDuration(kRestoreLease)));
  }
  selector_bytes += bytes;
  leases[restore] = {.manifest = manifest,
                     .selection = std::move(selection),
                     .expire_time = clock->Now() + kRestoreLease,
                     .readers = 1};
  return ReaderHandle(restore);
}

absl::StatusOr<std::shared_ptr<const Uid>> Restores::Core::AddReader(const Uid& restore) {
  MutexLock lock(&mutex);
  Lease* lease = Find(restore);
  if (lease == nullptr) return RestoreLost(restore.ToHex());
  ++lease->readers;
  return ReaderHandle(restore);
}

void Restores::Core::RemoveReader(const Uid& restore) {
  MutexLock lock(&mutex);
  Lease& lease = leases.at(restore);
  --lease.readers;
  lease.expire_time = clock->Now() + kRestoreLease;
  EraseIfOver(restore);
}

Restores::Restores(Table* table, SegmentStore* segments, Clock* clock, Random* random)
    : core_(std::make_shared<Core>(table, segments, clock, random)) {}

Restores::~Restores() = default;

absl::StatusOr<RestoreInfo> Restores::Open(const CheckpointRecord& checkpoint,
                                           absl::Span<const Selector> selectors, int streams) {
  if (streams < 1 || streams > kMaxRestoreStreams) {
    return InvalidField("streams",
                        absl::StrCat("is ", streams, "; it must be 1 to ", kMaxRestoreStreams));
  }
  const std::optional<Uid> manifest = Uid::FromBytes(checkpoint.uid());
  CAIRN_CHECK(manifest);
  CAIRN_ASSIGN_OR_RETURN(Selection made, Selection::Make(selectors, SeparatorOf(checkpoint)));
  const auto selection = std::make_shared<const Selection>(std::move(made));
  CAIRN_ASSIGN_OR_RETURN(const std::shared_ptr<const Uid> restore,
                         core_->Add(*manifest, selection));
  absl::StatusOr<RestorePlan> plan = PlanRestore(core_->table, checkpoint, *selection, streams);
  if (!plan.ok()) {
    CAIRN_RETURN_IF_ERROR(Close(restore->ToHex()));
    return std::move(plan).status();
  }
  RestoreInfo info;
  info.restore = restore->ToHex();
  info.checkpoint = checkpoint;
  info.tensor_count = plan->tensor_count;
  info.total_bytes = plan->total_bytes;
  info.expire_time = core_->clock->Now() + kRestoreLease;
  StreamToken token{*restore, {}, {}};
  for (const StreamPosition& cut : plan->cuts) {
    token.end = cut;
    info.stream_tokens.push_back(EncodeStreamToken(token));
    token.begin = cut;
  }
  token.end = {};
  info.stream_tokens.push_back(EncodeStreamToken(token));
  return info;
}

absl::StatusOr<absl::Time> Restores::Renew(absl::string_view restore) {
  MutexLock lock(&core_->mutex);
  const std::optional<Uid> uid = Uid::FromHex(restore);
  Core::Lease* lease = uid ? core_->Find(*uid) : nullptr;
  if (lease == nullptr) return RestoreLost(restore);
  lease->expire_time = core_->clock->Now() + kRestoreLease;
  return lease->expire_time;
}

absl::Status Restores::Close(absl::string_view restore) {
  MutexLock lock(&core_->mutex);
  const std::optional<Uid> uid = Uid::FromHex(restore);
  Core::Lease* lease = uid ? core_->Find(*uid) : nullptr;
  if (lease == nullptr) return absl::OkStatus();
  lease->closed = true;
  core_->EraseIfOver(*uid);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SliceReader>> Restores::NewSliceReader(absl::string_view token) {
  CAIRN_ASSIGN_OR_RETURN(StreamToken decoded, DecodeStreamToken(token));
  SliceReaderSource source{core_->table, core_->segments, Uid(), nullptr, nullptr};
  CAIRN_ASSIGN_OR_RETURN(source.lease, core_->AddReader(decoded.restore));
  {
    MutexLock lock(&core_->mutex);
    const Core::Lease& lease = core_->leases.at(decoded.restore);
    source.manifest = lease.manifest;
    source.selection = lease.selection;
  }
  return MakeSliceReader(std::move(source), std::move(decoded));
}

bool Restores::Holds(const Uid& manifest) const {
  MutexLock lock(&core_->mutex);
  for (const auto& [restore, lease] : core_->leases) {
    if (lease.manifest == manifest && !core_->IsOver(lease)) return true;
  }
  return false;
}

}  // namespace cairn::storage
