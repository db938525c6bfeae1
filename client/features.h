// What a server must know before it is asked: an older one would ignore the field and answer
// something else.
#ifndef CAIRN_CLIENT_FEATURES_H_
#define CAIRN_CLIENT_FEATURES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/connection.h"

namespace cairn {

// In ServerInfo.features: the fields of these names.
inline constexpr absl::string_view kObjectPathFeature = "object_path";
inline constexpr absl::string_view kPreservedFeature = "preserved";
inline constexpr absl::string_view kIncrementalFeature = "incremental";
inline constexpr absl::string_view kCommitWhenSealedFeature = "commit_when_sealed";

bool HasFeature(const v1::ServerInfo& info, absl::string_view feature);

// OK if the server has the feature. Asks it. Errors: kUnimplemented with reason NOT_YET (it has
// not), those of Connection.
absl::Status RequireFeature(Connection& connection, absl::string_view feature);

}  // namespace cairn

#endif  // CAIRN_CLIENT_FEATURES_H_
