#include "formats/checkpoint_v1/tensor_values.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "formats/checkpoint_v1/checkpoint_v1.pb.h"
#include "formats/checkpoint_v1/read_window.h"
#include "formats/checkpoint_v1/value_walk.h"
#include "formats/checkpoint_v1/wire.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

using formats::TensorProto;
using Kind = ValueEncoding::Kind;

// Between two points.
constexpr int64_t kPointBytes = 64 << 10;
// Of a string in our layout.
constexpr int64_t kLengthBytes = 8;
// Of a shape, whose dimensions may have names.
constexpr int64_t kMaxShapeBytes = 64 << 10;

constexpr ValueEncoding kEncodings[] = {
    {1, TensorProto::kFloatValFieldNumber, Kind::kFixed, 4, 1},
    {2, TensorProto::kDoubleValFieldNumber, Kind::kFixed, 8, 1},
    {3, TensorProto::kIntValFieldNumber, Kind::kVarint, 4, 1},
    {4, TensorProto::kIntValFieldNumber, Kind::kVarint, 1, 1},  // uint8
    {5, TensorProto::kIntValFieldNumber, Kind::kVarint, 2, 1},  // int16
    {6, TensorProto::kIntValFieldNumber, Kind::kVarint, 1, 1},  // int8
    {7, TensorProto::kStringValFieldNumber, Kind::kStrings, 0, 1},
    {8, TensorProto::kScomplexValFieldNumber, Kind::kFixed, 4, 2},
    {9, TensorProto::kInt64ValFieldNumber, Kind::kVarint, 8, 1},
    {10, TensorProto::kBoolValFieldNumber, Kind::kVarint, 1, 1},
    {11, TensorProto::kIntValFieldNumber, Kind::kVarint, 1, 1},   // qint8
    {12, TensorProto::kIntValFieldNumber, Kind::kVarint, 1, 1},   // quint8
    {13, TensorProto::kIntValFieldNumber, Kind::kVarint, 4, 1},   // qint32
    {14, TensorProto::kHalfValFieldNumber, Kind::kVarint, 2, 1},  // bfloat16
    {15, TensorProto::kIntValFieldNumber, Kind::kVarint, 2, 1},   // qint16
    {16, TensorProto::kIntValFieldNumber, Kind::kVarint, 2, 1},   // quint16
    {17, TensorProto::kIntValFieldNumber, Kind::kVarint, 2, 1},   // uint16
    {18, TensorProto::kDcomplexValFieldNumber, Kind::kFixed, 8, 2},
    {19, TensorProto::kHalfValFieldNumber, Kind::kVarint, 2, 1},
    {22, TensorProto::kUint32ValFieldNumber, Kind::kVarint, 4, 1},
    {23, TensorProto::kUint64ValFieldNumber, Kind::kVarint, 8, 1},
    {24, TensorProto::kFloat8ValFieldNumber, Kind::kFixed, 1, 1},  // float8_e5m2
    {25, TensorProto::kFloat8ValFieldNumber, Kind::kFixed, 1, 1},  // float8_e4m3fn
    {26, TensorProto::kFloat8ValFieldNumber, Kind::kFixed, 1, 1},  // float8_e4m3fnuz
    {27, TensorProto::kFloat8ValFieldNumber, Kind::kFixed, 1, 1},  // float8_e4m3b11fnuz
    {28, TensorProto::kFloat8ValFieldNumber, Kind::kFixed, 1, 1},  // float8_e5m2fnuz
};

// Both must outlive it.
ReadWindow WindowOf(const ValueTables& tables, const TableValue& value) {
  return ReadWindow(
      [&](int64_t offset, absl::Span<char> out) { return tables.Read(value, offset, out); },
      value.size);
}

