#include "storage/engine/rocksdb/rocksdb_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/data_folder.h"
#include "storage/engine/rocksdb/failing_file_system.h"
#include "storage/engine/test_folder.h"

namespace cairn::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RocksDbEngineTest : public testing::Test {
 protected:
  void Open(const RocksDbEngine::Options& options = {}) {
    auto engine = RocksDbEngine::Open(path(), options);
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
  }
  void Close() { engine_.reset(); }
  void Reopen() {
    Close();
    Open();
  }

  const std::string& path() const { return folder_.path(); }
  Table& table() { return *engine_->table(); }
  SegmentStore& segments() { return *engine_->segments(); }

  Uid StoreSegment(const std::string& chunk = "chunk", int count = 1) {
    const Uid uid = random_.NextUid();
    auto writer = segments().NewWriter(uid, "header");
    EXPECT_OK(writer);
    for (int i = 0; i < count; ++i) EXPECT_OK((*writer)->Append(chunk));
    EXPECT_OK((*writer)->Finish());
    return uid;
  }

  std::string RandomBytes(size_t count) {
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_.Next());
    return bytes;
  }

  // The table files of the column family "chunks". Requires: closed.
  std::vector<rocksdb::LiveFileMetaData> ChunkFiles() {
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, DatabaseFolder(path()), &names).ok());
    for (const std::string& name : names) descriptors.push_back({name, {}});
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    rocksdb::DB* db = nullptr;
    EXPECT_TRUE(
        rocksdb::DB::OpenForReadOnly({}, DatabaseFolder(path()), descriptors, &families, &db).ok());
    std::vector<rocksdb::LiveFileMetaData> files, chunk_files;
    db->GetLiveFilesMetaData(&files);
    for (auto* family : families) EXPECT_TRUE(db->DestroyColumnFamilyHandle(family).ok());
    delete db;
    for (const auto& file : files) {
      if (file.column_family_name == "chunks") chunk_files.push_back(file);
    }
    return chunk_files;
  }

  int64_t DiskBytes() const { return folder_.DiskBytes(); }

  const Partition partition_ = Partition::Catalog(1);
  SeededRandom random_{1};
  const TestFolder folder_;
  std::unique_ptr<RocksDbEngine> engine_;
};

TEST_F(RocksDbEngineTest, WhatWasAcknowledgedIsThereAfterReopening) {
  Open();
  ASSERT_OK(table().Write(Batch{.partition = partition_}.Put("a", "1")));
  const Uid uid = StoreSegment();
  Reopen();
  EXPECT_THAT(table().Get(partition_, "a"), IsOkAndHolds("1"));
  ASSERT_OK_AND_ASSIGN(const Page page, table().Scan(partition_, "", ""));
  EXPECT_TRUE(page.complete);
  ASSERT_OK_AND_ASSIGN(const PinnedBytes bytes, segments().Read({uid, 1, 0, 5}, true));
  EXPECT_EQ(bytes.view(), "chunk");
  EXPECT_FALSE(engine_->read_only());
  EXPECT_OK(engine_->health());
}

TEST_F(RocksDbEngineTest, EverySegmentIsOneSummedFileInTheBottommostLevel) {
  Open();
  constexpr int kSegments = 100;
  for (int i = 0; i < kSegments; ++i) StoreSegment();
  Close();
  const auto files = ChunkFiles();
  EXPECT_THAT(files, SizeIs(kSegments));
  for (const auto& file : files) {
    EXPECT_EQ(file.level, 6);
    EXPECT_EQ(file.num_entries, 2u);
    EXPECT_EQ(file.file_checksum_func_name, "cairn.xxh3-64");
    EXPECT_THAT(file.file_checksum, SizeIs(8));
  }
  EXPECT_TRUE(fs::is_empty(IngestFolder(path())));
}

TEST_F(RocksDbEngineTest, TheSizeThatAWriterTellsIsTheFiles) {
  Open();
  ASSERT_OK_AND_ASSIGN(auto writer, segments().NewWriter(random_.NextUid(), "header"));
  for (int i = 0; i < 10; ++i) ASSERT_OK(writer->Append(RandomBytes(100000)));
  ASSERT_OK(writer->Finish());
  const int64_t told = writer->stored_bytes();
  writer.reset();
  Close();
  const auto files = ChunkFiles();
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(static_cast<int64_t>(files[0].size), told);
}

