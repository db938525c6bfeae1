#include "client/cli/fake_server.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/mutex.h"
#include "client/slice_box.h"

namespace cairn::cli {
namespace {

constexpr char kUid[] = "0123456789abcdef0123456789abcdef";

absl::Status NotFound(ErrorReason reason, absl::string_view what) {
  return MakeError(reason, absl::StatusCode::kNotFound, absl::StrCat("there is no ", what));
}

// Puts parts where they belong in the server. One stream at a time.
class FakeUpload : public UploadStream {
 public:
  explicit FakeUpload(FakeServer* server) : server_(*server) {}
  absl::Status Write(const v1::UploadSlicesRequest& header,
                     absl::Span<const absl::string_view> payload,
                     std::shared_ptr<const void>) override {
    static Mutex mutex;  // streams share the map
    MutexLock lock(&mutex);
    for (int i = 0; i < header.parts_size(); ++i) {
      const v1::SlicePart& part = header.parts(i);
      FakeServer::StoredTensor& stored = part.kind() == v1::TENSOR_KIND_ATTACHMENT
                                             ? server_.attachments[part.key()]
                                             : server_.tensors[part.key()];
      stored.tensor.set_key(part.key());
      stored.tensor.set_kind(part.kind());
      stored.tensor.set_dtype(part.dtype());
      *stored.tensor.mutable_shape() = part.shape();
      stored.tensor.set_partial(part.partial());
      CAIRN_ASSIGN_OR_RETURN(const Box box, BoxOfPart(part));
      stored.slices[box].append(payload[i].data(), payload[i].size());
    }
    return absl::OkStatus();
  }
  absl::StatusOr<v1::UploadSlicesResponse> Finish() override { return v1::UploadSlicesResponse(); }
  int64_t durable_parts() const override { return 0; }
  void Cancel() override {}

 private:
  FakeServer& server_;
};

// One message a slice.
class FakeDownload : public DownloadStream {
 public:
  explicit FakeDownload(const std::vector<const FakeServer::StoredTensor*>& tensors) {
    for (const FakeServer::StoredTensor* stored : tensors) {
      for (const auto& [box, bytes] : stored->slices) to_send_.push_back({stored, &box, &bytes});
    }
  }
  absl::StatusOr<bool> Read(v1::DownloadSlicesResponse* header,
                            std::vector<absl::string_view>* payload) override {
    if (next_ == to_send_.size()) return false;
    const auto& [stored, box, bytes] = to_send_[next_++];
    header->Clear();
    v1::SlicePart* part = header->add_parts();
    part->set_key(stored->tensor.key());
    part->set_kind(stored->tensor.kind());
    part->set_dtype(stored->tensor.dtype());
    *part->mutable_shape() = stored->tensor.shape();
    *part->mutable_slice() = SliceFromBox(*box);
    part->set_length(static_cast<int64_t>(bytes->size()));
    part->set_crc32c(Crc32c(*bytes));
    if (next_ < to_send_.size()) header->set_next_token("more");
    *payload = {*bytes};
    return true;
  }
  void Cancel() override {}

