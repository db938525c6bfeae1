#include "storage/stream_token.h"

#include <optional>

#include "base/crc32c.h"
#include "base/error.h"
#include "storage/engine/table.h"

namespace cairn::storage {
namespace {

constexpr char kVersion = 1;
constexpr size_t kSumBytes = 4;

void AppendNumber(uint64_t value, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> 8 * i & 0xff));
}

void AppendPosition(const StreamPosition& position, std::string* out) {
  AppendNumber(position.row_key.size(), 2, out);
  out->append(position.row_key);
  AppendNumber(static_cast<uint64_t>(position.sent), 8, out);
}

// Takes bytes from the front; once there are too few, everything is nullopt or empty.
class Input {
 public:
  explicit Input(absl::string_view bytes) : bytes_(bytes) {}

  absl::string_view Take(size_t size) {
    failed_ = failed_ || size > bytes_.size();
    if (failed_) return {};
    const absl::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  uint64_t TakeNumber(size_t size) {
    uint64_t value = 0;
    const absl::string_view bytes = Take(size);
    for (size_t i = 0; i < bytes.size(); ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes[i])} << 8 * i;
    }
    return value;
  }

  StreamPosition TakePosition() {
    StreamPosition position;
    position.row_key = std::string(Take(TakeNumber(2)));
    position.sent = static_cast<int64_t>(TakeNumber(8));
    failed_ = failed_ || position.row_key.size() > kMaxRowKeyBytes || position.sent < 0;
    return position;
  }

  bool IsUsedUp() const { return !failed_ && bytes_.empty(); }

 private:
  absl::string_view bytes_;
  bool failed_ = false;
};

}  // namespace

std::string EncodeStreamToken(const StreamToken& token) {
  std::string bytes(1, kVersion);
  bytes.append(token.restore.bytes().data(), token.restore.bytes().size());
  AppendPosition(token.begin, &bytes);
  AppendPosition(token.end, &bytes);
  AppendNumber(Crc32c(bytes), kSumBytes, &bytes);
  return bytes;
}

absl::StatusOr<StreamToken> DecodeStreamToken(absl::string_view bytes) {
  const absl::Status malformed =
      InvalidField("token", "is not one that OpenRestore or a download gave; open a new restore");
  if (bytes.size() < kSumBytes) return malformed;
  const absl::string_view summed = bytes.substr(0, bytes.size() - kSumBytes);
  if (Input(bytes.substr(summed.size())).TakeNumber(kSumBytes) != Crc32c(summed)) return malformed;
  Input input(summed);
  const bool known = input.TakeNumber(1) == kVersion;
  const std::optional<Uid> restore = Uid::FromBytes(input.Take(Uid::kBytes));
  StreamToken token;
  token.begin = input.TakePosition();
  token.end = input.TakePosition();
  if (!known || !restore || !input.IsUsedUp()) return malformed;
  token.restore = *restore;
  return token;
}

}  // namespace cairn::storage
