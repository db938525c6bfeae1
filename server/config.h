// cairnd's configuration: a text proto cairn.server.v1.Config, in which every unset field has a
// default.
#ifndef CAIRN_SERVER_CONFIG_H_
#define CAIRN_SERVER_CONFIG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/server/v1/config.pb.h"

namespace cairn::server {

using v1::Config;

inline constexpr int64_t kMaxConfigFileBytes = 1 << 20;

// Reads a text proto. Errors: kInvalidArgument naming `file`, the line and what is wrong there.
absl::StatusOr<Config> ParseConfig(absl::string_view text, absl::string_view file);

// `config` with every unset field at its default, as config.proto documents them.
Config WithDefaults(Config config);

// Whether a server can run with it. Errors: kInvalidArgument naming the field.
absl::Status ValidateConfig(const Config& config);

// The text form, which ParseConfig reads.
std::string ConfigText(const Config& config);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CONFIG_H_
