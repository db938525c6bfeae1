#include "formats/checkpoint_v1/value_walk.h"

#include <algorithm>
#include <string>

#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

constexpr size_t kMaxVarintBytes = 10;
// DT_BOOL
constexpr int32_t kBool = 10;

class Walk {
 public:
  Walk(ReadWindow* window, const ValueEncoding& encoding, const ValueVisitor& visitor)
      : window_(*window), encoding_(encoding), visitor_(visitor) {}

  absl::Status Run(ValuePoint point, int64_t message_end) {
    CAIRN_ASSIGN_OR_RETURN(bool goes_on, PackedNumbers(&point));
    WireReader fields(&window_, point.position, message_end);
    while (goes_on && !fields.done()) {
      CAIRN_ASSIGN_OR_RETURN(const WireField field, fields.Next());
      if (field.number != encoding_.field) {
        CAIRN_RETURN_IF_ERROR(visitor_.other(field));
        continue;
      }
      CAIRN_ASSIGN_OR_RETURN(goes_on, Values(field, &point));
    }
    return absl::OkStatus();
  }

 private:
  // A field of the encoding, of which `point` says what came before.
  absl::StatusOr<bool> Values(const WireField& field, ValuePoint* point) {
    if (encoding_.kind == ValueEncoding::Kind::kStrings) {
      if (field.type != WireType::kBytes) return DoesNotParse();
      CAIRN_ASSIGN_OR_RETURN(const bool goes_on, visitor_.string(field, *point));
      *point = {field.end, 0, point->values + 1, point->string_bytes + field.size()};
      return goes_on;
    }
    if (field.type == WireType::kBytes) {
      // float8_val is no repeated field.
      if (encoding_.number_bytes == 1 && encoding_.kind == ValueEncoding::Kind::kFixed &&
          point->values > 0) {
        return absl::DataLossError("its values are there twice");
      }
      point->position = field.begin;
      point->run_end = field.end;
      return PackedNumbers(point);
    }
    // One number without a list, which any writer of protobuf's may choose.
    point->position = field.end;
    point->run_end = 0;
    ++point->values;
    std::string number;
    if (encoding_.kind == ValueEncoding::Kind::kVarint && field.type == WireType::kVarint) {
      AppendNumber(field.value, &number);
    } else if (encoding_.kind == ValueEncoding::Kind::kFixed &&
               field.size() == encoding_.number_bytes) {
      CAIRN_ASSIGN_OR_RETURN(const absl::string_view bytes, window_.At(field.begin, field.size()));
      number = std::string(bytes.substr(0, static_cast<size_t>(field.size())));
    } else {
      return DoesNotParse();
    }
    return visitor_.numbers(number, *point);
  }

  // The rest of the list that `point` is in, if it is in one.
  absl::StatusOr<bool> PackedNumbers(ValuePoint* point) {
    while (point->position < point->run_end) {
      CAIRN_ASSIGN_OR_RETURN(absl::string_view bytes, window_.At(point->position, kMaxVarintBytes));
      bytes = bytes.substr(0, static_cast<size_t>(point->run_end - point->position));
      const bool is_last = point->position + static_cast<int64_t>(bytes.size()) == point->run_end;
      const absl::string_view numbers = encoding_.kind == ValueEncoding::Kind::kFixed
                                            ? WholeNumbers(bytes)
                                            : DecodeVarints(is_last, bytes);
      // Nothing came of what is left: a number is cut, or longer than numbers are.
      if (numbers.empty()) return DoesNotParse();
      point->position += consumed_;
      point->values += static_cast<int64_t>(numbers.size()) / encoding_.number_bytes;
      CAIRN_ASSIGN_OR_RETURN(const bool goes_on, visitor_.numbers(numbers, *point));
      if (!goes_on) return false;
    }
    return true;
  }

  // As many numbers as are whole.
  absl::string_view WholeNumbers(absl::string_view bytes) {
    const size_t size = bytes.size() - bytes.size() % static_cast<size_t>(encoding_.number_bytes);
    consumed_ = static_cast<int64_t>(size);
    return bytes.substr(0, size);
  }

  // As many numbers as are certainly whole, in our layout. Valid until the next call.
  absl::string_view DecodeVarints(bool is_last, absl::string_view bytes) {
    const size_t before = bytes.size();
    decoded_.clear();
    while (!bytes.empty() && (is_last || bytes.size() >= kMaxVarintBytes)) {
      uint64_t value = 0;
      if (!ConsumeVarint(&bytes, &value)) break;
      AppendNumber(value, &decoded_);
    }
    consumed_ = static_cast<int64_t>(before - bytes.size());
    return decoded_;
  }

  void AppendNumber(uint64_t value, std::string* out) const {
    if (encoding_.dtype == kBool) value = value == 0 ? 0 : 1;
    AppendFixed(value, encoding_.number_bytes, out);
  }

  ReadWindow& window_;
  const ValueEncoding& encoding_;
  const ValueVisitor& visitor_;
  std::string decoded_;
  int64_t consumed_ = 0;  // bytes of the list, by the last decoding
};

}  // namespace

absl::Status WalkValues(ReadWindow* window, const ValueEncoding& encoding, ValuePoint start,
                        int64_t message_end, const ValueVisitor& visitor) {
  return Walk(window, encoding, visitor).Run(start, message_end);
}

}  // namespace cairn
