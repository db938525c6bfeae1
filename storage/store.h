// Everything that the server needs of storage: the one header it sees. Directories hold
// checkpoints; a save session fills one; a restore reads one, by uid, whatever happens to its name
// meanwhile.
//
// Values are the records of cairn/storage/v1 and the plain structs below. Every method blocks on
// disk: never call one from a gRPC callback. All are thread-safe unless a class says otherwise.
//
// Errors of every method, besides those listed: kUnavailable (I/O), kDataLoss (damage), kAborted
// with reason OUTCOME_UNKNOWN (repeat with the same ids), kFailedPrecondition with reason
// STORE_READ_ONLY.
#ifndef CAIRN_STORAGE_STORE_H_
#define CAIRN_STORAGE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "base/clock.h"
#include "base/uid.h"
#include "cairn/storage/v1/records.pb.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"

namespace cairn::storage {

using v1::CheckpointRecord;
using v1::DirectoryHead;
using v1::SessionRecord;
using v1::SliceRecord;
using v1::WriterRecord;

// -------------------------------------------------------------------------------------------------
// Limits, in one place; GetServerInfo publishes them.

inline constexpr int64_t kPartBytes = 256 << 20;          // slices are cut at multiples of this
inline constexpr int64_t kPieceBytes = 1 << 20;           // and parts at multiples of this
inline constexpr int64_t kMaxInlinePartBytes = 32 << 10;  // larger ones never stand in their row
inline constexpr int64_t kMinSegmentBytes = 1 << 20;  // a stream that ends below writes no segment
inline constexpr int kMaxDirectoryBytes = 1024;
inline constexpr int kMaxDirectoryDepth = 16;
inline constexpr int kMaxAnnotations = 64;  // annotations, and metrics, each
inline constexpr int64_t kMaxAnnotationBytes = 16 << 10;
inline constexpr int kMaxPageSize = 1000;
inline constexpr int kMaxSelectors = 10000;
inline constexpr int kMaxRenames = 100000;              // of a copy
inline constexpr int64_t kMaxRenameBytes = 32 << 20;    // their names, together
inline constexpr int64_t kMaxSliceListBytes = 3 << 19;  // of the parts of a page of ListSlices
inline constexpr int kMaxRestoreStreams = 64;
inline constexpr absl::Duration kDefaultSessionTtl = absl::Minutes(10);
inline constexpr absl::Duration kMaxSessionTtl = absl::Hours(24);
inline constexpr absl::Duration kRestoreLease = absl::Minutes(10);
inline constexpr absl::Duration kEndedKept = absl::Hours(24);  // ended sessions and answers

// -------------------------------------------------------------------------------------------------
// Values

// A page of some list and where the next one begins.
template <typename T>
struct ListPage {
  std::vector<T> items;
  std::string next;  // give it back to go on; empty on the last page
};

struct DirectoryInfo {
  Uid uid;
  DirectoryHead head;
};

struct CreateDirectoryOptions {
  std::map<std::string, std::string> annotations;
  std::optional<absl::Time> last_preserved_time;
  std::string request_id;
};

struct UpdateDirectoryOptions {
  std::optional<std::map<std::string, std::string>> annotations;  // replaces all
  std::optional<absl::Time> last_preserved_time;
  std::optional<int64_t> if_update_count;  // the etag
};

enum class CheckpointOrder { kCommit, kCommitDescending, kNumber, kNumberDescending };

struct SessionOptions {
  std::string session;  // empty: chosen here
  std::optional<int64_t> number;
  bool replace = false;
  int expected_writers = 1;
  std::map<std::string, std::string> annotations;
  std::map<std::string, double> metrics;
  std::string key_separator = "/";
  std::optional<absl::Time> save_time;
  std::optional<v1::CopySource> copy;  // set by CopyCheckpoint alone
  bool preserved = false;
  bool commit_when_sealed = false;  // the last of expected_writers to seal commits
  std::string base;                 // a reference: the base of an incremental save; empty: none
  absl::Duration ttl = kDefaultSessionTtl;
};

struct SessionInfo {
  SessionRecord record;
  std::vector<WriterRecord> writers;  // who sealed, by name; the answer of a seal names its own
};

// As in the rows' keys: DO NOT CHANGE.
enum class TensorKind : uint8_t { kAttachment = 1, kTensor = 2 };

// A slice that is about to be written.
struct SliceSpec {
  TensorKind kind = TensorKind::kTensor;
  std::string key;  // text form
  std::string dtype;
  std::vector<int64_t> shape;
  Box box;
  OpenDimensions open_dimensions = 0;  // of the box, as its saver gave it
  bool partial = false;
};

// Bytes of a stored slice of a session's base.
struct BaseRange {
  TensorKind kind = TensorKind::kTensor;
  std::string key;
  std::vector<ExtentSpec> slice;  // the slice's box as it is stored; empty: the whole tensor
  int64_t offset = 0;             // in the slice's bytes
};

// What of a stream is durable. A part is what a caller sends, up to a multiple of kPartBytes,
// however many rows it takes.
struct WriterProgress {
  int64_t durable_parts = 0;
  int64_t durable_bytes = 0;
  int64_t stored_bytes = 0;
};

struct StoredSlice {
  Box box;
  int64_t bytes = 0;
  std::string writer;
  OpenDimensions open_dimensions = 0;
};

struct TensorInfo {
  TensorKind kind = TensorKind::kTensor;
  std::string key;
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t logical_bytes = 0;
  int64_t slice_count = 0;
  bool partial = false;
  std::vector<StoredSlice> slices;  // only when asked for
};

// A part as it is stored.
struct StoredPart {
  TensorKind kind = TensorKind::kTensor;
  std::string key;
  Box box;             // of the slice
  SliceRecord record;  // without where the bytes are; with its pieces only if asked for
};

// Which parts to list.
struct SliceFilter {
  std::optional<TensorKind> kind;  // nullopt: both
  std::string key_prefix;          // as in Selector
  std::string writer;              // those that it saved, first or after another; empty: all
  bool digests = false;            // tell the pieces
};

// Gives tensors of a copy another key.
struct KeyRename {
  std::string from;     // a key, or with `prefix` what keys begin with, up to a key separator
  std::string to;       // stands there instead
  bool prefix = false;  // empty names: everything gets `to` in front, loses `from`
};

// The key in a copy of a tensor of the source; nullopt: the source lacks it, or it is left out.
using KeyMapping =
    absl::FunctionRef<absl::StatusOr<std::optional<std::string>>(absl::string_view key)>;

struct CopyOptions {
  std::string target_directory;  // made if it is not there; empty: the source's
  std::optional<int64_t> number;
  bool replace = false;
  std::vector<std::string> include;  // prefixes of tensors' keys; none: all, and the attachments
  std::vector<std::string> exclude;  // likewise; left out
  std::vector<KeyRename> renames;    // an exact one before prefixes, the longest of these
  std::map<std::string, std::string> annotations;  // beside the source's, or instead
  std::string request_id;
  // The tensor of this key names keys. It keeps its own, is copied with whatever else is unless it
  // is excluded, and where another tensor is renamed or left out it holds what `rewrite_index` says
  // instead: bytes, or nothing, so that it is left out.
  std::string index_key;
  std::function<absl::StatusOr<std::optional<std::string>>(const CheckpointRecord& source,
                                                           KeyMapping mapping)>
      rewrite_index;
};

// Keys that are asked for as one thing.
struct KeySet {
  std::string selector;           // what the caller named them by, for messages
  std::vector<std::string> keys;  // sorted, each once
};

// Which tensors to read, and how. At most one of key, prefix and keys; none: every one of the kind.
struct Selector {
  TensorKind kind = TensorKind::kTensor;
  std::optional<std::string> key;
  std::optional<std::string> key_prefix;
  // What is there of them: keys that the checkpoint lacks are passed over, but not all of them.
  std::shared_ptr<const KeySet> keys;
  std::vector<ExtentSpec> slice;  // empty: whole
  std::string dtype;              // empty: as stored
};

struct RestoreInfo {
  std::string restore;  // its id
  CheckpointRecord checkpoint;
  int64_t tensor_count = 0;
  int64_t total_bytes = 0;
  absl::Time expire_time;
  std::vector<std::string> stream_tokens;
};

// Some bytes of one slice, ready to send.
struct OutgoingPart {
  TensorKind kind = TensorKind::kTensor;
  std::string key;
  std::string dtype;           // as asked for
  std::vector<int64_t> shape;  // the whole tensor's
  Box box;                     // the stored slice, or what the selector's box leaves of it
  int64_t offset = 0;          // of these bytes in the box's bytes
  uint32_t crc32c = 0;
  PinnedBytes bytes;
};

// What checkpoints take of the store, in bytes.
struct Usage {
  int64_t logical_bytes = 0;          // of all slices, each as often as it was saved
  int64_t stored_bytes = 0;           // chunks, each once, and bytes in rows
  int64_t shared_bytes = 0;           // of these, what others hold too
  int64_t freed_by_delete_bytes = 0;  // what deleting would free
};

struct CollectResult {
  int64_t manifests = 0;        // whose rows were erased
  int64_t segments = 0;         // removed
  int64_t shrunk_segments = 0;  // of which a part was freed
  int64_t freed_bytes = 0;      // of both, as stored
  int64_t sessions = 0;         // expired, or forgotten after kEndedKept
};

// What a run of the collector looks for.
enum class CollectScope {
  kGarbage,     // what rows name; orphans now and then
  kEverything,  // orphans too
};

// -------------------------------------------------------------------------------------------------
// Streams

// One trainer's stream into an open session. One thread only. Destroyed before Finish(), it drops
// what is not durable; what is stays and counts if the writer seals it.
class SliceWriter {
 public:
  virtual ~SliceWriter() = default;

