// What the engine asks of the machine before and beside RocksDB: a folder, its file system's
// abilities and file descriptors.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_DATA_FOLDER_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_DATA_FOLDER_H_

#include <string>

#include "absl/status/status.h"

namespace cairn::storage {

// Where things lie in a data folder.
inline std::string DatabaseFolder(const std::string& folder) { return folder + "/db"; }
// Segments while they are written.
inline std::string IngestFolder(const std::string& folder) { return folder + "/ingest"; }

// The witness of what was acknowledged.
inline std::string JournalPath(const std::string& folder) { return folder + "/commits.journal"; }

// Makes the folder and those in it, durably, and checks that they can be written.
// Errors: kPermissionDenied and others of FileSystem, naming the path and what to do.
absl::Status PrepareDataFolder(const std::string& folder);

// Removes what writers left behind when the process last ended. Requires: the database is locked.
absl::Status RemoveUnfinishedSegments(const std::string& ingest_folder);

// Whether files in `folder` can be written past the page cache (O_DIRECT), by trying.
bool TakesDirectWrites(const std::string& folder);

// Raises this process's limit of open files to the most it may have.
// Errors: kResourceExhausted (that is less than `needed`), naming both.
absl::Status EnsureDescriptors(int needed);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_DATA_FOLDER_H_