// The bytes of `size` from `begin` of a string, some at a time.
absl::Status ForEachPiece(ReadWindow* window, int64_t begin, int64_t size,
                          absl::FunctionRef<void(absl::string_view piece)> visit) {
  while (size > 0) {
    const int64_t wanted = std::min(size, ReadWindow::kBytes);
    CAIRN_ASSIGN_OR_RETURN(absl::string_view piece, window->At(begin, wanted));
    piece = piece.substr(0, static_cast<size_t>(size));
    visit(piece);
    begin += static_cast<int64_t>(piece.size());
    size -= static_cast<int64_t>(piece.size());
  }
  return absl::OkStatus();
}

std::string LengthOf(const WireField& string) {
  std::string length;
  AppendFixed(static_cast<uint64_t>(string.size()), kLengthBytes, &length);
  return length;
}

// Copies what is in both: bytes that stand from `at` on, and `out` from `offset` on. Returns
// whether more of `out` comes after them.
bool CopyOverlap(absl::string_view bytes, int64_t at, int64_t offset, absl::Span<char> out) {
  const int64_t out_end = offset + static_cast<int64_t>(out.size());
  const int64_t bytes_end = at + static_cast<int64_t>(bytes.size());
  const int64_t begin = std::max(at, offset);
  const int64_t end = std::min(bytes_end, out_end);
  if (begin < end) {
    std::memcpy(out.data() + (begin - offset), bytes.data() + (begin - at),
                static_cast<size_t>(end - begin));
  }
  return bytes_end < out_end;
}

absl::Status OtherTensor() {
  return absl::DataLossError("the file has changed since it was opened");
}

// The last of `points` of which `key` is not beyond `offset`.
const ValuePoint& PointBefore(const std::vector<ValuePoint>& points, int64_t offset,
                              absl::FunctionRef<int64_t(const ValuePoint&)> key) {
  const auto after = std::upper_bound(
      points.begin(), points.end(), offset,
      [&](int64_t wanted, const ValuePoint& point) { return wanted < key(point); });
  return *(after - 1);
}

absl::StatusOr<bool> NoNumbers(absl::string_view, const ValuePoint&) { return OtherTensor(); }
absl::StatusOr<bool> NoString(const WireField&, const ValuePoint&) { return OtherTensor(); }
absl::Status Skip(const WireField&) { return absl::OkStatus(); }

}  // namespace

const ValueEncoding* FindValueEncoding(int32_t dtype) {
  for (const ValueEncoding& encoding : kEncodings) {
    if (encoding.dtype == dtype) return &encoding;
  }
  return nullptr;
}

// One pass over the message, which finds out everything.
class TensorValues::Scanner {
 public:
  Scanner(ReadWindow* window, const ValueEncoding& encoding, absl::Span<const int64_t> shape,
          int64_t expected_values, TensorValues* values)
      : window_(*window),
        encoding_(encoding),
        shape_(shape),
        expected_(expected_values),
        values_(*values) {}