TEST_F(RocksDbEngineTest, RemovedSegmentsFreeTheDisk) {
  Open();
  const int64_t before = DiskBytes();
  constexpr int kSegments = 4, kChunks = 8;
  std::vector<Uid> uids;
  for (int i = 0; i < kSegments; ++i)
    uids.push_back(StoreSegment(RandomBytes(kMaxChunkBytes), kChunks));
  EXPECT_GE(DiskBytes() - before, kSegments * kChunks * kMaxChunkBytes);
  ASSERT_OK(segments().Remove(uids));
  EXPECT_LT(DiskBytes() - before, kMaxChunkBytes);
  Close();
  EXPECT_THAT(ChunkFiles(), IsEmpty());
}

TEST_F(RocksDbEngineTest, AShrunkSegmentFreesTheDiskAndStaysOneFileInTheBottommostLevel) {
  Open();
  const int64_t before = DiskBytes();
  constexpr int kChunks = 16;
  const std::string chunk = RandomBytes(kMaxChunkBytes);
  const Uid uid = StoreSegment(chunk, kChunks), other = StoreSegment();
  EXPECT_GE(DiskBytes() - before, kChunks * kMaxChunkBytes);
  ASSERT_OK(segments().Retain(uid, {3, 16}));
  EXPECT_LT(DiskBytes() - before, 3 * kMaxChunkBytes);
  for (const uint32_t live : {3, 16}) {
    ASSERT_OK_AND_ASSIGN(const PinnedBytes bytes, segments().Read({uid, live, 0, 1 << 20}, true));
    EXPECT_EQ(bytes.view(), chunk);
  }
  EXPECT_THAT(segments().Read({uid, 4, 0, 1}, true), StatusIs(absl::StatusCode::kNotFound));

  Close();
  const auto files = ChunkFiles();
  ASSERT_THAT(files, SizeIs(2));
  for (const auto& file : files) {
    EXPECT_EQ(file.level, 6);
    EXPECT_EQ(file.num_deletions, 0u);
    EXPECT_EQ(file.file_checksum_func_name, "cairn.xxh3-64");
    EXPECT_THAT(file.file_checksum, SizeIs(8));
  }
  EXPECT_EQ(files[0].num_entries + files[1].num_entries, 3u + 2u);
  Open();
  ASSERT_OK(segments().Remove({uid}));
  EXPECT_LT(DiskBytes() - before, kMaxChunkBytes);
  EXPECT_OK(segments().Read({other, 1, 0, 5}, true));
}

TEST_F(RocksDbEngineTest, ShrinkingChangesNothingWhenAllIsLive) {
  Open();
  const Uid uid = StoreSegment("chunk", 3);
  ASSERT_OK_AND_ASSIGN(const int64_t before, segments().StoredBytes(uid));
  ASSERT_OK(segments().Retain(uid, {1, 2, 3}));
  ASSERT_OK_AND_ASSIGN(const int64_t after, segments().StoredBytes(uid));
  EXPECT_NEAR(static_cast<double>(after), static_cast<double>(before), 512);
  EXPECT_OK(segments().Read({uid, 2, 0, 5}, true));
}

TEST_F(RocksDbEngineTest, WhatWritersLeftBehindIsRemovedAtTheNextStart) {
  Open();
  Close();
  const std::string left = IngestFolder(path()) + "/left.sst";
  std::ofstream(left) << "half a segment";
  Open();
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(RocksDbEngineTest, AFolderIsOpenOnce) {
  Open();
  const auto second = RocksDbEngine::Open(path());
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path())));
  EXPECT_THAT(second, HasReason(ErrorReason::ERROR_REASON_STORE_LOCKED));
  EXPECT_EQ(DetailOf(second.status()).metadata().at("path"), path());
  Close();
  Open();
}

TEST_F(RocksDbEngineTest, AFileInPlaceOfTheFolderIsSaid) {
  const std::string file = path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_THAT(RocksDbEngine::Open(file), testing::Not(IsOk()));
  EXPECT_THAT(RocksDbEngine::Open(file).status().message(), HasSubstr(file));
  EXPECT_THAT(RocksDbEngine::Open(file + "/below").status().message(), HasSubstr(file));
}

TEST_F(RocksDbEngineTest, FoldersAreMade) {
  const auto engine = RocksDbEngine::Open(path() + "/a/b");
  EXPECT_OK(engine);
}

