#include "client/buffer_sink.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/tensor_kind.h"

namespace cairn {
namespace {

// Copies `length` bytes at `offset` of the consecutive `ranges`.
void CopyOut(absl::Span<const absl::string_view> ranges, int64_t offset, int64_t length, char* to) {
  for (absl::string_view range : ranges) {
    const int64_t range_bytes = static_cast<int64_t>(range.size());
    if (offset >= range_bytes) {
      offset -= range_bytes;
      continue;
    }
    const int64_t count = std::min(length, range_bytes - offset);
    if (count > 0) std::memcpy(to, range.data() + offset, count);
    to += count;
    length -= count;
    offset = 0;
    if (length == 0) return;
  }
}

}  // namespace

absl::Status BufferSink::Add(absl::string_view key, const Box& box, int item_bytes,
                             absl::Span<char> buffer) {
  if (item_bytes < 1) return InvalidField("item_bytes", "must be at least 1");
  CAIRN_ASSIGN_OR_RETURN(const int64_t bytes, ByteCount(box.length, item_bytes));
  if (bytes != static_cast<int64_t>(buffer.size())) {
    return InvalidField("buffer", absl::StrCat("box ", ToString(box), " of tensor ", key, " takes ",
                                               bytes, " bytes, the buffer holds ", buffer.size()));
  }
  return AddTarget(key, {ByteBox(box, item_bytes), item_bytes, buffer}, &tensors_);
}

absl::Status BufferSink::AddBytes(absl::string_view key, absl::Span<char> buffer) {
  return AddTarget(key, {Box(), 0, buffer}, &tensors_);
}

absl::Status BufferSink::AddAttachment(absl::string_view name, absl::Span<char> buffer) {
  return AddTarget(name, {Box(), 0, buffer}, &attachments_);
}

absl::Status BufferSink::AddTarget(absl::string_view key, Target target, Targets* targets) {
  if (!targets->emplace(std::string(key), std::move(target)).second) {
    return absl::AlreadyExistsError(absl::StrCat(key, " has a buffer already"));
  }
  return absl::OkStatus();
}

absl::Status BufferSink::Begin(const v1::OpenRestoreResponse& /*restore*/) {
  return absl::OkStatus();
}

absl::Status BufferSink::Write(const ArrivedPart& part) {
  const absl::string_view noun = NounOf(part.part.kind());
  const Targets& targets = part.part.kind() == v1::TENSOR_KIND_ATTACHMENT ? attachments_ : tensors_;
  const auto found = targets.find(absl::string_view(part.part.key()));
  if (found == targets.end()) {
    return InvalidField("selectors", absl::StrCat(noun, " ", part.part.key(),
                                                  " is selected, but no buffer was added for it"));
  }
  const Target& target = found->second;
  if (target.item_bytes == 0) {
    const int64_t buffer_bytes = static_cast<int64_t>(target.buffer.size());
    if (part.offset > buffer_bytes || part.length > buffer_bytes - part.offset) {
      return InvalidField("buffer",
                          absl::StrCat(noun, " ", part.part.key(), " is larger than its buffer of ",
                                       buffer_bytes, " bytes"));
    }
    CopyOut(part.bytes, 0, part.length, target.buffer.data() + part.offset);
    return absl::OkStatus();
  }
  const Box from = ByteBox(part.box, target.item_bytes);
  if (from.rank() != target.box.rank() || part.offset + part.length > Volume(from)) {
    return InvalidField("box", absl::StrCat("tensor ", part.part.key(), " has ", part.box.rank(),
                                            " dimensions of dtype ", part.part.dtype(),
                                            ", which is not what its buffer was added for"));
  }
  const std::optional<Box> common = Intersect(from, target.box);
  if (!common.has_value()) return absl::OkStatus();
  const int64_t begin = InnerElementsBefore(from, *common, part.offset);
  const int64_t end = InnerElementsBefore(from, *common, part.offset + part.length);
  ForEachRun(from, *common, begin, end, [&](int64_t from_offset, int64_t offset, int64_t count) {
    ForEachRun(target.box, *common, offset, offset + count,
               [&](int64_t to_offset, int64_t common_offset, int64_t run_bytes) {
                 CopyOut(part.bytes, from_offset - part.offset + (common_offset - offset),
                         run_bytes, target.buffer.data() + to_offset);
               });
  });
  return absl::OkStatus();
}

}  // namespace cairn
