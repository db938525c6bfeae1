#include "client/cli/output.h"

#include <string>

#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn::cli {

void Output::Print(absl::string_view text) {
  CAIRN_CHECK(!options_.json);
  results_ << text << std::flush;
}

absl::Status Output::Write(absl::string_view bytes) {
  CAIRN_CHECK(!options_.json);
  results_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  if (results_) return absl::OkStatus();
  return absl::UnavailableError("cannot write the output; check where it goes");
}

void Output::PrintJson(const Json& document) {
  CAIRN_CHECK(options_.json);
  // Messages may hold paths that are not UTF-8.
  results_ << document.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

void Output::PrintError(const absl::Status& status) {
  errors_ << (options_.colors ? "\033[31merror:\033[0m " : "error: ") << status.message()
          << std::endl;
  if (!options_.json) return;
  const std::string reason = v1::ErrorReason_Name(ReasonOf(status));
  PrintJson({{"error",
              {{"code", absl::StatusCodeToString(status.code())},
               {"reason", std::string(absl::StripPrefix(reason, "ERROR_REASON_"))},
               {"message", std::string(status.message())}}}});
}

}  // namespace cairn::cli
