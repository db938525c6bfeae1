// Which directories there are. The catalog's rows map paths to uids; what a directory holds is in
// the partition of that uid, which begins with its head.
#ifndef CAIRN_STORAGE_CATALOG_H_
#define CAIRN_STORAGE_CATALOG_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/record_rows.h"
#include "storage/store.h"

namespace cairn::storage {

// A directory as it was read. A batch that requires the head's bytes acts on exactly this state.
struct Directory {
  Uid uid;
  Stored<DirectoryHead> head;

  const std::string& path() const { return head.record.path(); }
  Partition partition() const { return Partition::Directory(uid); }
};

// Thread-safe. The engines in the options are not owned and outlive this.
class Catalog {
 public:
  explicit Catalog(const StoreOptions& options) : options_(options) {}

  // Errors: kInvalidArgument (malformed path), kNotFound with reason DIRECTORY_NOT_FOUND.
  absl::StatusOr<Directory> Find(absl::string_view path) const;
  // As Find, but makes the directory if it is not there.
  absl::StatusOr<Directory> FindOrCreate(absl::string_view path);

  // As the Store's methods of the same names.
  absl::StatusOr<DirectoryInfo> Create(absl::string_view path,
                                       const CreateDirectoryOptions& options);
  absl::StatusOr<DirectoryInfo> Update(absl::string_view path,
                                       const UpdateDirectoryOptions& options);
  absl::Status Delete(absl::string_view path, bool force, std::optional<int64_t> if_update_count,
                      absl::string_view request_id);
  absl::StatusOr<ListPage<DirectoryInfo>> List(absl::string_view after, int page_size) const;

  // --- For the collector.

  // Makes the catalog forget a directory whose head says that it is deleted. Idempotent.
  absl::Status BuryDeleted(const Directory& deleted);
  // Whether the catalog leads to this directory.
  absl::StatusOr<bool> Lists(const Directory& directory) const;
  // Erases the tombstones older than kEndedKept.
  absl::Status ForgetTombstones();
  // The head of a directory's partition, a deleted one's too; nullopt: there is none.
  absl::StatusOr<std::optional<Directory>> Load(const Uid& uid) const;

 private:
  using CatalogRow = std::optional<Stored<v1::CatalogRecord>>;

  absl::StatusOr<CatalogRow> ReadRow(absl::string_view path) const;
  // The directory that the row leads to, deleted or not; nullopt for no row and for a tombstone.
  absl::StatusOr<std::optional<Directory>> Follow(const CatalogRow& row) const;
  // `join`: one that is there already is as good.
  absl::StatusOr<Directory> CreateOrJoin(absl::string_view path,
                                         const CreateDirectoryOptions& options, bool join);
  absl::StatusOr<Uid> WriteNewHead(absl::string_view path, const CreateDirectoryOptions& options);
  absl::Status CheckDeletable(const Directory& directory, bool force,
                              std::optional<int64_t> if_update_count) const;

  const StoreOptions options_;
};

// OK if annotations and metrics are within kMaxAnnotations and kMaxAnnotationBytes, names and texts
// together, and names are UTF-8 of 1 byte at least.
// Errors: kInvalidArgument.
absl::Status ValidateNotes(const std::map<std::string, std::string>& annotations,
                           const std::map<std::string, double>& metrics);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_CATALOG_H_
