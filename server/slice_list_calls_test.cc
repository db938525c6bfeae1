#include "server/slice_list_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "server/session_calls.h"
#include "server/upload_stream.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::server {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kMiB = 1 << 20;

class SliceListCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, storage::Store::Open({.table = &table_, .segments = &segments_}));
    services_ = {.store = store_.get(), .admission = &admission_, .collector = nullptr};
  }

  void Open(const std::string& session, const std::string& base = "") {
    v1::CreateSaveSessionRequest request;
    request.mutable_save_session()->set_directory("d");
    request.mutable_save_session()->set_session(session);
    request.mutable_save_session()->set_base(base);
    request.mutable_save_session()->set_commit_when_sealed(true);
    ASSERT_OK(SessionCalls(services_).Create(request));
  }

  // Sends whole tensors of uint8.
  absl::Status Upload(const std::string& session, const std::string& writer,
                      const std::vector<std::pair<std::string, std::string>>& tensors) {
    UploadStream stream(store_.get(), &admission_);
    v1::UploadSlicesRequest header;
    header.set_directory("d");
    header.set_session(session);
    header.set_writer(writer);
    for (const auto& [key, bytes] : tensors) {
      for (size_t offset = 0; offset < bytes.size(); offset += kMiB) {
        const std::string some = bytes.substr(offset, kMiB);
        *header.add_parts() = PartOf(key, bytes.size(), offset, some.size());
        CAIRN_RETURN_IF_ERROR(stream.Receive(header, {grpc::Slice(some)}));
        header.Clear();
      }
    }
    return stream.Finish().status();
  }

  static v1::SlicePart PartOf(const std::string& key, int64_t shape, int64_t offset,
                              int64_t length) {
    v1::SlicePart part;
    part.set_key(key);
    part.set_dtype("uint8");
    part.add_shape(shape);
    part.set_offset(offset);
    part.set_length(length);
    return part;
  }

  absl::StatusOr<v1::SaveSession> Seal(const std::string& session, int64_t count) {
    v1::SealSaveSessionRequest request;
    request.set_directory("d");
    request.set_session(session);
    request.set_slice_count(count);
    return SessionCalls(services_).Seal(request);
  }

  absl::StatusOr<v1::ListSlicesResponse> List(const v1::ListSlicesRequest& request) {
    return SliceListCalls(services_).List(request);
  }

  static v1::ListSlicesRequest Of(const std::string& session) {
    v1::ListSlicesRequest request;
    request.set_directory("d");
    request.set_session(session);
    return request;
  }

  static std::vector<std::string> Keys(const v1::ListSlicesResponse& response) {
    std::vector<std::string> keys;
    for (const v1::StoredPart& part : response.parts()) keys.push_back(part.key());
    return keys;
  }

  storage::MemoryTable table_;
  storage::MemorySegmentStore segments_;
  std::unique_ptr<storage::Store> store_;
  Admission admission_{AdmissionOptions()};
  Services services_{};
};

TEST_F(SliceListCallsTest, AnOpenSessionTellsWhatIsDurableByWriterToo) {
  Open("s");
  ASSERT_OK(Upload("s", "0", {{"a", "aaa"}}));
  ASSERT_OK(Upload("s", "1", {{"b", "bb"}}));
  ASSERT_OK_AND_ASSIGN(const v1::ListSlicesResponse all, List(Of("s")));
  EXPECT_THAT(Keys(all), ElementsAre("a", "b"));
  EXPECT_EQ(all.parts(0).dtype(), "uint8");
  EXPECT_EQ(all.parts(0).kind(), v1::TENSOR_KIND_TENSOR);
  EXPECT_EQ(all.parts(0).slice().extents(0).length(), 3);
  EXPECT_EQ(all.parts(1).offset(), 0);
  EXPECT_EQ(all.parts(1).length(), 2);
  EXPECT_EQ(all.parts(1).writer(), "1");
  EXPECT_EQ(all.parts(0).pieces_size(), 0);
  v1::ListSlicesRequest one = Of("s");
  one.set_writer("1");
  EXPECT_THAT(Keys(*List(one)), ElementsAre("b"));
}