 private:
  struct Slice {
    const FakeServer::StoredTensor* stored;
    const Box* box;
    const std::string* bytes;
  };
  std::vector<Slice> to_send_;
  size_t next_ = 0;
};

}  // namespace

FakeServer::FakeServer() {
  v1::ServerInfo info;
  info.set_part_bytes(1 << 20);
  info.set_max_payload_bytes(1 << 10);
  info.set_max_selectors(2);
  info.add_features("object_path");
  ON_CALL(*this, GetServerInfo).WillByDefault([info](const auto&) { return info; });
  ON_CALL(*this, CreateSaveSession).WillByDefault([this](const auto& request) {
    session_ = request.save_session();
    tensors.clear();
    attachments.clear();
    return session_;
  });
  ON_CALL(*this, UploadSlices).WillByDefault([this](int) {
    return std::make_unique<FakeUpload>(this);
  });
  ON_CALL(*this, SealSaveSession).WillByDefault([this](const auto&) { return session_; });
  ON_CALL(*this, CommitSaveSession).WillByDefault([this](const auto&) {
    DescribeUploads();
    SetCheckpoint();
    checkpoint->set_directory(session_.directory());
    *checkpoint->mutable_annotations() = session_.annotations();
    if (session_.has_checkpoint_number()) checkpoint->set_number(session_.checkpoint_number());
    checkpoint->set_reference(absl::StrCat(session_.directory(), "@", checkpoint->number()));
    return *checkpoint;
  });
  ON_CALL(*this, GetCheckpoint).WillByDefault([this](const auto& request) {
    return Resolve(request.directory());
  });
  ON_CALL(*this, GetLatestCheckpoint).WillByDefault([this](const auto& request) {
    return Resolve(request.directory());
  });
  ON_CALL(*this, GetTensor)
      .WillByDefault([this](const auto& request) -> absl::StatusOr<v1::Tensor> {
        v1::Selector selector;
        selector.set_key(request.key());
        selector.set_kind(request.kind());
        CAIRN_ASSIGN_OR_RETURN(const auto found, Select(selector));
        v1::Tensor tensor = found.front()->tensor;
        if (request.view() == v1::TENSOR_VIEW_BASIC) tensor.clear_slices();
        return tensor;
      });
  ON_CALL(*this, ListTensors).WillByDefault([this](const auto& request) { return List(request); });
  ON_CALL(*this, OpenRestore).WillByDefault([this](const auto& request) { return Open(request); });
  ON_CALL(*this, DownloadSlices).WillByDefault([this](int, const auto&) {
    return std::make_unique<FakeDownload>(to_send_);
  });
}

void FakeServer::AddTensor(const std::string& key, const std::string& dtype,
                           std::vector<int64_t> shape, const std::string& bytes) {
  const Box whole = WholeBox(shape);
  AddSlices(key, dtype, std::move(shape), {{whole, bytes}});
}

void FakeServer::AddSlices(const std::string& key, const std::string& dtype,
                           std::vector<int64_t> shape, std::map<Box, std::string> slices,
                           bool partial) {
  StoredTensor& stored = tensors[key];
  stored.tensor.set_key(key);
  stored.tensor.set_dtype(dtype);
  stored.tensor.mutable_shape()->Add(shape.begin(), shape.end());
  stored.tensor.set_partial(partial);
  stored.slices = std::move(slices);
  Describe(&stored);
}

void FakeServer::Describe(StoredTensor* stored) {
  v1::Tensor& tensor = stored->tensor;
  tensor.clear_slices();
  tensor.set_slice_count(static_cast<int64_t>(stored->slices.size()));
  tensor.set_logical_bytes(0);
  for (const auto& [box, bytes] : stored->slices) {
    v1::StoredSlice* slice = tensor.add_slices();
    *slice->mutable_slice() = SliceFromBox(box);
    slice->set_bytes(static_cast<int64_t>(bytes.size()));
    tensor.set_logical_bytes(tensor.logical_bytes() + slice->bytes());
  }
}

void FakeServer::AddAttachment(const std::string& name, const std::string& bytes) {
  StoredTensor& stored = attachments[name];
  stored.tensor.set_key(name);
  stored.tensor.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  stored.tensor.set_dtype("bytes");
  stored.slices[Box()] = bytes;
  Describe(&stored);
}

void FakeServer::DescribeUploads() {
  for (auto* stored_of_kind : {&tensors, &attachments}) {
    for (auto& [key, stored] : *stored_of_kind) Describe(&stored);
  }
}

void FakeServer::SetCheckpoint() {
  checkpoint.emplace();
  checkpoint->set_directory("runs/a");
  checkpoint->set_number(7);
  checkpoint->set_reference("runs/a@7");
  checkpoint->set_uid(kUid);
  checkpoint->mutable_commit_time()->set_seconds(1700000000);
  checkpoint->set_tensor_count(static_cast<int64_t>(tensors.size()));
  checkpoint->set_attachment_count(static_cast<int64_t>(attachments.size()));
  for (const auto* stored_of_kind : {&tensors, &attachments}) {
    for (const auto& [key, stored] : *stored_of_kind) {
      checkpoint->set_logical_bytes(checkpoint->logical_bytes() + stored.tensor.logical_bytes());
    }
  }
}

const std::map<std::string, FakeServer::StoredTensor>& FakeServer::StoredOf(
    v1::TensorKind kind) const {
  return kind == v1::TENSOR_KIND_ATTACHMENT ? attachments : tensors;
}

absl::StatusOr<std::vector<const FakeServer::StoredTensor*>> FakeServer::Select(
    const v1::Selector& selector) const {
  std::vector<const StoredTensor*> found;
  for (const auto& [key, stored] : StoredOf(selector.kind())) {
    bool matches = KeyPrefixSelects(selector.key_prefix(), key, '/');
    if (selector.has_key()) matches = key == selector.key();
    if (selector.has_object_path()) {
      const auto object = objects.find(selector.object_path());
      matches = object != objects.end() && object->second.contains(key);
    }
    if (matches) found.push_back(&stored);
  }
  const bool asks_for_all =
      !selector.has_key() && !selector.has_object_path() && selector.key_prefix().empty();
  if (found.empty() && !asks_for_all) {
    return NotFound(
        ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND,
        absl::StrCat("tensor ", selector.key(), selector.key_prefix(), selector.object_path()));
  }
  return found;
}

absl::StatusOr<v1::Checkpoint> FakeServer::Resolve(const std::string& directory) const {
  if (!checkpoint.has_value() || checkpoint->directory() != directory) {
    return NotFound(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND, directory);
  }
  return *checkpoint;
}

absl::StatusOr<v1::ListTensorsResponse> FakeServer::List(
    const v1::ListTensorsRequest& request) const {
  v1::Selector selector;
  selector.set_key_prefix(request.key_prefix());
  selector.set_kind(request.kind());
  if (request.has_object_path()) selector.set_object_path(request.object_path());
  CAIRN_ASSIGN_OR_RETURN(const auto found, Select(selector));
  v1::ListTensorsResponse response;
  for (const StoredTensor* stored : found) {
    v1::Tensor* tensor = response.add_tensors();
    *tensor = stored->tensor;
    if (request.view() != v1::TENSOR_VIEW_FULL) tensor->clear_slices();
  }
  return response;
}

absl::StatusOr<v1::OpenRestoreResponse> FakeServer::Open(const v1::OpenRestoreRequest& request) {
  if (request.selectors_size() > 2) return absl::InvalidArgumentError("too many selectors");
  std::set<const StoredTensor*> chosen;
  for (const v1::Selector& selector : request.selectors()) {
    CAIRN_ASSIGN_OR_RETURN(const auto found, Select(selector));
    chosen.insert(found.begin(), found.end());
  }
  if (request.selectors().empty()) {
    for (const auto& [key, stored] : tensors) chosen.insert(&stored);
  }
  to_send_.assign(chosen.begin(), chosen.end());
  v1::OpenRestoreResponse response;
  response.set_uid(checkpoint->uid());
  response.set_reference(checkpoint->reference());
  response.set_tensor_count(static_cast<int64_t>(to_send_.size()));
  for (const StoredTensor* stored : to_send_) {
    response.set_total_bytes(response.total_bytes() + stored->tensor.logical_bytes());
  }
  response.add_stream_tokens("start");
  return response;
}

}  // namespace cairn::cli
