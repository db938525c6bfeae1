#include "server/admission.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

// A disk whose free space the test sets.
class FakeDisk : public FileSystem {
 public:
  absl::StatusOr<int64_t> FreeBytes(const std::string&) override { return free_bytes; }
  int64_t free_bytes = 1000;

 private:
  absl::StatusOr<std::unique_ptr<RandomReadFile>> OpenForRead(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<RandomWriteFile>> CreateForWrite(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<RandomWriteFile>> ReopenForWrite(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::string> ReadWhole(const std::string&, int64_t) override {
    return absl::UnimplementedError("");
  }
  bool Exists(const std::string&) override { return false; }
  bool IsFolder(const std::string&) override { return false; }
  bool IsLink(const std::string&) override { return false; }
  absl::StatusOr<absl::Time> ModifiedTime(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<std::string>> ListFolder(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::Status CreateFolders(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status Rename(const std::string&, const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::Status Remove(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status RemoveFolder(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status SyncFolder(const std::string&) override { return absl::UnimplementedError(""); }
};

AdmissionOptions Streams(int max_streams, int64_t buffer_bytes = 64 * kStreamBufferBytes) {
  AdmissionOptions options;
  options.max_streams = max_streams;
  options.buffer_bytes = buffer_bytes;
  return options;
}

TEST(Admission, SlotsComeBack) {
  Admission admission(Streams(2));
  std::optional<Admission::StreamSlot> first, second;
  {
    ASSERT_OK_AND_ASSIGN(Admission::StreamSlot slot, admission.AdmitStream());
    first.emplace(std::move(slot));
  }
  {
    ASSERT_OK_AND_ASSIGN(Admission::StreamSlot slot, admission.AdmitStream());
    second.emplace(std::move(slot));
  }
  absl::Status refused = admission.AdmitStream().status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason(ErrorReason::ERROR_REASON_TOO_MANY_STREAMS));
  EXPECT_GT(DetailOf(refused).retry_delay().seconds(), 0);
  first.reset();
  EXPECT_OK(admission.AdmitStream());
}

TEST(Admission, BuffersBoundStreamsToo) {
  Admission admission(Streams(100, kStreamBufferBytes));
  absl::StatusOr<Admission::StreamSlot> only = admission.AdmitStream();
  ASSERT_OK(only);
  EXPECT_THAT(admission.AdmitStream(), HasReason(ErrorReason::ERROR_REASON_TOO_MANY_STREAMS));
}

TEST(Admission, DrainingRefusesWhatIsNew) {
  Admission admission(Streams(1));
  admission.Drain();
  for (const absl::Status& refused : {admission.AdmitSave(), admission.AdmitStream().status()}) {
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(refused, HasReason(ErrorReason::ERROR_REASON_SERVER_DRAINING));
    EXPECT_GT(DetailOf(refused).retry_delay().seconds(), 0);
  }
}

TEST(Admission, WaitsForRunningStreams) {
  Admission admission(Streams(1));
  {
    absl::StatusOr<Admission::StreamSlot> running = admission.AdmitStream();
    ASSERT_OK(running);
    EXPECT_FALSE(admission.WaitForStreams(absl::ZeroDuration()));
  }
  EXPECT_TRUE(admission.WaitForStreams(absl::ZeroDuration()));
}

TEST(Admission, ReserveOfTheDiskIsKept) {
  FakeDisk disk;
  AdmissionOptions options = Streams(1);
  options.reserve_bytes = 1000;
  options.data = "d";
  options.files = &disk;
  Admission admission(options);
  EXPECT_OK(admission.AdmitSave());
  disk.free_bytes = 999;
  absl::Status refused = admission.AdmitSave();
  EXPECT_THAT(refused, HasReason(ErrorReason::ERROR_REASON_STORAGE_FULL));
  EXPECT_EQ(DetailOf(refused).metadata().at("free_bytes"), "999");
  EXPECT_EQ(DetailOf(refused).metadata().at("reserve_bytes"), "1000");
  EXPECT_THAT(admission.CheckDisk(), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace cairn::server
