#include "storage/copy_checkpoint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/borrows.h"
#include "storage/checkpoints.h"
#include "storage/copy_plan.h"
#include "storage/directory_keys.h"
#include "storage/manifest.h"
#include "storage/reference.h"
#include "storage/row_scanner.h"
#include "storage/segment_uses.h"
#include "storage/slice_rows.h"

namespace cairn::storage {
namespace {

constexpr absl::string_view kWriter = "0";
// Rows are written so many, or so many bytes of them, at a time.
constexpr size_t kMaxWaitingRows = 32 << 10;
constexpr int64_t kMaxWaitingBytes = 8 << 20;

// Hash of a request, so that its id cannot stand for another one.
uint64_t Fingerprint(absl::string_view path, absl::string_view reference,
                     const CopyOptions& options) {
  std::string text;
  const auto add = [&](absl::string_view field) {
    absl::StrAppend(&text, field.size(), ":", field);
  };
  add(path);
  add(reference);
  add(options.number ? absl::StrCat(*options.number) : "");
  add(options.replace ? "replace" : "");
  for (const auto* prefixes : {&options.include, &options.exclude}) {
    add(absl::StrCat(prefixes->size()));
    for (const std::string& prefix : *prefixes) add(prefix);
  }
  add(absl::StrCat(options.annotations.size()));
  for (const auto& [name, value] : options.annotations) {
    add(name);
    add(value);
  }
  for (const KeyRename& rename : options.renames) {
    add(rename.from);
    add(rename.to);
    add(rename.prefix ? "prefix" : "");
  }
  return XXH3_64bits(text.data(), text.size());
}

// The id of the session that a request opens; empty: any.
std::string SessionIdOf(absl::string_view request_id) {
  if (request_id.empty()) return "";
  const XXH128_hash_t hash = XXH3_128bits(request_id.data(), request_id.size());
  return absl::StrCat("copy-", absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

SessionOptions SessionOptionsOf(const Directory& directory, const CheckpointRecord& source,
                                const CopyOptions& options, absl::string_view target,
                                uint64_t fingerprint) {
  SessionOptions session;
  session.session = SessionIdOf(options.request_id);
  session.number = options.number;
  session.replace = options.replace;
  session.annotations = options.annotations;
  session.annotations.insert(source.annotations().begin(), source.annotations().end());
  session.metrics.insert(source.metrics().begin(), source.metrics().end());
  session.key_separator = std::string(1, SeparatorOf(source));
  session.save_time = absl::FromUnixMicros(source.save_time());
  if (target == directory.path()) {
    session.base = absl::StrCat("uid:", Uid::FromBytes(source.uid()).value_or(Uid()).ToHex());
  }
  session.copy.emplace();
  session.copy->set_directory_uid(std::string(directory.uid.bytes()));
  session.copy->set_uid(source.uid());
  session.copy->set_fingerprint(fingerprint);
  return session;
}

// Fills the session of one copy.
class CopyRun {
 public:
  // Nothing is owned.
  struct Context {
    const StoreOptions& options;
    SaveSessions* sessions;
    const Directory& source_directory;
    const CheckpointRecord& source;
    absl::string_view target;
    const Directory& target_directory;
    const SessionRecord& session;
  };

  CopyRun(const Context& context, const Uid& source, const Uid& manifest, CopyPlan* plan)
      : context_(context),
        source_(source),
        manifest_(manifest),
        plan_(plan),
        owners_(context.options.table, source) {}

  // Writes everything. Gives how many slices that is.
  absl::StatusOr<int64_t> Run(const CopyOptions& options) {
    CAIRN_RETURN_IF_ERROR(CopyRows());
    CAIRN_RETURN_IF_ERROR(WriteIndex(options));
    return slices_;
  }

 private:
  absl::Status CopyRows() {
    if (plan_->copies_attachments()) CAIRN_RETURN_IF_ERROR(CopyKind(TensorKind::kAttachment));
    CAIRN_RETURN_IF_ERROR(CopyKind(TensorKind::kTensor));
    return Flush();
  }

  // Writes what the index says now, if it is not copied as it is.
  absl::Status WriteIndex(const CopyOptions& options) {
    if (!index_) return absl::OkStatus();
    const auto mapping = [this](absl::string_view key) { return plan_->KeyOfExisting(key); };
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                           options.rewrite_index(context_.source, mapping));
    if (!bytes) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(
        const std::unique_ptr<SliceWriter> writer,
        context_.sessions->NewSliceWriter(context_.target, context_.session.session(), kWriter,
                                          /*inline_parts=*/true));
    const absl::string_view view = *bytes;
    CAIRN_RETURN_IF_ERROR(writer->Append(*index_, 0, {&view, 1}, std::nullopt));
    CAIRN_RETURN_IF_ERROR(writer->Finish());
    ++slices_;
    return absl::OkStatus();
  }

  absl::Status CopyKind(TensorKind kind) {
    RowScanner rows(context_.options.table, source_, {RowsOfKind(kind)});
    std::string key;  // of the rows at hand, and what it becomes
    std::optional<std::string> new_key;
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
      if (row == nullptr) return absl::OkStatus();
      CAIRN_ASSIGN_OR_RETURN(SliceRow slice, ParseSliceRow(*row));
      if (kind == TensorKind::kAttachment) {
        new_key = slice.key.key;
      } else if (slice.key.key != key) {
        key = slice.key.key;
        CAIRN_ASSIGN_OR_RETURN(new_key, plan_->KeyOf(key));
      }
      if (!new_key) continue;
      if (kind == TensorKind::kTensor && plan_->IsIndex(key) && plan_->rewrites_index()) {
        NoteIndex(slice);
        continue;
      }
      CAIRN_RETURN_IF_ERROR(Add(*new_key, std::move(slice)));
    }
  }

  void NoteIndex(const SliceRow& slice) {
    SliceSpec& index = index_.emplace();
    index.key = slice.key.key;
    index.dtype = slice.record.dtype();
    index.shape.assign(slice.record.shape().begin(), slice.record.shape().end());
    index.box = slice.key.box;
    index.partial = slice.record.partial();
  }

  absl::Status Add(absl::string_view new_key, SliceRow slice) {
    for (const v1::Piece& piece : slice.record.pieces()) {
      CAIRN_RETURN_IF_ERROR(owners_.AddUses(slice.record, piece, &uses_));
    }
    slices_ += slice.record.begin() == 0;
    std::string row_key = EncodeSliceKey(slice.key.kind, new_key, slice.key.box, slice.key.part);
    waiting_bytes_ += static_cast<int64_t>(row_key.size() + slice.record.ByteSizeLong());
    rows_.push_back({std::move(row_key), std::move(slice.record)});
    const bool enough = rows_.size() >= kMaxWaitingRows || waiting_bytes_ > kMaxWaitingBytes;
    return enough ? Flush() : absl::OkStatus();
  }

  // The segments are kept for the copy before its rows point there.
  absl::Status Flush() {
    CAIRN_RETURN_IF_ERROR(context_.sessions->Touch(context_.target, context_.session));
    Table* const table = context_.options.table;
    CAIRN_RETURN_IF_ERROR(Borrow());
    CAIRN_RETURN_IF_ERROR(WriteSegmentUses(table, manifest_, uses_));
    CAIRN_RETURN_IF_ERROR(Borrow());
    uses_.clear();
    waiting_bytes_ = 0;
    return WriteSliceRows(table, manifest_, std::exchange(rows_, {}), std::nullopt).status();
  }

  absl::Status Borrow() {
    if (context_.source_directory.uid == context_.target_directory.uid) return absl::OkStatus();
    return WriteBorrows({.table = context_.options.table,
                         .clock = context_.options.clock,
                         .source_directory = context_.source_directory.uid,
                         .source = source_,
                         .borrower = context_.target_directory.uid},
                        uses_);
  }

  const Context context_;
  const Uid source_;
  const Uid manifest_;
  CopyPlan* const plan_;
  SegmentOwners owners_;
  ReusedSegments uses_;  // by rows_
  std::vector<SliceRowToWrite> rows_;
  int64_t waiting_bytes_ = 0;  // of rows_
  int64_t slices_ = 0;
  std::optional<SliceSpec> index_;  // set: it is to be written anew
};

}  // namespace

absl::StatusOr<std::optional<SessionRecord>> Copies::FindEarlier(absl::string_view target,
                                                                 absl::string_view session,
                                                                 uint64_t fingerprint) {
  if (session.empty()) return std::nullopt;
  absl::StatusOr<SessionInfo> found = sessions_->Get(target, session);
  if (absl::IsNotFound(found.status())) return std::nullopt;
  CAIRN_RETURN_IF_ERROR(found.status());
  if (found->record.copy().fingerprint() == fingerprint) return std::move(found->record);
  return InvalidField(
      "request_id", absl::StrCat("was used for another request on ", target, "; choose a new one"));
}

absl::StatusOr<CheckpointRecord> Copies::Copy(absl::string_view path, absl::string_view reference,
                                              const CopyOptions& options) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(options.request_id));
  const std::string target =
      options.target_directory.empty() ? std::string(path) : options.target_directory;
  const uint64_t fingerprint = Fingerprint(path, reference, options);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<SessionRecord> earlier,
                         FindEarlier(target, SessionIdOf(options.request_id), fingerprint));
  if (earlier && earlier->state() == SessionRecord::STATE_COMMITTED) return earlier->checkpoint();
  if (earlier && !IsOpen(*earlier)) return SessionClosed(*earlier, "go on with");

  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(const Reference parsed, ParseReference(reference));
  // What the first attempt copied, whatever the reference means by now.
  const Reference name =
      earlier ? Reference(Uid::FromBytes(earlier->copy().uid()).value_or(Uid())) : parsed;
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<CheckpointRecord>> source,
                         ResolveReference(options_.table, directory, name));
  if (!source) return CheckpointNotFound(directory, reference);
  CAIRN_ASSIGN_OR_RETURN(CopyPlan plan, CopyPlan::Make(options_.table, source->record, options));
  CAIRN_ASSIGN_OR_RETURN(const SessionInfo opened,
                         sessions_->Create(target, SessionOptionsOf(directory, source->record,
                                                                    options, target, fingerprint)));
  absl::StatusOr<CheckpointRecord> copy =
      Fill(directory, source->record, target, opened.record, options, &plan);
  if (copy.ok()) return copy;
  if (options.request_id.empty()) {
    // Best effort: nobody else can go on with it, and it ends by itself.
    sessions_->Abort(target, opened.record.session(), "its CopyCheckpoint failed")
        .status()
        .IgnoreError();
    return copy;
  }
  // The same request, sent twice at once, may have been faster elsewhere.
  const absl::StatusOr<SessionInfo> now = sessions_->Get(target, opened.record.session());
  const bool committed = now.ok() && now->record.state() == SessionRecord::STATE_COMMITTED;
  return committed ? now->record.checkpoint() : std::move(copy);
}

