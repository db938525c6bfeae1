#include "storage/engine/rocksdb/rocksdb_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/logging.h"
#include "storage/engine/rocksdb/commit_journal.h"
#include "storage/engine/rocksdb/data_folder.h"
#include "storage/engine/rocksdb/health.h"
#include "storage/engine/rocksdb/rocksdb_options.h"
#include "storage/engine/rocksdb/rocksdb_segment_store.h"
#include "storage/engine/rocksdb/rocksdb_status.h"
#include "storage/engine/rocksdb/rocksdb_table.h"
#include "storage/engine/rocksdb/witness_rows.h"

namespace cairn::storage {
namespace {

// Beside RocksDB's table files: its logs, a file a stream, and the server's connections.
constexpr int kOtherDescriptors = 256;

// Hears of failures in RocksDB's own threads, which no caller of ours sees.
class FailureListener : public rocksdb::EventListener {
 public:
  explicit FailureListener(Health* health) : health_(health) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    // From this severity on RocksDB refuses writes.
    if (status->severity() < rocksdb::Status::kHardError) return;
    health_->Fail(absl::StrCat("the disk failed under a write: ", status->ToString()));
  }

 private:
  Health* const health_;
};

absl::Status OpenError(const rocksdb::Status& status, const std::string& folder) {
  const std::string text = status.ToString();
  if (absl::StrContains(text, "ermission denied")) {
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kPermissionDenied,
                     absl::StrCat("cannot open the store in ", folder, ": ", text,
                                  "; give its files to the user who runs the server (chown -R)"),
                     {{"path", folder}});
  }
  if (status.IsIOError() && absl::StrContains(text, "/LOCK: ")) {
    return MakeError(
        ErrorReason::ERROR_REASON_STORE_LOCKED, absl::StatusCode::kFailedPrecondition,
        absl::StrCat("cannot open the store in ", folder,
                     ": another process has it open; stop that one or choose another folder"),
        {{"path", folder}});
  }
  return FromRocksDb(status, absl::StrCat("opening the store in ", folder));
}

}  // namespace

struct RocksDbEngine::Parts {
  explicit Parts(const Options& engine_options)
      : options(RocksDbTuning(), engine_options.env_for_test != nullptr
                                     ? engine_options.env_for_test
                                     : rocksdb::Env::Default()),
        journal_bytes(engine_options.journal_bytes) {}
  ~Parts();

  absl::Status OpenDatabase(const std::string& folder);
  absl::Status OpenJournal(const std::string& folder);
  void MakeStores(const std::string& folder);

  const RocksDbOptions options;
  const int64_t journal_bytes;
  Health health;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // in the order of OpenDatabase
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<WitnessRows> witnesses;
  std::unique_ptr<CommitJournal> journal;
  std::unique_ptr<RocksDbTable> table;
  std::unique_ptr<RocksDbSegmentStore> segments;
};

RocksDbEngine::Parts::~Parts() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families) (void)db->DestroyColumnFamilyHandle(family);
  // Logged by FromRocksDb; what was acknowledged is in the log on disk.
  (void)FromRocksDb(db->Close(), "closing the store");
}

absl::Status RocksDbEngine::Parts::OpenDatabase(const std::string& folder) {
  rocksdb::DBOptions database = options.Database();
  database.listeners.push_back(std::make_shared<FailureListener>(&health));
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      // RocksDB insists; empty. The largest write buffer of all is allocated for the log in
      // advance.
      {rocksdb::kDefaultColumnFamilyName, options.Rows()},
      {"catalog", options.Rows()},
      {"directory", options.Rows()},
      {"slices", options.Rows()},
      {"chunks", options.Chunks()},
  };
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(database, DatabaseFolder(folder), descriptors, &families, &opened);
  if (!status.ok()) return OpenError(status, folder);
  db.reset(opened);
  return absl::OkStatus();
}

absl::Status RocksDbEngine::Parts::OpenJournal(const std::string& folder) {
  const std::string path = JournalPath(folder);
  witnesses = std::make_unique<WitnessRows>(db.get(), families[2]);
  journal =
      std::make_unique<CommitJournal>(CommitJournal::Options{.path = path,
                                                             .env = options.Database().env,
                                                             .rows = witnesses.get(),
                                                             .health = &health,
                                                             .min_rotate_bytes = journal_bytes});
  const absl::Status checked = journal->Check();
  if (!absl::IsDataLoss(checked)) {
    CAIRN_RETURN_IF_ERROR(checked);
    return journal->Start();
  }
  health.Fail(absl::StrCat("DATA_LOSS: ", checked.message()),
              absl::StrCat("restore the data folder from a backup, or move ", path,
                           " away and restart to go on with what is left"));
  return absl::OkStatus();
}

void RocksDbEngine::Parts::MakeStores(const std::string& folder) {
  const bool direct = TakesDirectWrites(IngestFolder(folder));
  if (!direct) CAIRN_LOG(kInfo) << "segments pass the page cache: no O_DIRECT in folder=" << folder;
  table = std::make_unique<RocksDbTable>(
      db.get(),
      RocksDbTable::Families{
          .catalog = families[1], .directory = families[2], .slices = families[3]},
      witnesses.get(), journal.get(), &health);
  segments = std::make_unique<RocksDbSegmentStore>(
      db.get(), families[4],
      RocksDbSegmentStore::Files{.folder = IngestFolder(folder),
                                 .options = rocksdb::Options(options.Database(), options.Chunks()),
                                 .env_options = options.SegmentFile(direct),
                                 .retain_filter = options.retain_filter()},
      &health);
}

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::Open(const std::string& folder,
                                                                   const Options& options) {
  auto parts = std::make_unique<Parts>(options);
  CAIRN_RETURN_IF_ERROR(
      EnsureDescriptors(parts->options.tuning().max_open_files + kOtherDescriptors));
  CAIRN_RETURN_IF_ERROR(PrepareDataFolder(folder));
  CAIRN_RETURN_IF_ERROR(parts->OpenDatabase(folder));
  CAIRN_RETURN_IF_ERROR(parts->OpenJournal(folder));
  CAIRN_RETURN_IF_ERROR(RemoveUnfinishedSegments(IngestFolder(folder)));
  parts->MakeStores(folder);
  return std::unique_ptr<RocksDbEngine>(new RocksDbEngine(std::move(parts)));
}

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::Open(const std::string& folder) {
  return Open(folder, Options());
}

RocksDbEngine::RocksDbEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RocksDbEngine::~RocksDbEngine() = default;
Table* RocksDbEngine::table() { return parts_->table.get(); }
SegmentStore* RocksDbEngine::segments() { return parts_->segments.get(); }
bool RocksDbEngine::read_only() const { return parts_->health.read_only(); }
absl::Status RocksDbEngine::health() const { return parts_->health.Check(); }

}  // namespace cairn::storage
