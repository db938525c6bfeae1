// What an export has written so far, in the folder itself, so that an interrupted one goes on.
#ifndef CAIRN_CLIENT_CLI_EXPORT_JOURNAL_H_
#define CAIRN_CLIENT_CLI_EXPORT_JOURNAL_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn::cli {

inline constexpr char kExportJournalFile[] = ".cairn-export";

// A line that names the directory, then one for each checkpoint whose files are whole.
class ExportJournal {
 public:
  // That of an export of the directory `directory_uid`, to be begun. `folder` ends with "/".
  // `file_system` is not owned.
  ExportJournal(FileSystem* file_system, const std::string& folder,
                const std::string& directory_uid);

  // Whether the folder has one.
  bool IsThere() const;
  // Takes up the one that is there. Errors: kFailedPrecondition with ERROR_REASON_BAD_FILE (of
  // another directory, or damaged), those of FileSystem.
  absl::Status Read();
  // Puts it there, with no checkpoint.
  absl::Status Begin();

  // Whether the index of the checkpoint `uid` under `name` is as this export wrote it.
  bool IsWhole(absl::string_view uid, const std::string& name) const;
  // Notes that it is whole. Errors: those of FileSystem.
  absl::Status Add(absl::string_view uid, const std::string& name);
  // Ends it, for the export is complete.
  absl::Status Remove();

 private:
  std::string IndexPath(const std::string& name) const;
  absl::Status Write() const;

  FileSystem* const file_system_;
  const std::string folder_;
  const std::string path_;
  const std::string directory_uid_;
  std::map<std::string, std::string> whole_;  // name to "<uid> <content mark>"
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_EXPORT_JOURNAL_H_