absl::StatusOr<CheckpointRecord> Copies::Fill(const Directory& directory,
                                              const CheckpointRecord& source,
                                              absl::string_view target,
                                              const SessionRecord& session,
                                              const CopyOptions& options, CopyPlan* plan) {
  CAIRN_ASSIGN_OR_RETURN(const Directory target_directory, catalog_->Find(target));
  CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(target_directory, session));
  CAIRN_ASSIGN_OR_RETURN(const Uid uid,
                         UidFromRow(directory.partition(), kCheckpointPrefix, source.uid()));
  CopyRun run({.options = options_,
               .sessions = sessions_,
               .source_directory = directory,
               .source = source,
               .target = target,
               .target_directory = target_directory,
               .session = session},
              uid, manifest, plan);
  const absl::StatusOr<int64_t> slices = run.Run(options);
  if (directory.uid != target_directory.uid) {
    // What was deleted meanwhile may have been half erased when it was read.
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<CheckpointRecord>> still,
                           ReadCheckpoint(options_.table, directory, uid));
    if (!still) return CheckpointNotFound(directory, absl::StrCat("uid:", uid.ToHex()));
  }
  CAIRN_RETURN_IF_ERROR(slices.status());
  CAIRN_RETURN_IF_ERROR(
      sessions_->Seal(target, session.session(), std::string(kWriter), *slices).status());
  return sessions_->Commit(target, session.session());
}

}  // namespace cairn::storage
