#include "server/request_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/key_text.h"
#include "base/logging.h"

namespace cairn::server {
namespace {

constexpr size_t kMaxMessageBytes = 500;

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kDataLoss ||
         code == absl::StatusCode::kUnknown;
}

}  // namespace

CallRecord::CallRecord(absl::string_view call, Clock* clock, Random* random)
    : call_(call),
      clock_(clock),
      start_(clock->Now()),
      call_id_(absl::StrCat(absl::Hex(random->Next(), absl::kZeroPad16))) {}

std::string CallRecord::Line(const absl::Status& status) const {
  const double milliseconds = absl::ToDoubleMilliseconds(clock_->Now() - start_);
  std::string line =
      absl::StrFormat("call=%s code=%s milliseconds=%.1f bytes=%d call_id=%s", call_,
                      absl::StatusCodeToString(status.code()), milliseconds, bytes_, call_id_);
  if (!status.ok()) {
    // A message may quote the request; as key text it stays on its line.
    absl::StrAppend(&line,
                    " message=", KeyTextFromBytes(status.message().substr(0, kMaxMessageBytes)));
  }
  return line;
}

void CallRecord::Finish(const absl::Status& status) const {
  if (IsOurFault(status.code())) {
    CAIRN_LOG(kError) << Line(status);
  } else {
    CAIRN_LOG(kInfo) << Line(status);
  }
}

}  // namespace cairn::server
