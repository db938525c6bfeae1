#include "formats/tensor_bundle/index_table_writer.h"

#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/slice.h>
#include <leveldb/status.h>
#include <leveldb/table_builder.h>

#include <cstdint>

namespace cairn {
namespace {

leveldb::Options TableOptions() {
  leveldb::Options options;
  options.block_size = 262144;
  options.compression = leveldb::kNoCompression;
  return options;
}

}  // namespace

// A LevelDB file that appends to ours and remembers our error, which says more than LevelDB's.
class IndexTableWriter::Sink : public leveldb::WritableFile {
 public:
  explicit Sink(RandomWriteFile* file) : file_(file) {}

  leveldb::Status Append(const leveldb::Slice& bytes) override {
    status_.Update(file_->Write(offset_, absl::string_view(bytes.data(), bytes.size())));
    offset_ += static_cast<int64_t>(bytes.size());
    return status_.ok() ? leveldb::Status::OK() : leveldb::Status::IOError("");
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  const absl::Status& status() const { return status_; }

 private:
  RandomWriteFile* const file_;
  int64_t offset_ = 0;
  absl::Status status_;
};

IndexTableWriter::IndexTableWriter(RandomWriteFile* file)
    : sink_(std::make_unique<Sink>(file)),
      builder_(std::make_unique<leveldb::TableBuilder>(TableOptions(), sink_.get())) {}

IndexTableWriter::~IndexTableWriter() {
  if (!finished_) builder_->Abandon();
}

void IndexTableWriter::Add(absl::string_view key, absl::string_view value) {
  builder_->Add(leveldb::Slice(key.data(), key.size()), leveldb::Slice(value.data(), value.size()));
}

absl::Status IndexTableWriter::Finish() {
  finished_ = true;
  const leveldb::Status built = builder_->Finish();
  if (!sink_->status().ok()) return sink_->status();
  return built.ok() ? absl::OkStatus() : absl::InternalError(built.ToString());
}

}  // namespace cairn
