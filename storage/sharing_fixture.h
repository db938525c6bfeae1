// Manifests that share segments, made by hand: as incremental saves and copies make them. On any
// engine.
#ifndef CAIRN_STORAGE_SHARING_FIXTURE_H_
#define CAIRN_STORAGE_SHARING_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "storage/catalog.h"
#include "storage/chunk_set.h"
#include "storage/collector.h"
#include "storage/directory_keys.h"
#include "storage/manifest.h"
#include "storage/record_rows.h"
#include "storage/restore.h"
#include "storage/save_session.h"
#include "storage/slice_keys.h"
#include "storage/storage_fixture.h"
#include "storage/store.h"

namespace cairn::storage {

// One chunk each, in one segment when there are many: none stands in its row.
inline constexpr int64_t kTensorBytes = 64 << 10;

using TensorBytes = std::map<std::string, std::string>;  // by key

inline Uid UidOf(const CheckpointRecord& checkpoint) {
  return Uid::FromBytes(checkpoint.uid()).value_or(Uid());
}

// Saves, incremental saves and copies of tensors of kTensorBytes. Nothing given is owned.
class SharedSaves {
 public:
  SharedSaves(const StoreOptions& options, Catalog* catalog, SaveSessions* sessions,
              Restores* restores)
      : options_(options), catalog_(catalog), sessions_(sessions), restores_(restores) {}

  Uid DirectoryOf(absl::string_view path) const { return catalog_->Find(path)->uid; }

  // Opens a session; `base` (zero: none) is noted as an incremental save notes it.
  Uid Open(absl::string_view path, absl::string_view session, const Uid& base = Uid()) {
    SessionOptions options;
    options.session = std::string(session);
    absl::StatusOr<SessionInfo> info = sessions_->Create(path, options);
    EXPECT_OK(info);
    if (!info.ok()) return Uid();
    if (!base.is_zero()) {
      const Partition partition = Partition::Directory(DirectoryOf(path));
      const auto stored = ReadRecord<SessionRecord>(options_.table, partition, SessionKey(session));
      EXPECT_OK(stored);
      SessionRecord record = (*stored)->record;
      record.set_base_uid(std::string(base.bytes()));
      Batch batch{.partition = partition};
      EXPECT_OK(options_.table->Write(batch.Put(SessionKey(session), record.SerializeAsString())));
    }
    return Uid::FromBytes(info->record.manifest_uid()).value_or(Uid());
  }

  // Uploads tensors of the keys, with bytes that differ from those of any other call.
  void Upload(absl::string_view path, absl::string_view session,
              const std::vector<std::string>& keys) {
    auto stream = sessions_->NewSliceWriter(path, session, "0", /*inline_parts=*/false);
    ASSERT_OK(stream);
    for (const std::string& key : keys) {
      SliceSpec slice;
      slice.key = key;
      slice.dtype = "uint8";
      slice.shape = {kTensorBytes};
      slice.box = WholeBox(slice.shape);
      std::string bytes;
      while (static_cast<int64_t>(bytes.size()) < kTensorBytes) {
        bytes += std::string(bytes_.NextUid().bytes());
      }
      const absl::string_view view = bytes;
      ASSERT_OK((*stream)->Append(slice, 0, {&view, 1}, std::nullopt));
    }
    ASSERT_OK((*stream)->Finish());
  }

  // Lists in manifest `to` the tensors of the keys as `from` has them: the same bytes.
  void Reuse(const Uid& from, const Uid& to, const std::vector<std::string>& keys) {
    const absl::flat_hash_set<std::string> wanted(keys.begin(), keys.end());
    Batch batch{.partition = Partition::Manifest(to)};
    std::map<std::string, ChunkSet> parts;  // of what is used, by segment
    ASSERT_OK(ForEachRow(options_.table, from, RowsOfKind(TensorKind::kTensor),
                         [&](const Row& row) -> absl::Status {
                           CAIRN_ASSIGN_OR_RETURN(const SliceRow slice, ParseSliceRow(row));
                           if (!wanted.contains(slice.key.key)) return absl::OkStatus();
                           batch.Put(row.key, row.value);
                           for (const v1::Piece& piece : slice.record.pieces()) {
                             for (const v1::ChunkExtent& extent : piece.extents()) {
                               parts[slice.record.segments(extent.segment())].Add(extent.chunk());
                             }
                           }
                           return absl::OkStatus();
                         }));
    for (const auto& [segment, part] : parts) {
      const std::string key = EncodeSegmentKey(*Uid::FromBytes(segment));
      const auto row = options_.table->Get(Partition::Manifest(from), key);
      ASSERT_TRUE(row.ok() && row->has_value());
      v1::SegmentUse use;
      ASSERT_TRUE(use.ParseFromString(**row));
      use.set_stored_bytes(BytesOfChunks(use.stored_bytes(), part.CountIn(ChunkSet(use.chunks())),
                                         ChunkSet(use.chunks()).count()));
      use.set_chunks(part.bitmap());
      batch.Put(key, use.SerializeAsString());
    }
    ASSERT_OK(options_.table->Write(batch));
  }

  // What a manifest lists, by segment.
  std::map<Uid, v1::SegmentUse> UsesOf(const Uid& manifest) {
    std::map<Uid, v1::SegmentUse> uses;
    EXPECT_OK(ForEachRow(options_.table, manifest, RowsOfSegments(), [&](const Row& row) {
      uses[*DecodeSegmentKey(row.key)].ParseFromString(row.value);
      return absl::OkStatus();
    }));
    return uses;
  }

