#include "client/cli/results.h"

#include "absl/time/time.h"
#include "base/human.h"

namespace cairn::cli {

Json CheckpointName(const v1::Checkpoint& checkpoint) {
  Json name;
  name["directory"] = checkpoint.directory();
  name["number"] = checkpoint.has_number() ? Json(checkpoint.number()) : Json();
  name["uid"] = checkpoint.uid();
  name["reference"] = checkpoint.reference();
  return name;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return Rfc3339(absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()));
}

}  // namespace cairn::cli
