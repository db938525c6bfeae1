#include "client/cli/results.h"

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

google::protobuf::Timestamp TimestampFrom(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

absl::Time TimeFrom(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string TimeText(const google::protobuf::Timestamp& time) { return Rfc3339(TimeFrom(time)); }

}  // namespace cairn::cli