  // Borrows for `destination` all that a manifest lists, as a copy does first of all.
  void BorrowAll(const Uid& manifest, absl::string_view destination) {
    for (const auto& [segment, use] : UsesOf(manifest)) {
      v1::BorrowRecord record;
      record.set_chunks(use.chunks());
      record.set_create_time(absl::ToUnixMicros(options_.clock->Now()));
      const Uid owner = *Uid::FromBytes(use.owner_directory_uid());
      Batch batch{.partition = Partition::Directory(owner)};
      batch.Put(BorrowKey(segment, DirectoryOf(destination)), record.SerializeAsString());
      ASSERT_OK(options_.table->Write(batch));
    }
  }

  absl::StatusOr<CheckpointRecord> Commit(absl::string_view path, absl::string_view session,
                                          size_t tensors) {
    CAIRN_RETURN_IF_ERROR(
        sessions_->Seal(path, session, "0", static_cast<int64_t>(tensors)).status());
    return sessions_->Commit(path, session);
  }

  // A whole save of these keys.
  CheckpointRecord Save(absl::string_view path, const std::vector<std::string>& keys) {
    const std::string session = NewSession();
    Open(path, session);
    Upload(path, session, keys);
    return Expect(Commit(path, session, keys.size()));
  }

  // `reused` as `base` has them, `fresh` with new bytes.
  CheckpointRecord SaveIncrementally(absl::string_view path, const CheckpointRecord& base,
                                     const std::vector<std::string>& reused,
                                     const std::vector<std::string>& fresh) {
    const std::string session = NewSession();
    const Uid manifest = Open(path, session, UidOf(base));
    Reuse(UidOf(base), manifest, reused);
    if (!fresh.empty()) Upload(path, session, fresh);
    return Expect(Commit(path, session, reused.size() + fresh.size()));
  }

  // A copy into another directory.
  CheckpointRecord Copy(const CheckpointRecord& source, absl::string_view destination,
                        const std::vector<std::string>& keys) {
    const std::string session = NewSession();
    const Uid manifest = Open(destination, session);
    BorrowAll(UidOf(source), destination);
    Reuse(UidOf(source), manifest, keys);
    return Expect(Commit(destination, session, keys.size()));
  }

  // Everything of a stream that was opened, checked.
  absl::StatusOr<TensorBytes> ReadAll(SliceReader* reader) {
    TensorBytes tensors;
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const std::vector<OutgoingPart> parts, reader->Next(1 << 20));
      if (parts.empty()) return tensors;
      for (const OutgoingPart& part : parts) {
        EXPECT_EQ(Crc32c(part.bytes.view()), part.crc32c);
        tensors[part.key] += std::string(part.bytes.view());
      }
    }
  }

  absl::StatusOr<TensorBytes> Restore(const CheckpointRecord& checkpoint) {
    CAIRN_ASSIGN_OR_RETURN(const RestoreInfo info, restores_->Open(checkpoint, {}, 1));
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceReader> reader,
                           restores_->NewSliceReader(info.stream_tokens.at(0)));
    CAIRN_ASSIGN_OR_RETURN(TensorBytes tensors, ReadAll(reader.get()));
    CAIRN_RETURN_IF_ERROR(restores_->Close(info.restore));
    return tensors;
  }

 private:
  static CheckpointRecord Expect(absl::StatusOr<CheckpointRecord> checkpoint) {
    EXPECT_OK(checkpoint);
    return std::move(checkpoint).value_or(CheckpointRecord());
  }

  std::string NewSession() { return absl::StrCat("s", ++sessions_made_); }

  const StoreOptions options_;
  Catalog* const catalog_;
  SaveSessions* const sessions_;
  Restores* const restores_;
  SeededRandom bytes_{99};
  int sessions_made_ = 0;
};

// On the engine in memory, with a collector.
class SharingTest : public StorageTest {
 protected:
  // "t00", "t01", ...: `count` keys from number `first` on.
  static std::vector<std::string> Keys(int count, int first = 0) {
    std::vector<std::string> keys;
    for (int i = first; i < first + count; ++i) keys.push_back(absl::StrCat("t", i / 10, i % 10));
    return keys;
  }

  CollectResult Collect(CollectScope scope = CollectScope::kGarbage) {
    absl::StatusOr<CollectResult> result = collector_.Run(scope);
    EXPECT_OK(result);
    return result.value_or(CollectResult());
  }

  void Delete(absl::string_view path, const CheckpointRecord& checkpoint) {
    ASSERT_OK(checkpoints_.Delete(path, absl::StrCat(checkpoint.number()), ""));
  }

  std::vector<Uid> SegmentsOfStore() {
    std::vector<Uid> uids;
    EXPECT_OK(memory_segments_.Walk([&](const SegmentInfo& info) {
      uids.push_back(info.uid);
      return true;
    }));
    return uids;
  }

  // What all segments take.
  int64_t SegmentBytes() {
    int64_t bytes = 0;
    for (const Uid& uid : SegmentsOfStore()) bytes += *memory_segments_.StoredBytes(uid);
    return bytes;
  }

  Restores restores_{&table_, &segments_, &clock_, &random_};
  Collector collector_{options(), &catalog_, &sessions_, &restores_};
  SharedSaves saves_{options(), &catalog_, &sessions_, &restores_};
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SHARING_FIXTURE_H_
