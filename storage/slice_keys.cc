#include "storage/slice_keys.h"

#include <limits>

#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

constexpr char kSegmentKind = '\x03';
constexpr char kResavedKind = '\x04';
constexpr size_t kDimensionBytes = 16;
constexpr size_t kPartNumberBytes = 4;

template <typename T>
void AppendBigEndian(T value, std::string* out) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift & 0xff));
  }
}

template <typename T>
T ConsumeBigEndian(absl::string_view* bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8 | static_cast<uint8_t>((*bytes)[i]));
  }
  bytes->remove_prefix(sizeof(T));
  return value;
}

bool IsSliceKind(char kind) {
  return kind == static_cast<char>(TensorKind::kAttachment) ||
         kind == static_cast<char>(TensorKind::kTensor);
}

std::string KindAndText(char kind, absl::string_view text) {
  std::string row_key(1, kind);
  row_key.append(text.data(), text.size());
  return row_key;
}

std::string KindAndKey(TensorKind kind, absl::string_view key) {
  return KindAndText(static_cast<char>(kind), key);
}

// The rows whose key begins with `prefix` and then has a byte that is exactly `next`.
KeyRange RowsContinuing(std::string prefix, char next) {
  KeyRange range{prefix + next, std::move(prefix)};
  range.end.push_back(static_cast<char>(next + 1));
  return range;
}

KeyRange RowsOfKindByte(char kind) { return RowsContinuing("", kind); }

}  // namespace

uint32_t PartNumber(int64_t begin) {
  const int64_t part = begin / kPieceBytes;
  CAIRN_CHECK(part >= 0 && part <= std::numeric_limits<uint32_t>::max());
  return static_cast<uint32_t>(part);
}

std::string EncodeSliceKey(TensorKind kind, absl::string_view key, const Box& box, uint32_t part) {
  CAIRN_CHECK(box.rank() <= kMaxRank);
  std::string row_key;
  row_key.reserve(3 + key.size() + box.rank() * kDimensionBytes + kPartNumberBytes);
  row_key.push_back(static_cast<char>(kind));
  row_key.append(key.data(), key.size());
  row_key.push_back('\0');
  row_key.push_back(static_cast<char>(box.rank()));
  for (int d = 0; d < box.rank(); ++d) {
    AppendBigEndian(static_cast<uint64_t>(box.start[d]), &row_key);
    AppendBigEndian(static_cast<uint64_t>(box.length[d]), &row_key);
  }
  AppendBigEndian(part, &row_key);
  return row_key;
}

std::optional<SliceKey> DecodeSliceKey(absl::string_view row_key) {
  const absl::string_view prefix = TensorPrefix(row_key);
  if (prefix.size() < 3) return std::nullopt;  // no kind, no key text, or no end of it
  absl::string_view rest = row_key.substr(prefix.size());
  if (rest.empty() || static_cast<uint8_t>(rest[0]) > kMaxRank) return std::nullopt;
  const size_t rank = rest[0];
  rest.remove_prefix(1);
  if (rest.size() != rank * kDimensionBytes + kPartNumberBytes) return std::nullopt;
  SliceKey key;
  key.kind = static_cast<TensorKind>(prefix[0]);
  key.key = std::string(prefix.substr(1, prefix.size() - 2));
  for (size_t d = 0; d < rank; ++d) {
    key.box.start.push_back(static_cast<int64_t>(ConsumeBigEndian<uint64_t>(&rest)));
    key.box.length.push_back(static_cast<int64_t>(ConsumeBigEndian<uint64_t>(&rest)));
    if (key.box.start[d] < 0 || key.box.length[d] < 0) return std::nullopt;
  }
  key.part = ConsumeBigEndian<uint32_t>(&rest);
  return key;
}

absl::string_view TensorPrefix(absl::string_view row_key) {
  if (row_key.empty() || !IsSliceKind(row_key[0])) return {};
  const size_t end = row_key.find('\0');
  return end == absl::string_view::npos ? absl::string_view() : row_key.substr(0, end + 1);
}

std::string EncodeSegmentKey(const Uid& segment) {
  return KindAndText(kSegmentKind, segment.bytes());
}

std::optional<Uid> DecodeSegmentKey(absl::string_view row_key) {
  if (row_key.empty() || row_key[0] != kSegmentKind) return std::nullopt;
  return Uid::FromBytes(row_key.substr(1));
}

KeyRange RowsOfKind(TensorKind kind) { return RowsOfKindByte(static_cast<char>(kind)); }

KeyRange RowsOfTensor(TensorKind kind, absl::string_view key) {
  return RowsContinuing(KindAndKey(kind, key), '\0');
}

std::vector<KeyRange> RowsOfPrefix(TensorKind kind, absl::string_view prefix, char separator) {
  absl::ConsumeSuffix(&prefix, absl::string_view(&separator, 1));
  if (prefix.empty()) return {RowsOfKind(kind)};
  return {RowsOfTensor(kind, prefix), RowsContinuing(KindAndKey(kind, prefix), separator)};
}

KeyRange RowsOfSegments() { return RowsOfKindByte(kSegmentKind); }

std::string EncodeResavedKey(absl::string_view writer, absl::string_view row_key) {
  std::string key = KindAndText(kResavedKind, writer);
  key.push_back('\0');
  key.append(row_key.data(), row_key.size());
  return key;
}

std::optional<ResavedKey> DecodeResavedKey(absl::string_view key) {
  const size_t end = key.find('\0');
  if (end == absl::string_view::npos || end < 2 || key[0] != kResavedKind) return std::nullopt;
  return ResavedKey{.writer = key.substr(1, end - 1), .row_key = key.substr(end + 1)};
}

KeyRange RowsResavedBy(absl::string_view writer) {
  return RowsContinuing(KindAndText(kResavedKind, writer), '\0');
}

char SeparatorOf(const CheckpointRecord& checkpoint) {
  return checkpoint.key_separator().empty() ? '/' : checkpoint.key_separator()[0];
}

}  // namespace cairn::storage