  // Takes the next bytes of a slice: `offset` is where they begin in it. A slice's bytes come in
  // order and without gaps, from a multiple of kPartBytes to the end of that part, before those of
  // another begin. A slice of no bytes comes as one call without bytes. `crc32c`, if given, is
  // compared. `bytes` are views of consecutive memory ranges and need only live until return.
  // Errors: kInvalidArgument (key, dtype, shape, box, offset; reason CHECKSUM_MISMATCH),
  // kFailedPrecondition (reason SLICE_CONFLICT, SESSION_CLOSED), kResourceExhausted (disk full).
  // After an error: destroy.
  virtual absl::Status Append(const SliceSpec& slice, int64_t offset,
                              absl::Span<const absl::string_view> bytes,
                              std::optional<uint32_t> crc32c) = 0;

  // As Append, with `length` bytes of the session's base instead of sent ones: none is copied, the
  // new part points to where they are. They are whole pieces of the stored slice. Mixes with Append
  // in one slice. Errors: as Append; kInvalidArgument also where the session has no base, the base
  // no such slice, a piece or an element is cut (saying where pieces begin), or one MiB would have
  // more pieces than a record holds.
  virtual absl::Status AppendFromBase(const SliceSpec& slice, int64_t offset, int64_t length,
                                      const BaseRange& base, std::optional<uint32_t> crc32c) = 0;

