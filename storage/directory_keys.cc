#include "storage/directory_keys.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn::storage {
namespace {

constexpr size_t kMaxNameBytes = 128;

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

}  // namespace

std::string CheckpointKey(const Uid& checkpoint) {
  return absl::StrCat(kCheckpointPrefix, checkpoint.bytes());
}

std::string NumberKey(int64_t number) { return absl::StrCat(kNumberPrefix, BigEndian(number)); }

std::string PromisePrefix(int64_t number) {
  return absl::StrCat(kPromisePrefix, BigEndian(number), "/");
}

std::string PromiseKey(int64_t number, absl::string_view session) {
  return absl::StrCat(PromisePrefix(number), session);
}

std::string TagKey(absl::string_view tag) { return absl::StrCat("tag/", tag); }

std::string OrderKey(int64_t sequence) {
  return absl::StrCat(kOrderPrefix, BigEndian(~static_cast<uint64_t>(sequence)));
}

std::string SessionKey(absl::string_view session) { return absl::StrCat(kSessionPrefix, session); }

std::string WriterPrefix(absl::string_view session) {
  return absl::StrCat(SessionKey(session), "/writer/");
}

std::string WriterKey(absl::string_view session, absl::string_view writer) {
  return absl::StrCat(WriterPrefix(session), writer);
}

bool IsSessionKey(absl::string_view key) {
  return key.find('/', sizeof(kSessionPrefix) - 1) == absl::string_view::npos;
}

std::string RequestKey(absl::string_view request_id) {
  return absl::StrCat(kRequestPrefix, request_id);
}

std::string GarbageKey(const Uid& manifest) {
  return absl::StrCat(kGarbagePrefix, manifest.bytes());
}

std::string BorrowKey(const Uid& segment, const Uid& directory) {
  return absl::StrCat(kBorrowPrefix, segment.bytes(), directory.bytes());
}

std::string PrefixEnd(absl::string_view prefix) {
  CAIRN_CHECK(!prefix.empty() && prefix.back() != '\xff');
  std::string end(prefix);
  ++end.back();
  return end;
}

std::string BigEndian(uint64_t value) {
  std::string bytes(sizeof(value), '\0');
  for (size_t i = sizeof(value); i > 0; value >>= 8) bytes[--i] = static_cast<char>(value & 0xff);
  return bytes;
}

uint64_t BigEndianSuffix(absl::string_view key) {
  CAIRN_CHECK(key.size() >= sizeof(uint64_t));
  uint64_t value = 0;
  for (const char byte : key.substr(key.size() - sizeof(value))) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

absl::Status ValidateName(absl::string_view field, absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes &&
      std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::OkStatus();
  }
  return InvalidField(
      field, absl::StrCat("'", KeyTextFromBytes(name.substr(0, kMaxNameBytes)), "' is not 1 to ",
                          kMaxNameBytes, " of the characters A-Z a-z 0-9 . _ -"));
}

absl::Status ValidateRequestId(absl::string_view request_id) {
  if (request_id.size() <= kMaxNameBytes &&
      std::all_of(request_id.begin(), request_id.end(), absl::ascii_isprint)) {
    return absl::OkStatus();
  }
  return InvalidField("request_id",
                      absl::StrCat("has ", request_id.size(), " bytes; use at most ", kMaxNameBytes,
                                   " printable ASCII characters, a random UUID for example"));
}

}  // namespace cairn::storage