  absl::Status Run(int64_t begin, int64_t end) {
    values_.points_.push_back({begin, 0, 0, 0});
    const auto numbers = [this](absl::string_view bytes, const ValuePoint& after) {
      return Numbers(bytes, after);
    };
    const auto string = [this](const WireField& field, const ValuePoint& before) {
      return String(field, before);
    };
    const auto other = [this](const WireField& field) { return Other(field); };
    CAIRN_RETURN_IF_ERROR(
        WalkValues(&window_, encoding_, values_.points_.front(), end, {numbers, string, other}));
    if (count_ != expected_) return WrongNumber(absl::StrCat(count_));
    values_.values_ = count_;
    if (encoding_.kind == Kind::kStrings) {
      values_.bytes_count_ = kLengthBytes * count_ + string_bytes_;
      values_.crc32c_ = ConcatCrc32c(crc32c_, strings_crc32c_, string_bytes_);
    } else {
      values_.bytes_count_ = encoding_.number_bytes * count_;
      values_.crc32c_ = crc32c_;
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<bool> Numbers(absl::string_view bytes, const ValuePoint& after) {
    count_ = after.values;
    if (count_ > expected_) return WrongNumber("too many");
    crc32c_ = ExtendCrc32c(crc32c_, bytes);
    NotePoint(after);
    return true;
  }

  absl::StatusOr<bool> String(const WireField& field, const ValuePoint& before) {
    NotePoint(before);
    count_ = before.values + 1;
    if (count_ > expected_) return WrongNumber("too many");
    crc32c_ = ExtendCrc32c(crc32c_, LengthOf(field));
    string_bytes_ += field.size();
    CAIRN_RETURN_IF_ERROR(
        ForEachPiece(&window_, field.begin, field.size(), [this](absl::string_view piece) {
          strings_crc32c_ = ExtendCrc32c(strings_crc32c_, piece);
        }));
    return true;
  }

  absl::Status Other(const WireField& field) {
    switch (field.number) {
      case TensorProto::kDtypeFieldNumber:
        if (field.type == WireType::kVarint &&
            field.value == static_cast<uint64_t>(encoding_.dtype)) {
          return absl::OkStatus();
        }
        return absl::DataLossError(absl::StrCat("its values are of TensorFlow's dtype ",
                                                field.value, ", not ", encoding_.dtype));
      case TensorProto::kTensorShapeFieldNumber:
        return CheckShape(field);
      case TensorProto::kVersionNumberFieldNumber:
        return absl::OkStatus();
      default:
        break;
    }
    // Of fields that are no values nothing is known, as of those of a later TensorFlow.
    const bool is_empty = field.type == WireType::kBytes && field.size() == 0;
    if (field.number > TensorProto::kFloat8ValFieldNumber || is_empty) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("it has values in field ", field.number,
                                            ", those of its dtype are in field ", encoding_.field));
  }

  absl::Status CheckShape(const WireField& field) {
    CAIRN_ASSIGN_OR_RETURN(const std::string bytes, ReadField(&window_, field, kMaxShapeBytes));
    formats::TensorShape shape;
    if (!shape.ParseFromString(bytes)) return DoesNotParse();
    std::vector<int64_t> sizes;
    for (const auto& dim : shape.dim()) sizes.push_back(dim.size());
    if (sizes == shape_ && !shape.unknown_rank()) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("its values have the shape ", ShapeToString(sizes),
                                            ", not ", ShapeToString(shape_)));
  }

  void NotePoint(const ValuePoint& point) {
    if (point.position - values_.points_.back().position >= kPointBytes) {
      values_.points_.push_back(point);
    }
  }

  absl::Status WrongNumber(absl::string_view found) const {
    return absl::DataLossError(absl::StrCat("it has ", found, " values, but its shape ",
                                            ShapeToString(shape_), " takes ", expected_));
  }

  ReadWindow& window_;
  const ValueEncoding& encoding_;
  const absl::Span<const int64_t> shape_;
  const int64_t expected_;
  TensorValues& values_;
  int64_t count_ = 0;
  int64_t string_bytes_ = 0;
  uint32_t crc32c_ = 0;          // of strings: of their lengths
  uint32_t strings_crc32c_ = 0;  // of the strings one after the other
};

absl::StatusOr<TensorValues> TensorValues::Scan(const ValueTables& tables,
                                                const TableValue& table_value, int64_t begin,
                                                int64_t end, const ValueEncoding& encoding,
                                                absl::Span<const int64_t> shape) {
  const int item_bytes = std::max(encoding.number_bytes * encoding.numbers_an_element, 1);
  // So that no product of what follows passes 63 bits.
  CAIRN_ASSIGN_OR_RETURN(const int64_t bytes_count, ByteCount(shape, item_bytes));
  TensorValues values;
  values.encoding_ = &encoding;
  values.table_value_ = table_value;
  values.end_ = end;
  ReadWindow window = WindowOf(tables, table_value);
  CAIRN_RETURN_IF_ERROR(Scanner(&window, encoding, shape,
                                bytes_count / item_bytes * encoding.numbers_an_element, &values)
                            .Run(begin, end));
  values.points_.shrink_to_fit();
  return values;
}