  // Makes everything taken so far durable. Errors: kInvalidArgument (a part is not complete), as
  // Append.
  virtual absl::Status Finish() = 0;

  // For a stream that broke: makes the parts durable that are complete, and drops the open one, so
  // that the sender need not send them again. Destroy afterwards. Errors: as Append.
  virtual absl::Status Salvage() = 0;

  // Grows now and then; after Finish() it is everything.
  virtual WriterProgress progress() const = 0;
};

// One stream of a restore. One thread only. Keeps the restore's lease while it lives.
class SliceReader {
 public:
  virtual ~SliceReader() = default;

  // The next parts, together at most `max_bytes` (at least kPieceBytes is allowed always): several
  // small ones or one run of a large one; their descriptions take less than 1 MiB on the wire.
  // Empty at the end. Errors: kDataLoss naming the key.
  virtual absl::StatusOr<std::vector<OutgoingPart>> Next(int64_t max_bytes) = 0;

  // Continues after the parts that Next returned last.
  virtual std::string token() const = 0;
};

// -------------------------------------------------------------------------------------------------
// The store

struct StoreOptions {
  Table* table;            // not owned, outlives the store
  SegmentStore* segments;  // likewise
  Clock* clock = Clock::System();
  Random* random = Random::System();
};

class Store {
 public:
  virtual ~Store() = default;

  // Opens what the engines hold, or makes a new store in them.
  // Errors: kFailedPrecondition with reason FORMAT_TOO_NEW.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);

  // 32 hex digits that name the store's life.
  virtual std::string incarnation() const = 0;

  // --- Directories. `directory` is a path; a malformed one is kInvalidArgument, an unknown one
  // kNotFound with reason DIRECTORY_NOT_FOUND, in every method.

