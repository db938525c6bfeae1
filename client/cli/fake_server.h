// A server in memory for the tests of the commands: one directory with at most one checkpoint.
#ifndef CAIRN_CLIENT_CLI_FAKE_SERVER_H_
#define CAIRN_CLIENT_CLI_FAKE_SERVER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/box.h"
#include "client/mocks/mock_connection.h"

namespace cairn::cli {

// A MockConnection whose calls do what a server would; tests may replace any of them.
class FakeServer : public ::testing::NiceMock<MockConnection> {
 public:
  FakeServer();

  struct StoredTensor {
    v1::Tensor tensor;  // with its slices
    std::map<Box, std::string> slices;
  };

  // The checkpoint, empty until a commit or SetCheckpoint.
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, StoredTensor> attachments;
  std::optional<v1::Checkpoint> checkpoint;
  // The keys below each object path that is known.
  std::map<std::string, std::set<std::string>> objects;

  void AddTensor(const std::string& key, const std::string& dtype, std::vector<int64_t> shape,
                 const std::string& bytes);
  // A tensor in the slices it was saved in; `partial`: they need not cover it.
  void AddSlices(const std::string& key, const std::string& dtype, std::vector<int64_t> shape,
                 std::map<Box, std::string> slices, bool partial = false);
  void AddAttachment(const std::string& name, const std::string& bytes);
  // Makes what was added the checkpoint runs/a@7.
  void SetCheckpoint();

 protected:
  // Sums up what was uploaded; a commit does it.
  void DescribeUploads();
  // What the calls of these names answer.
  absl::StatusOr<v1::ListTensorsResponse> List(const v1::ListTensorsRequest& request) const;
  absl::StatusOr<v1::OpenRestoreResponse> Open(const v1::OpenRestoreRequest& request);

 private:
  const std::map<std::string, StoredTensor>& StoredOf(v1::TensorKind kind) const;
  // What a selector means; kNotFound if that is nothing.
  absl::StatusOr<std::vector<const StoredTensor*>> Select(const v1::Selector& selector) const;
  absl::StatusOr<v1::Checkpoint> Resolve(const std::string& directory) const;

  // Sets what `tensor` says of the slices.
  static void Describe(StoredTensor* stored);

  v1::SaveSession session_;
  std::vector<const StoredTensor*> to_send_;  // of the restore that is open
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_FAKE_SERVER_H_
