// Reads bytes that may be more than memory holds, through a buffer that moves along.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_READ_WINDOW_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_READ_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/error.h"

namespace cairn {

class ReadWindow {
 public:
  static constexpr int64_t kBytes = 256 << 10;

  // Fills a span from an offset.
  using ReadFn = std::function<absl::Status(int64_t offset, absl::Span<char> out)>;

  // `end`: no byte from there on is read.
  ReadWindow(ReadFn read, int64_t end) : read_(std::move(read)), end_(end) {}

  // Bytes from `offset` on: at least `wanted`, fewer only where the end is nearer. Valid until the
  // next call. Requires: 0 <= offset <= end, wanted <= kBytes. Errors: those of the ReadFn.
  absl::StatusOr<absl::string_view> At(int64_t offset, int64_t wanted) {
    wanted = std::min(wanted, end_ - offset);
    const int64_t buffer_end = begin_ + static_cast<int64_t>(buffer_.size());
    if (offset < begin_ || offset + wanted > buffer_end) {
      buffer_.resize(static_cast<size_t>(std::min(kBytes, end_ - offset)));
      begin_ = offset;
      absl::Status read = read_(offset, absl::MakeSpan(buffer_));
      if (!read.ok()) {
        buffer_.clear();
        return read;
      }
    }
    return absl::string_view(buffer_).substr(static_cast<size_t>(offset - begin_));
  }

 private:
  const ReadFn read_;
  const int64_t end_;
  int64_t begin_ = 0;  // of the buffer
  std::string buffer_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_READ_WINDOW_H_