  virtual absl::StatusOr<DirectoryInfo> GetDirectory(absl::string_view directory) = 0;
  // By path, after `after` (a `next`), at most `page_size`.
  virtual absl::StatusOr<ListPage<DirectoryInfo>> ListDirectories(absl::string_view after,
                                                                  int page_size) = 0;
  // Errors: kAlreadyExists (unless the same request made it).
  virtual absl::StatusOr<DirectoryInfo> CreateDirectory(absl::string_view directory,
                                                        const CreateDirectoryOptions& options) = 0;
  // Errors: kAborted with reason ETAG_MISMATCH.
  virtual absl::StatusOr<DirectoryInfo> UpdateDirectory(absl::string_view directory,
                                                        const UpdateDirectoryOptions& options) = 0;
  // Errors: kFailedPrecondition with reason DIRECTORY_NOT_EMPTY (without `force`).
  virtual absl::Status DeleteDirectory(absl::string_view directory, bool force,
                                       std::optional<int64_t> if_update_count,
                                       absl::string_view request_id) = 0;

  // --- Checkpoints. `reference`: a number, "latest", a tag or "uid:<hex>"; empty means latest.
  // Errors: kInvalidArgument (malformed), kNotFound with reason CHECKPOINT_NOT_FOUND.

  virtual absl::StatusOr<CheckpointRecord> GetCheckpoint(absl::string_view directory,
                                                         absl::string_view reference) = 0;
  virtual absl::StatusOr<ListPage<CheckpointRecord>> ListCheckpoints(absl::string_view directory,
                                                                     CheckpointOrder order,
                                                                     absl::string_view after,
                                                                     int page_size) = 0;
  // Takes a number or uid. Errors: kInvalidArgument (empty, latest, tag), kFailedPrecondition with
  // reason CHECKPOINT_PROTECTED (tagged or pinned).
  virtual absl::StatusOr<CheckpointRecord> DeleteCheckpoint(absl::string_view directory,
                                                            absl::string_view reference,
                                                            absl::string_view request_id) = 0;

  // Makes a checkpoint of the same bytes, which none moves: their owner keeps them for the copy. It
  // has the source's metrics, separator, save time and annotations. A repeat with the same request
  // id goes on, or gives the same checkpoint. Errors: kInvalidArgument (a key that is none, two
  // keys that become one, renames that match nothing), kNotFound with reason TENSOR_NOT_FOUND (a
  // prefix to include matches nothing), CHECKPOINT_NOT_FOUND (also: deleted meanwhile); those of
  // CreateSession and CommitSession.
  virtual absl::StatusOr<CheckpointRecord> CopyCheckpoint(absl::string_view directory,
                                                          absl::string_view reference,
                                                          const CopyOptions& options) = 0;

  // --- Save sessions. Errors everywhere: kNotFound with reason SESSION_NOT_FOUND.

  // Makes the directory too if it is not there. Repeated with the same id and options, it joins; a
  // base named as "latest" joins whatever it meant when the session opened. The base may be deleted
  // from then on: its bytes stay while the session is open.
  // Errors: kAlreadyExists with reason NUMBER_TAKEN or SESSION_EXISTS; kInvalidArgument; kNotFound
  // with reason CHECKPOINT_NOT_FOUND (the base).
  virtual absl::StatusOr<SessionInfo> CreateSession(absl::string_view directory,
                                                    const SessionOptions& options) = 0;
  virtual absl::StatusOr<SessionInfo> GetSession(absl::string_view directory,
                                                 absl::string_view session) = 0;
  // By id.
  virtual absl::StatusOr<ListPage<SessionInfo>> ListSessions(absl::string_view directory,
                                                             absl::string_view after,
                                                             int page_size) = 0;
  // Errors: kFailedPrecondition with reason SESSION_CLOSED, as in the calls below.
  virtual absl::StatusOr<SessionInfo> RenewSession(absl::string_view directory,
                                                   absl::string_view session) = 0;
  // Its cost does not depend on how many writers there are. A repeat with the same count is
  // success. With commit_when_sealed the last of expected_writers commits, and the session is
  // answered as committed; if that fails, so does the seal, which stands all the same: the session
  // stays open, and every later seal, or CommitSession, tries again. A repeat in a session that was
  // committed so answers it. Errors: also those of CommitSession, when it commits.
  virtual absl::StatusOr<SessionInfo> SealSession(absl::string_view directory,
                                                  absl::string_view session,
                                                  absl::string_view writer,
                                                  int64_t slice_count) = 0;
  // Idempotent. Errors: kFailedPrecondition with reason WRITERS_NOT_SEALED, SLICE_COUNT_MISMATCH,
  // SLICES_MISSING, SLICES_OVERLAP, SLICES_DISAGREE (the session stays open), CHECKPOINT_PROTECTED.
  virtual absl::StatusOr<CheckpointRecord> CommitSession(absl::string_view directory,
                                                         absl::string_view session) = 0;
  virtual absl::StatusOr<SessionInfo> AbortSession(absl::string_view directory,
                                                   absl::string_view session,
                                                   absl::string_view reason) = 0;
  // `inline_parts`: keep small parts in their rows however many they are (SaveCheckpoint).
  virtual absl::StatusOr<std::unique_ptr<SliceWriter>> NewSliceWriter(
      absl::string_view directory, absl::string_view session, absl::string_view writer,
      bool inline_parts = false) = 0;

