// Divides a payload, which may lie in several memory ranges, among the parts that it holds.
#ifndef CAIRN_CLIENT_PAYLOAD_CURSOR_H_
#define CAIRN_CLIENT_PAYLOAD_CURSOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cairn {

class PayloadCursor {
 public:
  // `payload` outlives this.
  explicit PayloadCursor(absl::Span<const absl::string_view> payload) : payload_(payload) {}

  // Appends the next `length` bytes to `ranges`. False when there are fewer, or `length` is
  // negative.
  bool Take(int64_t length, std::vector<absl::string_view>* ranges) {
    if (length < 0) return false;
    while (length > 0) {
      if (at_end()) return false;
      const absl::string_view taken = payload_[range_].substr(offset_, length);
      ranges->push_back(taken);
      offset_ += taken.size();
      length -= static_cast<int64_t>(taken.size());
    }
    return true;
  }

  bool at_end() {
    while (range_ < payload_.size() && offset_ == payload_[range_].size()) {
      ++range_;
      offset_ = 0;
    }
    return range_ == payload_.size();
  }

 private:
  const absl::Span<const absl::string_view> payload_;
  size_t range_ = 0;
  size_t offset_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_PAYLOAD_CURSOR_H_
