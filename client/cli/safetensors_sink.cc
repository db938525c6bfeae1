#include "client/cli/safetensors_sink.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/dtype.h"
#include "base/error.h"
#include "client/payload_cursor.h"

namespace cairn::cli {

SafetensorsSink::SafetensorsSink(SafetensorsPlan plan) : plan_(std::move(plan)) {
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    tensor_of_key_.emplace(plan_.tensors[i].key, i);
  }
}

absl::StatusOr<std::unique_ptr<SafetensorsSink>> SafetensorsSink::Create(FileSystem* file_system,
                                                                         const std::string& path,
                                                                         SafetensorsPlan plan,
                                                                         bool force) {
  auto sink = std::unique_ptr<SafetensorsSink>(new SafetensorsSink(std::move(plan)));
  CAIRN_ASSIGN_OR_RETURN(sink->writer_,
                         SafetensorsWriter::Create(file_system, path, sink->plan_.tensors,
                                                   sink->plan_.metadata, force));
  return sink;
}

absl::Status SafetensorsSink::Begin(const v1::OpenRestoreResponse& /*restore*/) {
  return absl::OkStatus();
}

absl::Status SafetensorsSink::Write(const ArrivedPart& part) {
  const auto found = tensor_of_key_.find(part.part.key());
  if (found == tensor_of_key_.end()) return absl::OkStatus();
  const SafetensorsWriter::Tensor& tensor = plan_.tensors[found->second];
  const std::optional<Dtype> dtype = FindDtype(tensor.dtype);
  if (!dtype.has_value() || part.part.dtype() != tensor.dtype ||
      !std::equal(tensor.shape.begin(), tensor.shape.end(), part.part.shape().begin(),
                  part.part.shape().end())) {
    return absl::InternalError(absl::StrCat("the server sent tensor ", tensor.key,
                                            " with another dtype or shape than it listed"));
  }
  if (!IsFixedWidth(*dtype)) return WriteRanges(found->second, part.offset, part.bytes);

  const Box whole = ByteBox(WholeBox(tensor.shape), dtype->item_bytes);
  const Box box = ByteBox(part.box, dtype->item_bytes);
  if (part.offset > Volume(box) - part.length) {
    return absl::InternalError(
        absl::StrCat("the server sent tensor ", tensor.key, " with bytes beyond a slice's end"));
  }
  PayloadCursor cursor(part.bytes);
  std::vector<absl::string_view> ranges;
  absl::Status status;
  const int64_t end = part.offset + part.length;
  ForEachRun(whole, box, part.offset, end, [&](int64_t offset, int64_t, int64_t count) {
    if (!status.ok()) return;
    ranges.clear();
    CAIRN_CHECK(cursor.Take(count, &ranges));
    status = WriteRanges(found->second, offset, ranges);
  });
  return status;
}

absl::Status SafetensorsSink::WriteRanges(size_t tensor, int64_t offset,
                                          absl::Span<const absl::string_view> ranges) {
  for (const absl::string_view bytes : ranges) {
    CAIRN_RETURN_IF_ERROR(writer_->WriteAt(tensor, offset, bytes));
    offset += static_cast<int64_t>(bytes.size());
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