TEST_F(RocksDbEngineTest, ADamagedChunkIsDataLoss) {
  Open();
  const std::string chunk = RandomBytes(100000);
  const Uid damaged = StoreSegment(chunk);
  Close();
  const auto files = ChunkFiles();
  ASSERT_THAT(files, SizeIs(1));
  {
    std::fstream file(files[0].directory + "/" + files[0].relative_filename,
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(50000);
    const char flipped = static_cast<char>(file.get() ^ 1);
    file.seekp(50000);
    file.put(flipped);
    ASSERT_TRUE(file.good());
  }
  Open();
  const Uid whole = StoreSegment(chunk);
  const auto found = segments().Read({damaged, 1, 0, 100000}, /*verify=*/true);
  EXPECT_THAT(found, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(damaged.ToHex())));
  EXPECT_THAT(found, HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
  ASSERT_OK_AND_ASSIGN(const PinnedBytes unverified,
                       segments().Read({damaged, 1, 0, 100000}, false));
  EXPECT_NE(unverified.view(), chunk);  // left to the caller's own sum
  ASSERT_OK_AND_ASSIGN(const PinnedBytes other, segments().Read({whole, 1, 0, 100000}, true));
  EXPECT_EQ(other.view(), chunk);
}

class FailingDiskTest : public RocksDbEngineTest {
 protected:
  FailingDiskTest() { Open({.env_for_test = env_.get()}); }
  ~FailingDiskTest() override { Close(); }

  absl::StatusOr<WriteResult> Put(const std::string& key,
                                  Durability durability = Durability::kSynced) {
    Batch batch{.partition = partition_, .durability = durability};
    return table().Write(batch.Put(key, "1"));
  }

  const std::shared_ptr<FailingFileSystem> disk_ = std::make_shared<FailingFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(disk_);
};

TEST_F(FailingDiskTest, AFailedLogWriteOrSyncEndsWritingAndNotReading) {
  for (std::atomic<bool>* fault : {&disk_->log_appends_fail, &disk_->log_syncs_fail}) {
    ASSERT_OK(Put("before"));
    *fault = true;
    EXPECT_THAT(Put("during"), HasReason(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN));
    *fault = false;
    EXPECT_TRUE(engine_->read_only());
    EXPECT_THAT(engine_->health(), HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
    EXPECT_THAT(Put("after"), HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
    EXPECT_THAT(segments().NewWriter(random_.NextUid(), "h").status(),
                HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
    EXPECT_THAT(segments().Remove({random_.NextUid()}),
                HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
    EXPECT_THAT(table().Get(partition_, "before"), IsOkAndHolds("1"));

    Close();
    Open({.env_for_test = env_.get()});
    EXPECT_THAT(table().Get(partition_, "before"), IsOkAndHolds("1"));
    EXPECT_THAT(table().Get(partition_, "after"), IsOkAndHolds(std::nullopt));
    EXPECT_OK(Put("again"));
  }
}

TEST_F(FailingDiskTest, WithoutRoomASegmentIsNotShrunk) {
  const Uid uid = StoreSegment("chunk", 3);
  disk_->full = true;
  EXPECT_THAT(segments().Retain(uid, {1}), HasReason(ErrorReason::ERROR_REASON_STORAGE_FULL));
  EXPECT_OK(segments().Read({uid, 2, 0, 5}, true));
  disk_->full = false;
  EXPECT_OK(segments().Retain(uid, {1}));
  EXPECT_THAT(segments().Read({uid, 2, 0, 5}, true), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(engine_->read_only());
}

TEST_F(FailingDiskTest, AShrinkThatTheDiskFailsLosesNothing) {
  const Uid uid = StoreSegment("chunk", 3);
  disk_->table_appends_fail = true;
  EXPECT_FALSE(segments().Retain(uid, {1}).ok());
  disk_->table_appends_fail = false;
  for (const uint32_t chunk : {1, 2, 3}) EXPECT_OK(segments().Read({uid, chunk, 0, 5}, true));
  Close();
  Open({.env_for_test = env_.get()});
  EXPECT_OK(segments().Retain(uid, {1}));
  EXPECT_OK(segments().Read({uid, 1, 0, 5}, true));
  EXPECT_THAT(segments().Read({uid, 2, 0, 5}, true), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FailingDiskTest, ASegmentThatTheDiskRefusesIsNotThere) {
  for (const bool full : {true, false}) {
    const Uid uid = random_.NextUid();
    ASSERT_OK_AND_ASSIGN(auto writer, segments().NewWriter(uid, "header"));
    disk_->full = full;
    disk_->table_appends_fail = true;
    absl::Status status = writer->Append("chunk").status();
    if (status.ok()) status = writer->Finish();
    EXPECT_THAT(status, StatusIs(full ? absl::StatusCode::kResourceExhausted
                                      : absl::StatusCode::kUnavailable));
    EXPECT_EQ(ReasonOf(status) == ErrorReason::ERROR_REASON_STORAGE_FULL, full);
    disk_->table_appends_fail = false;
    EXPECT_FALSE(writer->Append("chunk").ok());
    writer.reset();
    EXPECT_THAT(segments().Read({uid, 1, 0, 5}, true), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_TRUE(fs::is_empty(IngestFolder(path())));
    StoreSegment();
  }
  EXPECT_FALSE(engine_->read_only());
}

}  // namespace
}  // namespace cairn::storage
