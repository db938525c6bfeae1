// Between storage's values and the messages of the API. Pure functions.
#ifndef CAIRN_SERVER_CONVERT_H_
#define CAIRN_SERVER_CONVERT_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/box.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "cairn/v1/types.pb.h"
#include "storage/store.h"

namespace cairn::server {

// How the command line names a checkpoint: "runs/mnist@10", "runs/mnist@uid:<hex>" without a
// number.
std::string ReferenceOf(absl::string_view directory, const storage::CheckpointRecord& checkpoint);
// "uid:<hex>": names this checkpoint whatever its number comes to mean.
std::string UidReferenceOf(const storage::CheckpointRecord& checkpoint);
std::string UidHex(absl::string_view uid_bytes);

google::protobuf::Timestamp TimestampOf(absl::Time time);
google::protobuf::Timestamp TimestampOfMicros(int64_t micros);
// Errors: kInvalidArgument (outside the years 1 to 9999 or nanoseconds outside a second).
absl::StatusOr<absl::Time> TimeOf(absl::string_view field,
                                  const google::protobuf::Timestamp& timestamp);

v1::Directory ToApi(const storage::DirectoryInfo& directory);
v1::Checkpoint ToApi(absl::string_view directory, const storage::CheckpointRecord& checkpoint);
v1::SaveSession ToApi(absl::string_view directory, const storage::SessionInfo& session);
v1::Tensor ToApi(const storage::TensorInfo& tensor);
v1::Slice ToApi(const Box& box);
v1::TensorKind ToApi(storage::TensorKind kind);

// The number that an etag stands for; nullopt for an empty one.
// Errors: kInvalidArgument (not an etag of ours).
absl::StatusOr<std::optional<int64_t>> UpdateCountOf(absl::string_view etag);
// Errors: kInvalidArgument (a kind that this server does not know).
absl::StatusOr<storage::TensorKind> KindOf(v1::TensorKind kind);
std::vector<ExtentSpec> ExtentsOf(const v1::Slice& slice);
// Errors: kInvalidArgument (as TimeOf; a time to live outside its limits).
absl::StatusOr<storage::SessionOptions> SessionOptionsOf(const v1::SaveSession& session);
// `keys_below` tells what an object path stands for.
// Errors: kInvalidArgument (as KindOf; an object path of attachments), those of `keys_below`.
absl::StatusOr<storage::Selector> SelectorOf(
    const v1::Selector& selector,
    absl::FunctionRef<absl::StatusOr<std::shared_ptr<const storage::KeySet>>(const std::string&)>
        keys_below);

// The writer that a request means: "0" if it names none.
inline absl::string_view WriterOrDefault(absl::string_view writer) {
  return writer.empty() ? absl::string_view("0") : writer;
}

// A protobuf map as an ordered one.
template <typename Map>
std::map<std::string, typename Map::mapped_type> OrderedMap(const Map& map) {
  return {map.begin(), map.end()};
}

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CONVERT_H_
