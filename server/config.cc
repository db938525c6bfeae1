#include "server/config.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/admission.h"
#include "server/validate.h"

namespace cairn::server {
namespace {

// Keeps the first complaint of the parser.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text.empty()) return;
    text = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  std::string text;
};

}  // namespace

absl::StatusOr<Config> ParseConfig(absl::string_view text, absl::string_view file) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  Config config;
  if (!parser.ParseFromString(std::string(text), &config)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the configuration ", file, ":", error.text,
                     "; proto/cairn/server/v1/config.proto lists the fields"));
  }
  return config;
}

Config WithDefaults(Config config) {
  if (config.listen().empty()) config.set_listen("127.0.0.1:7070");
  if (config.max_streams() == 0) config.set_max_streams(64);
  if (config.buffer_bytes() == 0) config.set_buffer_bytes(128 << 20);
  if (config.drain_seconds() == 0) config.set_drain_seconds(30);
  if (config.reserve_bytes() == 0) config.set_reserve_bytes(1 << 30);
  if (!config.has_reflection()) config.set_reflection(true);
  if (config.collect_seconds() == 0) config.set_collect_seconds(10);
  return config;
}

absl::Status ValidateConfig(const Config& config) {
  constexpr int64_t kNoLimit = int64_t{1} << 60;
  const size_t colon = config.listen().rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(config.listen().substr(colon + 1), &port) || port < 0 || port > 65535) {
    return InvalidField("listen",
                        absl::StrCat("is '", config.listen(),
                                     "'; it must be HOST:PORT, for example 127.0.0.1:7070"));
  }
  if (config.data().empty()) {
    return InvalidField("data",
                        "is required: the folder of the store, for example --data=/var/lib/cairn");
  }
  CAIRN_RETURN_IF_ERROR(ValidateRange("max_streams", config.max_streams(), 1, 4096));
  CAIRN_RETURN_IF_ERROR(
      ValidateRange("buffer_bytes", config.buffer_bytes(), kStreamBufferBytes, kNoLimit));
  CAIRN_RETURN_IF_ERROR(ValidateRange("drain_seconds", config.drain_seconds(), 1, 86400));
  CAIRN_RETURN_IF_ERROR(ValidateRange("reserve_bytes", config.reserve_bytes(), 1, kNoLimit));
  return ValidateRange("collect_seconds", config.collect_seconds(), 1, 86400);
}

std::string ConfigText(const Config& config) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  return text;
}

}  // namespace cairn::server
