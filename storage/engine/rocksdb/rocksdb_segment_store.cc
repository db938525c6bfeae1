#include "storage/engine/rocksdb/rocksdb_segment_store.h"

#include <rocksdb/convenience.h>

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/engine/rocksdb/chunk_key.h"
#include "storage/engine/rocksdb/key_prefix.h"
#include "storage/engine/rocksdb/rocksdb_status.h"
#include "storage/engine/rocksdb/segment_file.h"

namespace cairn::storage {
namespace {

constexpr size_t kChunkKeyBytes = Uid::kBytes + sizeof(uint32_t);
// A disk that fills up ends the process inside RocksDB: so much stays free for rows and logs.
constexpr int64_t kRoomBesideRewrite = 64 << 20;

// The keys that a segment may have.
class SegmentKeys {
 public:
  explicit SegmentKeys(const Uid& uid)
      : first_(ChunkKey(uid, 0)), last_(ChunkKey(uid, std::numeric_limits<uint32_t>::max())) {}
  // Valid while this lives.
  rocksdb::Range range() const { return {first_, last_}; }

 private:
  const std::string first_;
  const std::string last_;
};

// The header of the segment whose first row this is.
absl::StatusOr<SegmentInfo> ParseHeader(const rocksdb::Slice& key, const rocksdb::Slice& value) {
  const std::optional<Uid> uid = Uid::FromBytes({key.data(), std::min(key.size(), Uid::kBytes)});
  if (!uid.has_value() || key.size() != kChunkKeyBytes || key.ToStringView() != ChunkKey(*uid, 0)) {
    return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                     absl::StrCat("walking the segments: one has no header, its first key is ",
                                  key.ToString(true)),
                     {{"key", key.ToString(true)}});
  }
  CAIRN_ASSIGN_OR_RETURN(const absl::string_view header,
                         LoadChunk(*uid, 0, {value.data(), value.size()}, /*verify=*/true));
  return SegmentInfo{*uid, std::string(header)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentWriter>> RocksDbSegmentStore::DoNewWriter(const Uid& uid) {
  CAIRN_RETURN_IF_ERROR(health_->Check());
  std::string path = absl::StrCat(files_.folder, "/", uid.ToHex(), ".sst");
  auto writer =
      std::make_unique<rocksdb::SstFileWriter>(files_.env_options, files_.options, chunks_,
                                               /*invalidate_page_cache=*/false);
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(writer->Open(path), absl::StrCat("beginning segment ", uid.ToHex())));
  return std::make_unique<SegmentFileWriter>(db_, chunks_, health_, &gate_, uid, std::move(path),
                                             std::move(writer));
}

absl::StatusOr<PinnedBytes> RocksDbSegmentStore::DoRead(const Uid& uid, uint32_t chunk,
                                                        bool verify) {
  rocksdb::ReadOptions options;
  options.verify_checksums = verify;
  auto value = std::make_shared<rocksdb::PinnableSlice>();
  const rocksdb::Status status = db_->Get(options, chunks_, ChunkKey(uid, chunk), value.get());
  if (status.IsNotFound()) return ChunkNotFound(uid, chunk);
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(status, absl::StrCat("reading chunk ", chunk, " of segment ", uid.ToHex())));
  const absl::string_view bytes(value->data(), value->size());
  return PinnedBytes(bytes, std::move(value));
}

absl::Status RocksDbSegmentStore::Remove(absl::Span<const Uid> uids) {
  CAIRN_RETURN_IF_ERROR(health_->Check());
  std::vector<std::string> keys;
  keys.reserve(2 * uids.size());
  for (const Uid& uid : uids) {
    keys.push_back(ChunkKey(uid, 0));
    keys.push_back(ChunkKey(uid, std::numeric_limits<uint32_t>::max()));
  }
  const std::vector<rocksdb::Slice> ends(keys.begin(), keys.end());
  std::vector<rocksdb::RangePtr> ranges;
  for (size_t i = 0; i < ends.size(); i += 2) ranges.emplace_back(&ends[i], &ends[i + 1]);
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(rocksdb::DeleteFilesInRanges(db_, chunks_, ranges.data(), ranges.size(),
                                               /*include_end=*/true),
                  absl::StrCat("removing ", uids.size(), " segments")));
  // A file that RocksDB is working on is left out, silently.
  for (const Uid& uid : uids) {
    const absl::Status left = DoRead(uid, 0, /*verify=*/false).status();
    if (absl::IsNotFound(left)) continue;
    return absl::UnavailableError(
        absl::StrCat("removing segment ", uid.ToHex(), ": its file is in use; try again"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RocksDbSegmentStore::FileOf(const Uid& uid) {
  const SegmentKeys keys(uid);
  const rocksdb::Range range = keys.range();
  rocksdb::TablePropertiesCollection files;  // by path
  CAIRN_RETURN_IF_ERROR(FromRocksDb(db_->GetPropertiesOfTablesInRange(chunks_, &range, 1, &files),
                                    absl::StrCat("looking for the file of segment ", uid.ToHex())));
  if (files.empty()) return "";
  const std::string& path = files.begin()->first;
  return path.substr(path.rfind('/') + 1);
}

absl::Status RocksDbSegmentStore::CheckRoomFor(const Uid& uid) {
  CAIRN_ASSIGN_OR_RETURN(const int64_t bytes, StoredBytes(uid));
  uint64_t free = 0;
  const std::string attempt = absl::StrCat("shrinking segment ", uid.ToHex());
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(files_.options.env->GetFreeSpace(files_.folder, &free), attempt));
  if (free >= static_cast<uint64_t>(bytes + kRoomBesideRewrite)) return absl::OkStatus();
  return MakeError(ErrorReason::ERROR_REASON_STORAGE_FULL, absl::StatusCode::kResourceExhausted,
                   absl::StrCat(attempt, ": it has ", bytes, " bytes and the disk ", free,
                                " that are free; delete more, or make room"));
}

absl::Status RocksDbSegmentStore::Retain(const Uid& uid, absl::Span<const uint32_t> live) {
  CAIRN_RETURN_IF_ERROR(health_->Check());
  CAIRN_RETURN_IF_ERROR(CheckRoomFor(uid));
  rocksdb::CompactionOptions options;
  options.compression = rocksdb::kDisableCompressionOption;  // as the column family has it
  const IngestionGate::Rewrite rewriting(&gate_);
  CAIRN_ASSIGN_OR_RETURN(const std::string file, FileOf(uid));
  if (file.empty()) return absl::OkStatus();
  files_.retain_filter->Begin(uid, live);
  const rocksdb::Status status =
      db_->CompactFiles(options, chunks_, {file}, files_.options.num_levels - 1);
  files_.retain_filter->End();
  return FromRocksDb(status, absl::StrCat("shrinking segment ", uid.ToHex()));
}

absl::StatusOr<int64_t> RocksDbSegmentStore::StoredBytes(const Uid& uid) {
  const SegmentKeys keys(uid);
  const rocksdb::Range range = keys.range();
  uint64_t bytes = 0;
  CAIRN_RETURN_IF_ERROR(FromRocksDb(
      db_->GetApproximateSizes(rocksdb::SizeApproximationOptions(), chunks_, &range, 1, &bytes),
      absl::StrCat("measuring segment ", uid.ToHex())));
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<std::vector<SegmentInfo>> RocksDbSegmentStore::WalkPage(std::string* from) {
  // An iterator keeps removed files on the disk, so it lives for a page.
  constexpr size_t kPageSegments = 256;
  const KeyPrefix all("");
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator(all.ReadOptions(), chunks_));
  std::vector<SegmentInfo> page;
  for (row->Seek(*from); row->Valid() && page.size() < kPageSegments; row->Seek(*from)) {
    CAIRN_ASSIGN_OR_RETURN(SegmentInfo segment, ParseHeader(row->key(), row->value()));
    std::optional<std::string> next = SuccessorOfPrefix(segment.uid.bytes());
    page.push_back(std::move(segment));
    if (!next.has_value()) break;
    *from = *std::move(next);
  }
  CAIRN_RETURN_IF_ERROR(FromRocksDb(row->status(), "walking the segments"));
  return page;
}

absl::Status RocksDbSegmentStore::Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) {
  std::string from;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<SegmentInfo> page, WalkPage(&from));
    if (page.empty()) return absl::OkStatus();
    for (const SegmentInfo& segment : page) {
      if (!visit(segment)) return absl::OkStatus();
    }
  }
}

}  // namespace cairn::storage
