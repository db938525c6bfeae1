// One log line per call, with an id by which the caller can ask about it.
#ifndef CAIRN_SERVER_REQUEST_LOG_H_
#define CAIRN_SERVER_REQUEST_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/uid.h"

namespace cairn::server {

// Name of the trailing metadata in which every answer carries its call's id.
inline constexpr char kCallIdMetadata[] = "cairn-call-id";

// One call, from its beginning to Finish(). One thread at a time.
class CallRecord {
 public:
  // `call` is the method's name and must outlive this, as must the others.
  explicit CallRecord(absl::string_view call, Clock* clock = Clock::System(),
                      Random* random = Random::System());

  // 16 hex digits.
  const std::string& call_id() const { return call_id_; }

  // Counts payload that came or went.
  void AddBytes(int64_t bytes) { bytes_ += bytes; }

  // The line: "call=GetDirectory code=NOT_FOUND milliseconds=0.4 bytes=0 call_id=3f0c...
  // message=...".
  std::string Line(const absl::Status& status) const;
  // Writes it: what went wrong here as an error, the rest as information.
  void Finish(const absl::Status& status) const;

 private:
  const absl::string_view call_;
  const Clock* const clock_;
  const absl::Time start_;
  const std::string call_id_;
  int64_t bytes_ = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_REQUEST_LOG_H_
