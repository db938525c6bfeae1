// What the tests of storage's parts share: engines in memory that fail when told to, a clock and
// randomness that tests own, and a save in one line.
#ifndef CAIRN_STORAGE_STORAGE_FIXTURE_H_
#define CAIRN_STORAGE_STORAGE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/status_matchers.h"
#include "storage/catalog.h"
#include "storage/checkpoints.h"
#include "storage/directory_keys.h"
#include "storage/directory_locks.h"
#include "storage/engine/faulty/faulty_engine.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/save_session.h"

namespace cairn::storage {

class StorageTest : public ::testing::Test {
 protected:
  static constexpr char kRuns[] = "runs/a";
  // Too large to stand in its row: makes one segment.
  static constexpr int64_t kSegmentElements = 40 << 10;

  StoreOptions options() {
    return {.table = &table_, .segments = &segments_, .clock = &clock_, .random = &random_};
  }

  static SessionOptions Named(absl::string_view session) {
    SessionOptions options;
    options.session = std::string(session);
    return options;
  }
  static SessionOptions Numbered(int64_t number, bool replace = false) {
    SessionOptions options;
    options.number = number;
    options.replace = replace;
    return options;
  }

  // Writes one tensor of uint8 of this many elements.
  absl::Status Upload(absl::string_view session, absl::string_view writer, absl::string_view key,
                      int64_t elements, absl::string_view path = kRuns) {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                           sessions_.NewSliceWriter(path, session, writer, /*inline_parts=*/false));
    SliceSpec slice;
    slice.key = std::string(key);
    slice.dtype = "uint8";
    slice.shape = {elements};
    slice.box.start = {0};
    slice.box.length = {elements};
    const std::string bytes(elements, 'x');
    const absl::string_view view = bytes;
    CAIRN_RETURN_IF_ERROR(stream->Append(slice, 0, {&view, 1}, std::nullopt));
    return stream->Finish();
  }

  // Opens, fills, seals and commits.
  absl::StatusOr<CheckpointRecord> Save(const SessionOptions& options = {},
                                        absl::string_view path = kRuns, int64_t elements = 10) {
    CAIRN_ASSIGN_OR_RETURN(const SessionInfo info, sessions_.Create(path, options));
    const std::string& session = info.record.session();
    CAIRN_RETURN_IF_ERROR(Upload(session, "0", "w", elements, path));
    CAIRN_RETURN_IF_ERROR(sessions_.Seal(path, session, "0", 1).status());
    return sessions_.Commit(path, session);
  }

  // Puts a tag on a checkpoint, as calls to come will.
  void Tag(const CheckpointRecord& checkpoint, const std::string& tag,
           absl::string_view path = kRuns) {
    ASSERT_OK_AND_ASSIGN(const Directory directory, catalog_.Find(path));
    CheckpointRecord tagged = checkpoint;
    tagged.add_tags(tag);
    Batch batch{.partition = directory.partition()};
    batch.Put(CheckpointKey(*Uid::FromBytes(checkpoint.uid())), tagged.SerializeAsString())
        .Put(TagKey(tag), checkpoint.uid());
    ASSERT_OK(table_.Write(batch));
  }

  std::vector<std::string> RowKeys(const Partition& partition, absl::string_view prefix = "") {
    std::vector<std::string> keys;
    EXPECT_OK(VisitRows(&memory_table_, partition, prefix, prefix.empty() ? "" : PrefixEnd(prefix),
                        [&](const Row& row) {
                          keys.push_back(row.key);
                          return true;
                        }));
    return keys;
  }

  size_t SegmentCount() {
    size_t count = 0;
    EXPECT_OK(memory_segments_.Walk([&](const SegmentInfo&) { return ++count, true; }));
    return count;
  }

  size_t PartitionCount(Partition::Table table) {
    return memory_table_.ListPartitions(table, "", 1000)->size();
  }

  MemoryTable memory_table_;
  MemorySegmentStore memory_segments_;
  FaultPlan faults_;
  FaultyTable table_{&memory_table_, &faults_};
  FaultySegmentStore segments_{&memory_segments_, &faults_};
  FakeClock clock_;
  SeededRandom random_{7};
  Catalog catalog_{options()};
  DirectoryLocks locks_;
  Checkpoints checkpoints_{options(), &catalog_, &locks_};
  SaveSessions sessions_{options(), &catalog_, &locks_};
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_STORAGE_FIXTURE_H_
