#include "server/directory_calls.h"

#include <string>

#include "base/box.h"
#include "base/error.h"
#include "base/key_text.h"
#include "server/convert.h"
#include "server/inline_save.h"
#include "server/limits.h"
#include "server/page_token.h"
#include "server/validate.h"

namespace cairn::server {

absl::StatusOr<v1::ServerInfo> DirectoryCalls::GetServerInfo(const v1::GetServerInfoRequest&) {
  v1::ServerInfo info;
  info.set_version(kVersion);
  info.set_incarnation(services_.store->incarnation());
  for (const char* feature : kFeatures) info.add_features(feature);
  info.set_max_payload_bytes(kMaxPayloadBytes);
  info.set_max_message_bytes(kMaxMessageBytes);
  info.set_part_bytes(storage::kPartBytes);
  info.set_max_inline_bytes(kMaxInlineBytes);
  info.set_max_page_size(storage::kMaxPageSize);
  info.set_max_streams(services_.admission->max_streams());
  info.set_max_key_bytes(kMaxKeyBytes);
  info.set_max_rank(kMaxRank);
  info.set_max_selectors(storage::kMaxSelectors);
  return info;
}

absl::StatusOr<v1::Directory> DirectoryCalls::Get(const v1::GetDirectoryRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(storage::DirectoryInfo directory,
                         services_.store->GetDirectory(request.directory()));
  return ToApi(directory);
}

absl::StatusOr<v1::ListDirectoriesResponse> DirectoryCalls::List(
    const v1::ListDirectoriesRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(int page_size, PageSizeOf(request.page_size()));
  CAIRN_ASSIGN_OR_RETURN(std::string after, DecodePageToken(request));
  CAIRN_ASSIGN_OR_RETURN(storage::ListPage<storage::DirectoryInfo> page,
                         services_.store->ListDirectories(after, page_size));
  v1::ListDirectoriesResponse response;
  for (const storage::DirectoryInfo& directory : page.items) {
    *response.add_directories() = ToApi(directory);
  }
  response.set_next_page_token(EncodePageToken(request, page.next));
  return response;
}

absl::StatusOr<v1::Directory> DirectoryCalls::Create(const v1::CreateDirectoryRequest& request) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  storage::CreateDirectoryOptions options;
  options.annotations = OrderedMap(request.annotations());
  options.request_id = request.request_id();
  if (request.has_last_preserved_time()) {
    CAIRN_ASSIGN_OR_RETURN(options.last_preserved_time,
                           TimeOf("last_preserved_time", request.last_preserved_time()));
  }
  CAIRN_ASSIGN_OR_RETURN(storage::DirectoryInfo directory,
                         services_.store->CreateDirectory(request.directory(), options));
  return ToApi(directory);
}

absl::StatusOr<v1::Directory> DirectoryCalls::Update(const v1::UpdateDirectoryRequest& request) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  if (request.clear_annotations() && !request.annotations().empty()) {
    return InvalidField("clear_annotations",
                        "contradicts the annotations that are given; send one");
  }
  storage::UpdateDirectoryOptions options;
  if (request.clear_annotations() || !request.annotations().empty()) {
    options.annotations = OrderedMap(request.annotations());
  }
  if (request.has_last_preserved_time()) {
    CAIRN_ASSIGN_OR_RETURN(options.last_preserved_time,
                           TimeOf("last_preserved_time", request.last_preserved_time()));
  }
  CAIRN_ASSIGN_OR_RETURN(options.if_update_count, UpdateCountOf(request.etag()));
  CAIRN_ASSIGN_OR_RETURN(storage::DirectoryInfo directory,
                         services_.store->UpdateDirectory(request.directory(), options));
  return ToApi(directory);
}

absl::StatusOr<google::protobuf::Empty> DirectoryCalls::Delete(
    const v1::DeleteDirectoryRequest& request) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  CAIRN_ASSIGN_OR_RETURN(std::optional<int64_t> update_count, UpdateCountOf(request.etag()));
  CAIRN_RETURN_IF_ERROR(services_.store->DeleteDirectory(request.directory(), request.force(),
                                                         update_count, request.request_id()));
  services_.collector->Wake();
  return google::protobuf::Empty();
}

}  // namespace cairn::server
