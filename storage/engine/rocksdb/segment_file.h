// Writes one segment's table file and hands it to RocksDB.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_SEGMENT_FILE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_SEGMENT_FILE_H_

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/health.h"
#include "storage/engine/rocksdb/ingestion_gate.h"
#include "storage/engine/segment_store.h"

namespace cairn::storage {

class SegmentFileWriter : public SegmentWriter {
 public:
  // `path`: of the file while it is written. `writer`: open there. `gate` outlives this.
  SegmentFileWriter(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* chunks, Health* health,
                    IngestionGate* gate, const Uid& uid, std::string path,
                    std::unique_ptr<rocksdb::SstFileWriter> writer)
      : db_(db),
        chunks_(chunks),
        health_(health),
        gate_(gate),
        uid_(uid),
        path_(std::move(path)),
        writer_(std::move(writer)) {}
  ~SegmentFileWriter() override;

  int64_t stored_bytes() const override;

 protected:
  absl::Status DoAppend(uint32_t number, absl::string_view stored) override;
  absl::Status DoFinish() override;

 private:
  std::string Attempt() const;
  absl::Status Ingest(const rocksdb::ExternalSstFileInfo& file);

  rocksdb::DB* const db_;
  rocksdb::ColumnFamilyHandle* const chunks_;
  Health* const health_;
  IngestionGate* const gate_;
  const Uid uid_;
  const std::string path_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  int64_t file_bytes_ = 0;  // after DoFinish
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_SEGMENT_FILE_H_
