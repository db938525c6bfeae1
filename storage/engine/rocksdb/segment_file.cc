#include "storage/engine/rocksdb/segment_file.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/engine/rocksdb/chunk_key.h"
#include "storage/engine/rocksdb/rocksdb_options.h"
#include "storage/engine/rocksdb/rocksdb_status.h"

namespace cairn::storage {

SegmentFileWriter::~SegmentFileWriter() {
  writer_.reset();
  // Ingestion moved the file by a second link; the first goes here or, after a crash, at the next
  // start.
  (void)db_->GetEnv()->DeleteFile(path_);
}

std::string SegmentFileWriter::Attempt() const {
  return absl::StrCat("writing segment ", uid_.ToHex());
}

int64_t SegmentFileWriter::stored_bytes() const {
  return writer_ == nullptr ? file_bytes_ : static_cast<int64_t>(writer_->FileSize());
}

absl::Status SegmentFileWriter::DoAppend(uint32_t number, absl::string_view stored) {
  return FromRocksDb(
      writer_->Put(ChunkKey(uid_, number), rocksdb::Slice(stored.data(), stored.size())),
      Attempt());
}

absl::Status SegmentFileWriter::DoFinish() {
  CAIRN_RETURN_IF_ERROR(health_->Check());
  rocksdb::ExternalSstFileInfo file;
  CAIRN_RETURN_IF_ERROR(FromRocksDb(writer_->Finish(&file), Attempt()));
  writer_.reset();
  file_bytes_ = static_cast<int64_t>(file.file_size);
  return Ingest(file);
}

absl::Status SegmentFileWriter::Ingest(const rocksdb::ExternalSstFileInfo& file) {
  rocksdb::IngestExternalFileArg ingestion;
  ingestion.column_family = chunks_;
  ingestion.external_files = {path_};
  ingestion.options = RocksDbOptions::Ingestion();
  ingestion.files_checksums = {file.file_checksum};
  ingestion.files_checksum_func_names = {file.file_checksum_func_name};
  const IngestionGate::Ingestion ingesting(gate_);
  const rocksdb::Status status = db_->IngestExternalFiles({ingestion});
  // An I/O error may have come after the manifest was written.
  if (status.IsIOError() && !status.IsNoSpace()) return OutcomeUnknown(status, Attempt());
  return FromRocksDb(status, Attempt());
}

}  // namespace cairn::storage
