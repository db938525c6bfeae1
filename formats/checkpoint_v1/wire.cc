#include "formats/checkpoint_v1/wire.h"

#include "absl/strings/str_cat.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

constexpr int kTypeBits = 3;
// Tag and length, or tag and value.
constexpr int64_t kMaxHeaderBytes = 20;
// Protobuf's largest.
constexpr uint64_t kMaxFieldNumber = (uint64_t{1} << 29) - 1;

}  // namespace

absl::Status DoesNotParse() { return absl::DataLossError("a message does not parse"); }

absl::StatusOr<WireField> WireReader::Next() {
  CAIRN_ASSIGN_OR_RETURN(absl::string_view bytes, window_.At(position_, kMaxHeaderBytes));
  bytes = bytes.substr(0, static_cast<size_t>(end_ - position_));
  const size_t before = bytes.size();
  uint64_t tag = 0;
  if (!ConsumeVarint(&bytes, &tag)) return DoesNotParse();
  const uint64_t number = tag >> kTypeBits;
  if (number == 0 || number > kMaxFieldNumber) return DoesNotParse();
  WireField field{static_cast<int>(number), static_cast<WireType>(tag & ((1 << kTypeBits) - 1)), 0,
                  0, 0};
  uint64_t size = 0;
  switch (field.type) {
    case WireType::kVarint:
      if (!ConsumeVarint(&bytes, &field.value)) return DoesNotParse();
      break;
    case WireType::kFixed64:
      size = 8;
      break;
    case WireType::kBytes:
      if (!ConsumeVarint(&bytes, &size)) return DoesNotParse();
      break;
    case WireType::kFixed32:
      size = 4;
      break;
    default:  // groups, which TensorFlow's messages do not have
      return DoesNotParse();
  }
  field.begin = position_ + static_cast<int64_t>(before - bytes.size());
  if (size > static_cast<uint64_t>(end_ - field.begin)) return DoesNotParse();
  field.end = field.begin + static_cast<int64_t>(size);
  position_ = field.end;
  return field;
}

absl::StatusOr<std::string> ReadField(ReadWindow* window, const WireField& field,
                                      int64_t max_bytes) {
  if (field.type != WireType::kBytes) return DoesNotParse();
  if (field.size() > max_bytes) {
    return absl::DataLossError(
        absl::StrCat("a field of ", field.size(), " bytes, more than ", max_bytes));
  }
  CAIRN_ASSIGN_OR_RETURN(const absl::string_view bytes, window->At(field.begin, field.size()));
  return std::string(bytes.substr(0, static_cast<size_t>(field.size())));
}

}  // namespace cairn
