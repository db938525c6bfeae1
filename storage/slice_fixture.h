// A manifest on the memory engines, for the tests of what writes and reads slices.
#ifndef CAIRN_STORAGE_SLICE_FIXTURE_H_
#define CAIRN_STORAGE_SLICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "base/uid.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/manifest.h"
#include "storage/slice_writer.h"
#include "storage/store.h"

namespace cairn::storage {

class SliceFixture : public ::testing::Test {
 protected:
  std::unique_ptr<SliceWriter> NewWriter(std::string name = "rank-0", bool inline_parts = false) {
    return MakeSliceWriter({.table = &table_,
                            .segments = &segments_,
                            .clock = &clock_,
                            .random = &random_,
                            .directory = directory_,
                            .manifest = manifest_,
                            .writer = std::move(name),
                            .inline_parts = inline_parts,
                            .touch = [this] {
                              ++touches_;
                              return touch_answer_;
                            }});
  }

  // The whole of a tensor as one slice.
  static SliceSpec Whole(std::string key, std::string dtype, std::vector<int64_t> shape) {
    return {TensorKind::kTensor, std::move(key), std::move(dtype), shape, WholeBox(shape), false};
  }

  // Bytes without a pattern that a shift or a swap would keep.
  static std::string SomeBytes(size_t size, uint64_t seed) {
    SeededRandom random(seed);
    std::string bytes;
    while (bytes.size() < size) bytes += std::string(random.NextUid().bytes());
    return bytes.substr(0, size);
  }

  // Sends a slice's bytes in messages of `message_bytes`.
  static absl::Status Send(SliceWriter* writer, const SliceSpec& slice, absl::string_view bytes,
                           size_t message_bytes = 1 << 20) {
    size_t offset = 0;
    do {
      const absl::string_view message = bytes.substr(offset, message_bytes);
      CAIRN_RETURN_IF_ERROR(
          writer->Append(slice, static_cast<int64_t>(offset), {message}, Crc32c(message)));
      offset += message.size();
    } while (offset < bytes.size());
    return absl::OkStatus();
  }

  void Save(const SliceSpec& slice, absl::string_view bytes) {
    std::unique_ptr<SliceWriter> writer = NewWriter();
    ASSERT_OK(Send(writer.get(), slice, bytes));
    ASSERT_OK(writer->Finish());
  }

  std::vector<SliceRow> SliceRows() {
    std::vector<SliceRow> slices;
    for (TensorKind kind : {TensorKind::kAttachment, TensorKind::kTensor}) {
      EXPECT_OK(ForEachRow(&table_, manifest_, RowsOfKind(kind), [&](const Row& row) {
        absl::StatusOr<SliceRow> slice = ParseSliceRow(row);
        if (slice.ok()) slices.push_back(*std::move(slice));
        return slice.status();
      }));
    }
    return slices;
  }

  std::vector<Uid> StoredSegments() {
    std::vector<Uid> uids;
    EXPECT_OK(segments_.Walk([&](const SegmentInfo& segment) {
      uids.push_back(segment.uid);
      return true;
    }));
    return uids;
  }

  CheckpointRecord Checkpoint() const {
    CheckpointRecord checkpoint;
    checkpoint.set_uid(std::string(manifest_.bytes()));
    checkpoint.set_key_separator("/");
    return checkpoint;
  }

  MemoryTable table_;
  MemorySegmentStore segments_;
  FakeClock clock_;
  SeededRandom random_{1};
  const Uid directory_ = *Uid::FromHex("dddddddddddddddddddddddddddddddd");
  const Uid manifest_ = *Uid::FromHex("11111111111111111111111111111111");
  int touches_ = 0;
  absl::Status touch_answer_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_FIXTURE_H_
