// Restores into memory.
#ifndef CAIRN_CLIENT_BUFFER_SINK_H_
#define CAIRN_CLIENT_BUFFER_SINK_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "client/restore.h"

namespace cairn {

// Fills buffers of the caller's: each a box of a tensor, row-major. What arrives is put where it
// belongs, however the tensor was cut when it was saved; what lies outside the box is dropped.
//
//   BufferSink sink;
//   CAIRN_RETURN_IF_ERROR(sink.Add("model/w", WholeBox({2, 3}), 4, buffer));
//   client.Restore("runs/mnist", "latest", {selector}, {}, sink);
//
// Add everything before the restore. The buffers outlive it.
class BufferSink : public SliceSink {
 public:
  // The bytes of `key` in `box`, in elements of `item_bytes` bytes.
  // Errors: kInvalidArgument (the buffer has another size), kAlreadyExists (the key is there).
  absl::Status Add(absl::string_view key, const Box& box, int item_bytes, absl::Span<char> buffer);
  // The bytes of the attachment `name`, whose buffer has nothing to do with that of a tensor of
  // this name. Errors: kAlreadyExists.
  absl::Status AddAttachment(absl::string_view name, absl::Span<char> buffer);
  // All bytes of `key` as stored, for dtypes without a fixed width (strings), saved as one slice.
  // Errors: kAlreadyExists.
  absl::Status AddBytes(absl::string_view key, absl::Span<char> buffer);

  absl::Status Begin(const v1::OpenRestoreResponse& restore) override;
  // Errors: kInvalidArgument (a key that was not added, a box of another rank, bytes beyond the
  // buffer).
  absl::Status Write(const ArrivedPart& part) override;

 private:
  struct Target {
    Box box;             // in bytes: the innermost dimension counts the bytes of an element
    int item_bytes = 0;  // 0: no fixed width, the buffer takes the bytes as stored
    absl::Span<char> buffer;
  };
  using Targets = std::map<std::string, Target, std::less<>>;
  static absl::Status AddTarget(absl::string_view key, Target target, Targets* targets);

  Targets tensors_;
  Targets attachments_;
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_BUFFER_SINK_H_