TEST_F(SliceListCallsTest, PagesKeepToOneCheckpoint) {
  Open("s");
  ASSERT_OK(Upload("s", "0", {{"a", "aaa"}, {"b", "bb"}}));
  ASSERT_OK(Seal("s", 2));
  v1::ListSlicesRequest request;
  request.set_directory("d");
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(v1::ListSlicesResponse page, List(request));
  EXPECT_THAT(Keys(page), ElementsAre("a"));
  const std::string uid = page.uid();
  Open("t");
  ASSERT_OK(Upload("t", "0", {{"z", "z"}}));
  ASSERT_OK(Seal("t", 1));
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, List(request));
  EXPECT_EQ(page.uid(), uid);
  EXPECT_THAT(Keys(page), ElementsAre("b"));
  EXPECT_EQ(page.next_page_token(), "");
  request.set_key_prefix("b");
  EXPECT_THAT(List(request), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(SliceListCallsTest, ASessionThatIsNotOpenIsRefused) {
  Open("s");
  ASSERT_OK(Upload("s", "0", {{"a", "aaa"}}));
  ASSERT_OK(Seal("s", 1));
  EXPECT_THAT(List(Of("s")), HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
  EXPECT_THAT(List(Of("t")), HasReason(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND));
  v1::ListSlicesRequest both = Of("s");
  both.set_checkpoint("1");
  EXPECT_THAT(List(both), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

// A save that finds in the base what it need not send.
TEST_F(SliceListCallsTest, DigestsSayWhatAnIncrementalSaveTakesOfItsBase) {
  const std::string bytes = std::string(kMiB, 'x') + std::string(kMiB, 'y') + "tail";
  Open("one");
  ASSERT_OK(Upload("one", "0", {{"w", bytes}}));
  ASSERT_OK(Seal("one", 1));
  v1::ListSlicesRequest request;
  request.set_directory("d");
  request.set_digests(true);
  ASSERT_OK_AND_ASSIGN(const v1::ListSlicesResponse base, List(request));
  ASSERT_EQ(base.parts(0).pieces_size(), 3);
  EXPECT_EQ(base.parts(0).pieces(1).crc32c(), Crc32c(bytes.substr(kMiB, kMiB)));
  EXPECT_EQ(base.parts(0).pieces(2).length(), 4);

  Open("two", "latest");
  UploadStream stream(store_.get(), &admission_);
  v1::UploadSlicesRequest header;
  header.set_directory("d");
  header.set_session("two");
  const auto size = static_cast<int64_t>(bytes.size());
  v1::SlicePart* reused = header.add_parts();
  *reused = PartOf("v", size, 0, 2 * kMiB);
  reused->mutable_base_range()->set_key("w");
  *header.add_parts() = PartOf("v", size, 2 * kMiB, 4);
  ASSERT_OK(stream.Receive(header, {grpc::Slice("TAIL")}));
  ASSERT_OK(stream.Finish());
  ASSERT_OK_AND_ASSIGN(const v1::SaveSession sealed, Seal("two", 1));
  EXPECT_EQ(sealed.state(), v1::SaveSession::STATE_COMMITTED);
  EXPECT_EQ(sealed.base(), absl::StrCat("uid:", base.uid()));
  ASSERT_OK_AND_ASSIGN(const v1::ListSlicesResponse saved, List(request));
  EXPECT_EQ(saved.uid(), sealed.uid());
  ASSERT_EQ(saved.parts(0).pieces_size(), 3);
  EXPECT_EQ(saved.parts(0).pieces(1).xxh3_128(), base.parts(0).pieces(1).xxh3_128());
  EXPECT_EQ(saved.parts(0).pieces(2).crc32c(), Crc32c("TAIL"));
  ASSERT_OK_AND_ASSIGN(const storage::CheckpointRecord checkpoint, store_->GetCheckpoint("d", ""));
  EXPECT_LT(checkpoint.stored_bytes(), 100);  // the tail, as a segment
}

}  // namespace
}  // namespace cairn::server
