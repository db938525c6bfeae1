#include "base/rpc/payload_frame.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

constexpr size_t kMaxHeaderBytes = 1 << 20;
constexpr uint32_t kPayloadField = 15;
constexpr char kPayloadTag = static_cast<char>(kPayloadField << 3 | 2);

// Protobuf's wire types.
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::string TagAndLength(uint64_t length) {
  std::string bytes(1, kPayloadTag);
  for (; length >= 0x80; length >>= 7) bytes.push_back(static_cast<char>(length | 0x80));
  bytes.push_back(static_cast<char>(length));
  return bytes;
}

// Walks over the bytes of several slices as if they were one.
class Cursor {
 public:
  explicit Cursor(const std::vector<grpc::Slice>& slices) : slices_(slices) {
    for (const grpc::Slice& slice : slices) remaining_ += slice.size();
  }

  size_t position() const { return position_; }
  size_t remaining() const { return remaining_; }

  bool Skip(uint64_t bytes) {
    if (bytes > remaining_) return false;
    while (bytes > 0) {
      const size_t step = std::min<uint64_t>(bytes, SkipSpentSlices().size() - offset_);
      Advance(step);
      bytes -= step;
    }
    return true;
  }

  std::optional<uint64_t> ReadVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && remaining_ > 0; shift += 7) {
      const uint8_t byte = SkipSpentSlices().begin()[offset_];
      Advance(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }

  // What is left, sharing memory with the slices.
  void TakeRest(std::vector<grpc::Slice>* rest) {
    while (remaining_ > 0) {
      const grpc::Slice& slice = SkipSpentSlices();
      rest->push_back(offset_ == 0 ? slice : slice.sub(offset_, slice.size()));
      Advance(slice.size() - offset_);
    }
  }

 private:
  // The slice of the next byte. Requires: remaining_ > 0.
  const grpc::Slice& SkipSpentSlices() {
    for (; offset_ == slices_[index_].size(); ++index_) offset_ = 0;
    return slices_[index_];
  }
  void Advance(size_t bytes) {
    offset_ += bytes;
    position_ += bytes;
    remaining_ -= bytes;
  }

  const std::vector<grpc::Slice>& slices_;
  size_t index_ = 0;
  size_t offset_ = 0;  // in slices_[index_]
  size_t position_ = 0;
  size_t remaining_ = 0;
};

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot read the message: ", what, "; check that the sender uses cairn.v1"));
}

// Steps over one field's value. False: the bytes are no message.
bool SkipValue(Cursor& cursor, uint32_t wire_type) {
  switch (wire_type) {
    case kVarint:
      return cursor.ReadVarint().has_value();
    case kFixed64:
      return cursor.Skip(8);
    case kLengthDelimited: {
      std::optional<uint64_t> length = cursor.ReadVarint();
      return length.has_value() && cursor.Skip(*length);
    }
    case kFixed32:
      return cursor.Skip(4);
    default:
      return false;
  }
}

// Steps over the header and the payload's tag and length; `header_bytes` is where the header ends.
absl::Status FindPayload(Cursor& cursor, size_t* header_bytes) {
  while (cursor.remaining() > 0) {
    *header_bytes = cursor.position();
    std::optional<uint64_t> tag = cursor.ReadVarint();
    if (!tag.has_value()) return Malformed("a field's tag is cut off");
    const uint32_t wire_type = *tag & 7;
    if (*tag >> 3 != kPayloadField) {
      if (!SkipValue(cursor, wire_type)) return Malformed("a field is cut off or of no known kind");
      continue;
    }
    if (wire_type != kLengthDelimited) return Malformed("field 15 is not a byte string");
    std::optional<uint64_t> length = cursor.ReadVarint();
    if (!length.has_value() || *length > cursor.remaining()) {
      return Malformed("the payload is cut off");
    }
    if (*length < cursor.remaining()) return Malformed("a field follows the payload");
    return absl::OkStatus();
  }
  *header_bytes = cursor.position();
  return absl::OkStatus();
}

// The first `bytes` bytes of the slices. Requires: they have so many.
std::string CopyPrefix(const std::vector<grpc::Slice>& slices, size_t bytes) {
  std::string prefix;
  prefix.reserve(bytes);
  for (const grpc::Slice& slice : slices) {
    if (prefix.size() == bytes) break;
    const absl::string_view part = ViewOf(slice).substr(0, bytes - prefix.size());
    prefix.append(part.data(), part.size());
  }
  return prefix;
}

}  // namespace

grpc::Slice SliceOf(absl::string_view bytes, std::shared_ptr<const void> owner) {
  auto* holder = new std::shared_ptr<const void>(std::move(owner));
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, holder);
}

grpc::ByteBuffer EncodeFrame(const google::protobuf::MessageLite& header,
                             const std::vector<grpc::Slice>& payload) {
  size_t payload_bytes = 0;
  for (const grpc::Slice& slice : payload) payload_bytes += slice.size();
  std::string front = header.SerializeAsString();
  if (payload_bytes > 0) front += TagAndLength(payload_bytes);
  std::vector<grpc::Slice> slices = {grpc::Slice(front)};
  if (payload_bytes > 0) slices.insert(slices.end(), payload.begin(), payload.end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

absl::Status DecodeFrame(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* header,
                         std::vector<grpc::Slice>* payload) {
  std::vector<grpc::Slice> slices;
  payload->clear();
  // A buffer that holds nothing is the message without fields, and cannot be dumped.
  if (buffer.Valid() && !buffer.Dump(&slices).ok()) return Malformed("it cannot be decompressed");
  Cursor cursor(slices);
  size_t header_bytes = 0;
  CAIRN_RETURN_IF_ERROR(FindPayload(cursor, &header_bytes));
  if (header_bytes > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the message: it has ", header_bytes,
                                                   " bytes beside its payload, over the limit of ",
                                                   kMaxHeaderBytes,
                                                   "; send fewer parts in one message"));
  }
  if (!header->ParseFromString(CopyPrefix(slices, header_bytes))) {
    return Malformed("a field's value is not of its type");
  }
  cursor.TakeRest(payload);
  return absl::OkStatus();
}

}  // namespace cairn
