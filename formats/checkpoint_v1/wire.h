// Protobuf's wire format, read in pieces: a message may be larger than memory.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_WIRE_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_WIRE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/checkpoint_v1/read_window.h"

namespace cairn {

enum class WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  int number;
  WireType type;
  uint64_t value;  // kVarint alone
  // Where its bytes are, without tag and length.
  int64_t begin;
  int64_t end;

  int64_t size() const { return end - begin; }
};

// Gives the fields of a message, in their order. Errors: kDataLoss ("a message that does not
// parse"), those of the window.
class WireReader {
 public:
  // The message from `begin` to `end` of `window`, which must outlive this.
  WireReader(ReadWindow* window, int64_t begin, int64_t end)
      : window_(*window), position_(begin), end_(end) {}

  bool done() const { return position_ == end_; }
  // The next field, past which it moves. Requires: !done().
  absl::StatusOr<WireField> Next();

 private:
  ReadWindow& window_;
  int64_t position_;
  const int64_t end_;
};

// The bytes of a kBytes field of at most `max_bytes`, at most ReadWindow::kBytes. Errors: kDataLoss
// (another type, longer), those of the window.
absl::StatusOr<std::string> ReadField(ReadWindow* window, const WireField& field,
                                      int64_t max_bytes);

absl::Status DoesNotParse();

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_WIRE_H_
