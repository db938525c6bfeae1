// What a store says after its disk lost what was acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "base/status_matchers.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/engine/test_folder.h"
#include "storage/store.h"

namespace cairn::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kRuns[] = "runs/a";
constexpr auto kReadOnly = ErrorReason::ERROR_REASON_STORE_READ_ONLY;

class LostLogTest : public testing::Test {
 protected:
  LostLogTest() { Open(); }

  void Open() {
    auto engine = RocksDbEngine::Open(folder_.path());
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
    auto store = Store::Open({.table = engine_->table(), .segments = engine_->segments()});
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  void Close() {
    store_.reset();
    engine_.reset();
  }
  // A start takes what the log holds into table files, so that only what comes later can be lost
  // with it.
  void Reopen() {
    Close();
    Open();
  }
  void LoseLogAndReopen() {
    Close();
    for (const auto& entry : fs::directory_iterator(folder_.path() + "/db")) {
      if (absl::EndsWith(entry.path().string(), ".log")) fs::remove(entry.path());
    }
    Open();
  }

  absl::Status Save() {
    CAIRN_ASSIGN_OR_RETURN(const SessionInfo session, store_->CreateSession(kRuns, {}));
    const std::string& id = session.record.session();
    CAIRN_ASSIGN_OR_RETURN(const auto writer, store_->NewSliceWriter(kRuns, id, "0"));
    const SliceSpec slice{
        .key = "w", .dtype = "uint8", .shape = {3}, .box = {.start = {0}, .length = {3}}};
    const absl::string_view bytes = "abc";
    CAIRN_RETURN_IF_ERROR(writer->Append(slice, 0, {&bytes, 1}, std::nullopt));
    CAIRN_RETURN_IF_ERROR(writer->Finish());
    CAIRN_RETURN_IF_ERROR(store_->SealSession(kRuns, id, "0", 1).status());
    return store_->CommitSession(kRuns, id).status();
  }

  std::string Cause() const { return DetailOf(engine_->health()).metadata().at("cause"); }

  const TestFolder folder_;
  std::unique_ptr<RocksDbEngine> engine_;
  std::unique_ptr<Store> store_;
};

TEST_F(LostLogTest, LostCheckpointsAreNamedAndTheOthersAreRead) {
  ASSERT_OK(Save());
  Reopen();
  ASSERT_OK(Save());
  ASSERT_OK(Save());
  LoseLogAndReopen();
  EXPECT_THAT(Cause(), HasSubstr("DATA_LOSS"));
  EXPECT_THAT(Cause(), HasSubstr("runs/a@2, runs/a@3"));
  EXPECT_EQ(store_->GetCheckpoint(kRuns, "")->number(), 1);
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, store_->OpenRestore(kRuns, "1", {}, 1));
  ASSERT_OK_AND_ASSIGN(const auto reader, store_->NewSliceReader(restore.stream_tokens.front()));
  EXPECT_EQ(reader->Next(1 << 20)->front().bytes.view(), "abc");
  EXPECT_THAT(Save(), HasReason(kReadOnly));
  EXPECT_THAT(store_->DeleteCheckpoint(kRuns, "1", ""), HasReason(kReadOnly));
  EXPECT_THAT(store_->DeleteDirectory(kRuns, true, std::nullopt, ""), HasReason(kReadOnly));
}

TEST_F(LostLogTest, SoAreLostDeletions) {
  ASSERT_OK(Save());
  ASSERT_OK(Save());
  Reopen();
  ASSERT_OK(store_->DeleteCheckpoint(kRuns, "1", ""));
  ASSERT_OK(store_->DeleteDirectory(kRuns, /*force=*/true, std::nullopt, ""));
  LoseLogAndReopen();
  EXPECT_THAT(Cause(), HasSubstr(": the deletion of runs/a@1, the deletion of runs/a"));
  EXPECT_EQ(store_->GetCheckpoint(kRuns, "")->number(), 2);
}

TEST_F(LostLogTest, AStoreThatLostAllOpensAndSaysSo) {
  ASSERT_OK(Save());
  LoseLogAndReopen();
  EXPECT_THAT(Cause(),
              HasSubstr("lacks 1 change that the commit journal saw acknowledged: runs/a@1"));
  EXPECT_THAT(Save(), HasReason(kReadOnly));
  EXPECT_THAT(store_->ListDirectories("", 10)->items, testing::IsEmpty());
}

TEST_F(LostLogTest, ADeletedDirectoryThatWasCollectedIsNoLoss) {
  ASSERT_OK(Save());
  ASSERT_OK(store_->DeleteDirectory(kRuns, /*force=*/true, std::nullopt, ""));
  ASSERT_OK(store_->Collect(CollectScope::kGarbage));
  ASSERT_OK(Save());  // the same path, another directory
  Reopen();
  EXPECT_OK(engine_->health());
  EXPECT_OK(Save());
}

}  // namespace
}  // namespace cairn::storage
