#include "server/page_token.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/store.h"

namespace cairn::server {
namespace {

constexpr char kVersion = 1;
constexpr size_t kFingerprintBytes = 8;

// The version and what identifies a request, in front of the position.
std::string Prefix(const google::protobuf::Message& request) {
  std::unique_ptr<google::protobuf::Message> bare(request.New());
  bare->CopyFrom(request);
  for (const char* field : {"page_size", "page_token"}) {
    bare->GetReflection()->ClearField(bare.get(), bare->GetDescriptor()->FindFieldByName(field));
  }
  const std::string bytes =
      absl::StrCat(bare->GetDescriptor()->full_name(), ":", bare->SerializeAsString());
  const uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  std::string prefix(1, kVersion);
  for (size_t i = 0; i < kFingerprintBytes; ++i) {
    prefix.push_back(static_cast<char>(hash >> (8 * i)));
  }
  return prefix;
}

}  // namespace

absl::StatusOr<int> PageSizeOf(int32_t page_size) {
  if (page_size < 0) {
    return InvalidField("page_size", absl::StrCat("is ", page_size, "; it must be 0 (for ",
                                                  kDefaultPageSize, ") or more"));
  }
  return page_size == 0 ? kDefaultPageSize : std::min<int>(page_size, storage::kMaxPageSize);
}

std::string EncodePageToken(const google::protobuf::Message& request, absl::string_view position) {
  if (position.empty()) return "";
  return absl::WebSafeBase64Escape(absl::StrCat(Prefix(request), position));
}

absl::StatusOr<std::string> DecodePageToken(const google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("page_token");
  const std::string token = request.GetReflection()->GetString(request, field);
  if (token.empty()) return std::string();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes) || bytes.size() <= 1 + kFingerprintBytes ||
      bytes[0] != kVersion) {
    return InvalidField("page_token",
                        "is not a token of this server; take next_page_token of the page before");
  }
  const std::string prefix = Prefix(request);
  if (!absl::StartsWith(bytes, prefix)) {
    return InvalidField("page_token",
                        "belongs to another request; only page_size may change between pages");
  }
  return bytes.substr(prefix.size());
}

}  // namespace cairn::server
