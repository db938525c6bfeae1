// How programs save to and restore from a Cairn server.
//
//   CAIRN_ASSIGN_OR_RETURN(Client client, Client::Connect("localhost:7070"));
//   std::vector<float> weights = ...;
//   SliceToSave slice = WholeTensor("model/w", "float32", {2, 3}, BytesOf(weights));
//   CAIRN_ASSIGN_OR_RETURN(SaveResult saved, client.Save("runs/mnist", {&slice, 1}, {}));
//
// Copies share one connection. Thread-safe. Does not connect before the first call.
//
// Errors of every call: what the server answers, its cairn.v1.ErrorDetail attached; kUnavailable
// with reason CONNECTION_LOST when it cannot be reached within the retry policy's limit.
#ifndef CAIRN_CLIENT_CLIENT_H_
#define CAIRN_CLIENT_CLIENT_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "client/buffer_sink.h"
#include "client/connection.h"
#include "client/restore.h"
#include "client/save.h"

namespace cairn {

class Client {
 public:
  // `server`: "HOST:PORT". Errors: kInvalidArgument (not of that form).
  static absl::StatusOr<Client> Connect(absl::string_view server);
  // Over a connection of the caller's, a mock for example.
  explicit Client(std::shared_ptr<Connection> connection);

  // Saves `slices` as one checkpoint: opens a session, sends everything over several streams, seals
  // and commits; on failure aborts the session, so that nothing is visible. Their bytes are read
  // while it runs and must not change. What the checkpoint that this client saved there last holds
  // already is not sent again, under whatever key (SaveOptions::base). A stream that breaks goes on
  // with what was not durable yet. Errors: kDataLoss (a slice's bytes are not those of its expected
  // sum; the key is named), kAlreadyExists (the number is in use), kUnimplemented with reason
  // NOT_YET (the server lacks what an option asks for), a source's own.
  absl::StatusOr<SaveResult> Save(absl::string_view directory, absl::Span<const SliceToSave> slices,
                                  const SaveOptions& options);

  // Restores what `selectors` match (none: every tensor) of one checkpoint into `sink`, over
  // several streams. Every byte was compared with the sum that its saver made before the sink sees
  // it. A stream that breaks goes on behind what the sink has taken. Errors: kNotFound (reference,
  // or a selector matches nothing), kDataLoss (the key is named), kFailedPrecondition with reason
  // RESTORE_LOST (the server restarted meanwhile), kUnimplemented with reason NOT_YET (object
  // paths, which the server does not know), the sink's own.
  absl::StatusOr<RestoreResult> Restore(absl::string_view directory, absl::string_view checkpoint,
                                        const std::vector<v1::Selector>& selectors,
                                        const RestoreOptions& options, SliceSink& sink);

  // The lists, all pages of them.
  absl::StatusOr<std::vector<v1::Directory>> ListDirectories();
  absl::StatusOr<std::vector<v1::Checkpoint>> ListCheckpoints(absl::string_view directory);
  absl::StatusOr<std::vector<v1::SaveSession>> ListSaveSessions(absl::string_view directory);
  // One page at a time goes to `visit`, so that memory does not grow with the checkpoint; its error
  // ends the call. Errors: NOT_YET as above.
  absl::Status ListTensors(const v1::ListTensorsRequest& request,
                           absl::FunctionRef<absl::Status(const v1::ListTensorsResponse&)> visit);

  // Everything else, call by call.
  Connection& connection() { return *connection_; }

 private:
  class LastSaves;

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<LastSaves> last_saves_;  // of all copies
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_CLIENT_H_