  // --- Tensors of a checkpoint that GetCheckpoint resolved.

  // What `selector` matches (its slice and dtype do not matter), in key order, after `after`.
  // Errors: kNotFound with reason TENSOR_NOT_FOUND (first page only: nothing matches), neighbours
  // named.
  virtual absl::StatusOr<ListPage<TensorInfo>> ListTensors(const CheckpointRecord& checkpoint,
                                                           const Selector& selector,
                                                           bool with_slices,
                                                           absl::string_view after,
                                                           int page_size) = 0;
  virtual absl::StatusOr<TensorInfo> GetTensor(const CheckpointRecord& checkpoint, TensorKind kind,
                                               absl::string_view key) = 0;

  // The parts of a manifest in order of name space, key, box and offset, after `after`: of a
  // checkpoint, or of a session that is open; `manifest` is the uid of either. At most `page_size`,
  // and fewer where they would take more than kMaxSliceListBytes. What matches nothing is an empty
  // list. The caller looks afterwards whether the checkpoint or session is still there: if not, the
  // collector may have been faster.
  virtual absl::StatusOr<ListPage<StoredPart>> ListSlices(const Uid& manifest,
                                                          absl::string_view key_separator,
                                                          const SliceFilter& filter,
                                                          absl::string_view after,
                                                          int page_size) = 0;

  // --- Restores.

  // Resolves once and takes a lease in memory. No selector: every tensor.
  // Errors: kNotFound (reference; a selector that matches nothing), kInvalidArgument (box outside a
  // shape, a cast that is not allowed, a box of a string that is no stored slice), kOutOfRange
  // never.
  virtual absl::StatusOr<RestoreInfo> OpenRestore(absl::string_view directory,
                                                  absl::string_view reference,
                                                  absl::Span<const Selector> selectors,
                                                  int streams) = 0;
  // When the lease ends now. Errors: kFailedPrecondition with reason RESTORE_LOST.
  virtual absl::StatusOr<absl::Time> RenewRestore(absl::string_view restore) = 0;
  virtual absl::Status CloseRestore(absl::string_view restore) = 0;
  // Errors: kInvalidArgument (not a token of ours), kFailedPrecondition with reason RESTORE_LOST.
  virtual absl::StatusOr<std::unique_ptr<SliceReader>> NewSliceReader(absl::string_view token) = 0;

  // --- Space.

  // Of one checkpoint, or with an empty `checkpoint` of all that are live in the directory. Shared
  // is what also is reached from elsewhere: other directories, and, for a checkpoint, the other
  // checkpoints and the open sessions of its own. Exact but where segments with chunks of several
  // sizes are used in part. Errors: kNotFound.
  virtual absl::StatusOr<Usage> GetUsage(absl::string_view directory,
                                         absl::string_view checkpoint) = 0;

  // --- Background work.

  // Frees what nothing needs any more: deleted and replaced checkpoints, ended sessions, orphans.
  // One run at a time; a second call waits, and then runs.
  virtual absl::StatusOr<CollectResult> Collect(CollectScope scope = CollectScope::kGarbage) = 0;
};

// OK for a directory path of the form that design section 1 gives. Errors: kInvalidArgument.
absl::Status ValidateDirectory(absl::string_view directory);

// OK for so many renames, of so many bytes together. Errors: kInvalidArgument.
absl::Status ValidateRenameCount(int64_t count, int64_t bytes);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_STORE_H_
