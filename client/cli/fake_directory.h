// A server in memory for the tests of whole folders: one directory with any number of checkpoints.
#ifndef CAIRN_CLIENT_CLI_FAKE_DIRECTORY_H_
#define CAIRN_CLIENT_CLI_FAKE_DIRECTORY_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/fake_server.h"

namespace cairn::cli {

// A FakeServer whose checkpoints stay. Restores name theirs by uid.
class FakeDirectory : public FakeServer {
 public:
  FakeDirectory();

  std::optional<v1::Directory> directory;           // unset until something makes it
  std::vector<v1::Checkpoint> checkpoints;          // in order of commit
  std::map<std::string, v1::SaveSession> sessions;  // that are open, by id
  int commits_until_crash = -1;  // then every save fails and leaves its session; negative: never

 private:
  absl::StatusOr<v1::SaveSession> OpenSession(v1::SaveSession session);
  absl::StatusOr<v1::Checkpoint> Commit(const std::string& session);
  // Makes the checkpoint `reference`, "uid:...", the one that the FakeServer answers for.
  absl::Status Load(const std::string& reference);

  std::map<std::string, std::map<std::string, StoredTensor>> tensors_by_uid_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_FAKE_DIRECTORY_H_