absl::Status TensorValues::Read(const ValueTables& tables, int64_t offset,
                                absl::Span<char> out) const {
  if (offset < 0 || offset > bytes_count_ ||
      out.size() > static_cast<uint64_t>(bytes_count_ - offset)) {
    return absl::OutOfRangeError(absl::StrCat("a slice of ", bytes_count_, " bytes has no ",
                                              out.size(), " bytes at ", offset));
  }
  ReadWindow window = WindowOf(tables, table_value_);
  if (encoding_->kind != Kind::kStrings) return ReadNumbers(&window, offset, out);
  const int64_t lengths_bytes = kLengthBytes * values_;
  const size_t in_lengths = static_cast<size_t>(
      std::clamp<int64_t>(lengths_bytes - offset, 0, static_cast<int64_t>(out.size())));
  CAIRN_RETURN_IF_ERROR(ReadLengths(&window, offset, out.first(in_lengths)));
  return ReadStrings(&window, offset + static_cast<int64_t>(in_lengths) - lengths_bytes,
                     out.subspan(in_lengths));
}

absl::Status TensorValues::ReadNumbers(ReadWindow* window, int64_t offset,
                                       absl::Span<char> out) const {
  if (out.empty()) return absl::OkStatus();
  const int64_t number_bytes = encoding_->number_bytes;
  bool done = false;
  const auto numbers = [&](absl::string_view bytes,
                           const ValuePoint& after) -> absl::StatusOr<bool> {
    const int64_t end = after.values * number_bytes;
    done = !CopyOverlap(bytes, end - static_cast<int64_t>(bytes.size()), offset, out);
    return !done;
  };
  const ValuePoint& start = PointBefore(
      points_, offset, [&](const ValuePoint& point) { return point.values * number_bytes; });
  CAIRN_RETURN_IF_ERROR(WalkValues(window, *encoding_, start, end_, {numbers, NoString, Skip}));
  return done ? absl::OkStatus() : OtherTensor();
}

absl::Status TensorValues::ReadLengths(ReadWindow* window, int64_t offset,
                                       absl::Span<char> out) const {
  if (out.empty()) return absl::OkStatus();
  bool done = false;
  const auto string = [&](const WireField& field,
                          const ValuePoint& before) -> absl::StatusOr<bool> {
    done = !CopyOverlap(LengthOf(field), before.values * kLengthBytes, offset, out);
    return !done;
  };
  const ValuePoint& start = PointBefore(
      points_, offset, [](const ValuePoint& point) { return point.values * kLengthBytes; });
  CAIRN_RETURN_IF_ERROR(WalkValues(window, *encoding_, start, end_, {NoNumbers, string, Skip}));
  return done ? absl::OkStatus() : OtherTensor();
}

absl::Status TensorValues::ReadStrings(ReadWindow* window, int64_t offset,
                                       absl::Span<char> out) const {
  if (out.empty()) return absl::OkStatus();
  bool done = false;
  const int64_t out_end = offset + static_cast<int64_t>(out.size());
  const auto string = [&](const WireField& field,
                          const ValuePoint& before) -> absl::StatusOr<bool> {
    // What of the string is wanted, counted from its first byte.
    int64_t at = std::clamp<int64_t>(offset - before.string_bytes, 0, field.size());
    const int64_t end = std::clamp<int64_t>(out_end - before.string_bytes, at, field.size());
    CAIRN_RETURN_IF_ERROR(
        ForEachPiece(window, field.begin + at, end - at, [&](absl::string_view piece) {
          CopyOverlap(piece, before.string_bytes + at, offset, out);
          at += static_cast<int64_t>(piece.size());
        }));
    done = before.string_bytes + field.size() >= out_end;
    return !done;
  };
  const ValuePoint& start =
      PointBefore(points_, offset, [](const ValuePoint& point) { return point.string_bytes; });
  CAIRN_RETURN_IF_ERROR(WalkValues(window, *encoding_, start, end_, {NoNumbers, string, Skip}));
  return done ? absl::OkStatus() : OtherTensor();
}

}  // namespace cairn
