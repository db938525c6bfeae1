#include "server/convert.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"
#include "server/validate.h"

namespace cairn::server {
namespace {

// Both are zero-based on 1970; the limits are those of google.protobuf.Timestamp.
constexpr int64_t kMinTimestampSeconds = -62135596800;
constexpr int64_t kMaxTimestampSeconds = 253402300799;

template <typename Map, typename ApiMap>
void CopyMap(const Map& from, ApiMap* to) {
  to->insert(from.begin(), from.end());
}

}  // namespace

std::string UidHex(absl::string_view uid_bytes) {
  return Uid::FromBytes(uid_bytes).value_or(Uid()).ToHex();
}

std::string UidReferenceOf(const storage::CheckpointRecord& checkpoint) {
  return absl::StrCat("uid:", UidHex(checkpoint.uid()));
}

std::string ReferenceOf(absl::string_view directory, const storage::CheckpointRecord& checkpoint) {
  return checkpoint.has_number() ? absl::StrCat(directory, "@", checkpoint.number())
                                 : absl::StrCat(directory, "@", UidReferenceOf(checkpoint));
}

google::protobuf::Timestamp TimestampOf(absl::Time time) {
  return TimestampOfMicros(absl::ToUnixMicros(time));
}

google::protobuf::Timestamp TimestampOfMicros(int64_t micros) {
  constexpr int64_t kMicrosPerSecond = 1000000;
  int64_t seconds = micros / kMicrosPerSecond;
  int64_t rest = micros % kMicrosPerSecond;
  if (rest < 0) {
    --seconds;
    rest += kMicrosPerSecond;
  }
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(std::clamp(seconds, kMinTimestampSeconds, kMaxTimestampSeconds));
  timestamp.set_nanos(static_cast<int32_t>(rest * 1000));
  return timestamp;
}

absl::StatusOr<absl::Time> TimeOf(absl::string_view field,
                                  const google::protobuf::Timestamp& timestamp) {
  CAIRN_RETURN_IF_ERROR(ValidateRange(absl::StrCat(field, ".seconds"), timestamp.seconds(),
                                      kMinTimestampSeconds, kMaxTimestampSeconds));
  CAIRN_RETURN_IF_ERROR(
      ValidateRange(absl::StrCat(field, ".nanos"), timestamp.nanos(), 0, 999999999));
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

v1::Directory ToApi(const storage::DirectoryInfo& directory) {
  const storage::DirectoryHead& head = directory.head;
  v1::Directory api;
  api.set_directory(head.path());
  api.set_uid(directory.uid.ToHex());
  CopyMap(head.annotations(), api.mutable_annotations());
  api.set_save_counter(head.save_counter());
  api.set_checkpoint_count(head.checkpoint_count());
  if (head.has_latest_number()) api.set_latest_number(head.latest_number());
  if (!head.latest_uid().empty()) api.set_latest_uid(UidHex(head.latest_uid()));
  *api.mutable_last_preserved_time() = TimestampOfMicros(head.last_preserved_time());
  *api.mutable_create_time() = TimestampOfMicros(head.create_time());
  *api.mutable_update_time() = TimestampOfMicros(head.update_time());
  api.set_etag(absl::StrCat(head.update_count()));
  return api;
}

v1::Checkpoint ToApi(absl::string_view directory, const storage::CheckpointRecord& checkpoint) {
  v1::Checkpoint api;
  api.set_directory(std::string(directory));
  api.set_uid(UidHex(checkpoint.uid()));
  if (checkpoint.has_number()) api.set_number(checkpoint.number());
  api.set_reference(ReferenceOf(directory, checkpoint));
  *api.mutable_tags() = checkpoint.tags();
  CopyMap(checkpoint.annotations(), api.mutable_annotations());
  CopyMap(checkpoint.metrics(), api.mutable_metrics());
  api.set_key_separator(checkpoint.key_separator());
  *api.mutable_create_time() = TimestampOfMicros(checkpoint.create_time());
  *api.mutable_commit_time() = TimestampOfMicros(checkpoint.commit_time());
  *api.mutable_save_time() = TimestampOfMicros(checkpoint.save_time());
  api.set_sequence(checkpoint.sequence());
  api.set_tensor_count(checkpoint.tensor_count());
  api.set_attachment_count(checkpoint.attachment_count());
  api.set_slice_count(checkpoint.slice_count());
  api.set_logical_bytes(checkpoint.logical_bytes());
  api.set_stored_bytes(checkpoint.stored_bytes());
  api.set_preserved(checkpoint.preserved());
  return api;
}

v1::SaveSession ToApi(absl::string_view directory, const storage::SessionInfo& session) {
  const storage::SessionRecord& record = session.record;
  v1::SaveSession api;
  api.set_directory(std::string(directory));
  api.set_session(record.session());
  api.set_uid(UidHex(record.manifest_uid()));
  // The record's states are numbered as the API's.
  api.set_state(static_cast<v1::SaveSession::State>(record.state()));
  if (record.has_number()) api.set_checkpoint_number(record.number());
  api.set_if_exists(record.replace() ? v1::SaveSession::IF_EXISTS_REPLACE
                                     : v1::SaveSession::IF_EXISTS_FAIL);
  api.set_expected_writers(record.expected_writers());
  CopyMap(record.annotations(), api.mutable_annotations());
  CopyMap(record.metrics(), api.mutable_metrics());
  api.set_key_separator(record.key_separator());
  if (record.save_time() != 0) *api.mutable_save_time() = TimestampOfMicros(record.save_time());
  api.mutable_ttl()->set_seconds(record.ttl() / 1000000);
  api.mutable_ttl()->set_nanos(static_cast<int32_t>(record.ttl() % 1000000 * 1000));
  *api.mutable_expire_time() = TimestampOfMicros(record.expire_time());
  *api.mutable_create_time() = TimestampOfMicros(record.create_time());
  api.set_abort_reason(record.abort_reason());
  api.set_preserved(record.preserved());
  api.set_commit_when_sealed(record.commit_when_sealed());
  if (!record.base_uid().empty()) {
    api.set_base(absl::StrCat("uid:", UidHex(record.base_uid())));
  }
  for (const storage::WriterRecord& writer : session.writers) {
    v1::SaveSession::Writer* sealed = api.add_writers();
    sealed->set_writer(writer.writer());
    sealed->set_slice_count(writer.slice_count());
    *sealed->mutable_seal_time() = TimestampOfMicros(writer.seal_time());
  }
  return api;
}

v1::Tensor ToApi(const storage::TensorInfo& tensor) {
  v1::Tensor api;
  api.set_key(tensor.key);
  api.set_kind(ToApi(tensor.kind));
  api.set_dtype(tensor.dtype);
  api.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
  api.set_logical_bytes(tensor.logical_bytes);
  api.set_slice_count(tensor.slice_count);
  api.set_partial(tensor.partial);
  for (const storage::StoredSlice& slice : tensor.slices) {
    v1::StoredSlice* stored = api.add_slices();
    *stored->mutable_slice() = ToApi(slice.box);
    stored->set_bytes(slice.bytes);
    stored->set_writer(slice.writer);
    for (int d = 0; d < slice.box.rank(); ++d) {
      if ((slice.open_dimensions >> d & 1) != 0) stored->add_open_dimensions(d);
    }
  }
  return api;
}

v1::Slice ToApi(const Box& box) {
  v1::Slice api;
  for (int i = 0; i < box.rank(); ++i) {
    v1::Extent* extent = api.add_extents();
    extent->set_start(box.start[i]);
    extent->set_length(box.length[i]);
  }
  return api;
}

v1::TensorKind ToApi(storage::TensorKind kind) {
  return kind == storage::TensorKind::kAttachment ? v1::TENSOR_KIND_ATTACHMENT
                                                  : v1::TENSOR_KIND_TENSOR;
}

absl::StatusOr<std::optional<int64_t>> UpdateCountOf(absl::string_view etag) {
  if (etag.empty()) return std::nullopt;
  int64_t count = 0;
  if (!absl::SimpleAtoi(etag, &count)) {
    return InvalidField("etag", "is not one of this server; take it from GetDirectory");
  }
  return count;
}

absl::StatusOr<storage::TensorKind> KindOf(v1::TensorKind kind) {
  switch (kind) {
    case v1::TENSOR_KIND_UNSPECIFIED:
    case v1::TENSOR_KIND_TENSOR:
      return storage::TensorKind::kTensor;
    case v1::TENSOR_KIND_ATTACHMENT:
      return storage::TensorKind::kAttachment;
    default:
      return InvalidField("kind", absl::StrCat("is ", kind, ", which this server does not know; ",
                                               "there are tensors and attachments"));
  }
}

std::vector<ExtentSpec> ExtentsOf(const v1::Slice& slice) {
  std::vector<ExtentSpec> extents;
  extents.reserve(slice.extents_size());
  for (const v1::Extent& extent : slice.extents()) {
    extents.push_back({extent.start(), std::nullopt});
    if (extent.has_length()) extents.back().length = extent.length();
  }
  return extents;
}

absl::StatusOr<storage::SessionOptions> SessionOptionsOf(const v1::SaveSession& session) {
  storage::SessionOptions options;
  options.session = session.session();
  if (session.has_checkpoint_number()) options.number = session.checkpoint_number();
  options.replace = session.if_exists() == v1::SaveSession::IF_EXISTS_REPLACE;
  if (session.expected_writers() != 0) options.expected_writers = session.expected_writers();
  options.annotations = OrderedMap(session.annotations());
  options.metrics = OrderedMap(session.metrics());
  if (!session.key_separator().empty()) options.key_separator = session.key_separator();
  if (session.has_save_time()) {
    CAIRN_ASSIGN_OR_RETURN(options.save_time, TimeOf("save_time", session.save_time()));
  }
  options.preserved = session.preserved();
  options.commit_when_sealed = session.commit_when_sealed();
  options.base = session.base();
  if (session.has_ttl()) {
    CAIRN_RETURN_IF_ERROR(ValidateRange("ttl.seconds", session.ttl().seconds(), 0,
                                        absl::ToInt64Seconds(storage::kMaxSessionTtl)));
    CAIRN_RETURN_IF_ERROR(ValidateRange("ttl.nanos", session.ttl().nanos(), 0, 999999999));
    options.ttl = absl::Seconds(session.ttl().seconds()) + absl::Nanoseconds(session.ttl().nanos());
    if (options.ttl < absl::Seconds(1) || options.ttl > storage::kMaxSessionTtl) {
      return InvalidField("ttl", absl::StrCat("must be from 1 s to ",
                                              absl::FormatDuration(storage::kMaxSessionTtl)));
    }
  }
  return options;
}

absl::StatusOr<storage::Selector> SelectorOf(
    const v1::Selector& selector,
    absl::FunctionRef<absl::StatusOr<std::shared_ptr<const storage::KeySet>>(const std::string&)>
        keys_below) {
  storage::Selector result;
  CAIRN_ASSIGN_OR_RETURN(result.kind, KindOf(selector.kind()));
  if (selector.has_key()) result.key = selector.key();
  if (selector.has_key_prefix()) result.key_prefix = selector.key_prefix();
  if (selector.has_object_path()) {
    if (result.kind != storage::TensorKind::kTensor) {
      return InvalidField("object_path", "selects tensors; attachments belong to no object");
    }
    CAIRN_ASSIGN_OR_RETURN(result.keys, keys_below(selector.object_path()));
  }
  result.slice = ExtentsOf(selector.slice());
  result.dtype = selector.dtype();
  return result;
}

}  // namespace cairn::server
