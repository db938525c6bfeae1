#include "formats/checkpoint_v1/value_tables.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/checkpoint_v1/read_window.h"

namespace cairn {
namespace {

// Of a key: a name with each byte escaped, and two numbers a dimension. What is longer is no key of
// a tensor that Cairn takes.
constexpr uint64_t kMaxRawKeyBytes = 16 << 10;

absl::Status Read(const RandomReadFile& file, int64_t offset, absl::Span<char> out) {
  absl::Status read = file.Read(offset, out);
  if (read.ok()) return read;
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss, read.message());
}

// Walks a plain block through a window.
class PlainBlock {
 public:
  using Visit =
      absl::FunctionRef<absl::Status(absl::string_view key, int64_t offset, int64_t size)>;

  PlainBlock(const RandomReadFile& file, const BlockHandle& handle)
      : begin_(static_cast<int64_t>(handle.offset)),
        end_(begin_ + static_cast<int64_t>(handle.size)),
        window_([&file](int64_t offset, absl::Span<char> out) { return Read(file, offset, out); },
                end_) {}

  absl::StatusOr<uint32_t> Crc32c() {
    uint32_t crc32c = 0;
    for (int64_t at = begin_; at < end_;) {
      CAIRN_ASSIGN_OR_RETURN(const absl::string_view bytes, window_.At(at, ReadWindow::kBytes));
      crc32c = ExtendCrc32c(crc32c, bytes);
      at += static_cast<int64_t>(bytes.size());
    }
    return crc32c;
  }

  absl::Status VisitEntries(Visit visit) {
    const int64_t size = end_ - begin_;
    const int64_t tail = std::min<int64_t>(size, kRestartBytes);
    CAIRN_ASSIGN_OR_RETURN(const absl::string_view last_bytes, window_.At(end_ - tail, tail));
    CAIRN_ASSIGN_OR_RETURN(const uint64_t entries_size,
                           BlockEntriesEnd(static_cast<uint64_t>(size), last_bytes));
    const int64_t entries_end = begin_ + static_cast<int64_t>(entries_size);
    std::string key;
    for (int64_t at = begin_; at < entries_end;) {
      CAIRN_ASSIGN_OR_RETURN(int64_t value_bytes, ReadEntry(entries_end, &at, &key));
      CAIRN_RETURN_IF_ERROR(visit(key, at, value_bytes));
      at += value_bytes;
    }
    return absl::OkStatus();
  }

 private:
  // Moves `at` from an entry to its value, whose size it returns, and `key` to the entry's.
  absl::StatusOr<int64_t> ReadEntry(int64_t entries_end, int64_t* at, std::string* key) {
    CAIRN_ASSIGN_OR_RETURN(absl::string_view bytes,
                           window_.At(*at, kMaxEntryHeaderBytes + kMaxRawKeyBytes));
    bytes = bytes.substr(0, static_cast<size_t>(entries_end - *at));
    const size_t before = bytes.size();
    EntryHeader header;
    if (!ConsumeEntryHeader(&bytes, &header)) {
      return DamagedTable("an entry passes the end of its block");
    }
    *at += static_cast<int64_t>(before - bytes.size());
    const auto rest = static_cast<uint64_t>(entries_end - *at);
    if (header.shared > key->size() || header.added > rest ||
        header.value_bytes > rest - header.added) {
      return DamagedTable("an entry passes the end of its block");
    }
    if (header.shared + header.added > kMaxRawKeyBytes) {
      return DamagedTable(absl::StrCat("a key has ", header.shared + header.added,
                                       " bytes; Cairn takes names of ", kMaxKeyBytes));
    }
    key->resize(header.shared);
    absl::StrAppend(key, bytes.substr(0, header.added));
    *at += static_cast<int64_t>(header.added);
    return static_cast<int64_t>(header.value_bytes);
  }

  const int64_t begin_;
  const int64_t end_;
  ReadWindow window_;
};

}  // namespace

ValueTables::ValueTables(FileSystem* file_system, std::vector<std::string> paths)
    : paths_(std::move(paths)), files_(file_system) {}

absl::Status ValueTables::Visit(
    int32_t table,
    absl::FunctionRef<absl::Status(absl::string_view key, const TableValue& value)> visit) const {
  CAIRN_ASSIGN_OR_RETURN(const std::shared_ptr<RandomReadFile> file, files_.Open(path(table)));
  std::optional<std::string> last_key;
  const auto visit_in_order = [&](absl::string_view key, const TableValue& value) -> absl::Status {
    if (last_key.has_value() && key <= *last_key) return DamagedTable("its keys are not in order");
    last_key = std::string(key);
    return visit(key, value);
  };
  return VisitDataBlocks(*file, [&](const BlockHandle& block) -> absl::Status {
    std::string trailer(kBlockTrailerBytes, '\0');
    CAIRN_RETURN_IF_ERROR(cairn::Read(*file, static_cast<int64_t>(block.offset + block.size),
                                      absl::MakeSpan(trailer)));
    if (trailer.front() == kSnappyBlock) {
      CAIRN_ASSIGN_OR_RETURN(const auto unpacked, Unpack(table, block));
      return VisitBlock(unpacked->bytes, [&](absl::string_view key, absl::string_view value) {
        const int64_t offset = value.data() - unpacked->bytes.data();
        return visit_in_order(
            key, TableValue{table, true, block, offset, static_cast<int64_t>(value.size())});
      });
    }
    PlainBlock plain(*file, block);
    CAIRN_ASSIGN_OR_RETURN(const uint32_t crc32c, plain.Crc32c());
    CAIRN_RETURN_IF_ERROR(CheckBlockTrailer(block, crc32c, trailer));
    return plain.VisitEntries([&](absl::string_view key, int64_t offset, int64_t size) {
      return visit_in_order(key, TableValue{table, false, block, offset, size});
    });
  });
}

absl::Status ValueTables::Read(const TableValue& value, int64_t offset,
                               absl::Span<char> out) const {
  CAIRN_CHECK(offset >= 0 && offset <= value.size &&
              out.size() <= static_cast<size_t>(value.size - offset));
  if (out.empty()) return absl::OkStatus();
  if (value.compressed) {
    CAIRN_ASSIGN_OR_RETURN(const auto unpacked, Unpack(value.table, value.block));
    // The file may have changed since the value was located.
    const auto begin = static_cast<size_t>(value.offset + offset);
    if (begin > unpacked->bytes.size() || out.size() > unpacked->bytes.size() - begin) {
      return DamagedTable("a compressed block has changed");
    }
    std::memcpy(out.data(), unpacked->bytes.data() + begin, out.size());
    return absl::OkStatus();
  }
  CAIRN_ASSIGN_OR_RETURN(const std::shared_ptr<RandomReadFile> file,
                         files_.Open(path(value.table)));
  return cairn::Read(*file, value.offset + offset, out);
}

absl::StatusOr<std::shared_ptr<const ValueTables::Unpacked>> ValueTables::Unpack(
    int32_t table, const BlockHandle& block) const {
  MutexLock lock(&mutex_);
  if (last_ != nullptr && last_->table == table && last_->offset == block.offset) return last_;
  CAIRN_ASSIGN_OR_RETURN(const std::shared_ptr<RandomReadFile> file, files_.Open(path(table)));
  last_ = nullptr;
  CAIRN_ASSIGN_OR_RETURN(std::string bytes, ReadBlock(*file, block));
  last_ = std::make_shared<const Unpacked>(Unpacked{table, block.offset, std::move(bytes)});
  return last_;
}

}  // namespace cairn
