#include "storage/engine/rocksdb/journal_line.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

constexpr absl::string_view kFirstLine = "cairn-journal 1 ";
constexpr size_t kHashDigits = 32;
constexpr size_t kShortHashDigits = 16;

std::string HashOf(absl::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  return absl::BytesToHexString(
      {reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)});
}

bool IsHex(absl::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

// Takes the field before the next space off `text`.
absl::string_view TakeField(absl::string_view* text) {
  const size_t end = std::min(text->find(' '), text->size());
  const absl::string_view field = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return field;
}

// A line, without its newline, whose form is right, whatever its hash.
struct Line {
  absl::string_view hash;
  absl::string_view rest;  // what the hash covers beside the hash before
  int64_t durable = 0;
  JournalEntry entry;
};

std::optional<Line> ParseLine(absl::string_view text) {
  Line line;
  line.hash = TakeField(&text);
  line.rest = text;
  const bool is_number = absl::SimpleAtoi(TakeField(&text), &line.durable);
  std::optional<JournalEntry> entry = ParseEntry(text);
  if (!IsHex(line.hash, kHashDigits) || !is_number || !entry) return std::nullopt;
  line.entry = *std::move(entry);
  return line;
}

std::string LineHash(absl::string_view previous, absl::string_view rest) {
  return HashOf(absl::StrCat(previous, " ", rest));
}

absl::Status Broken(int64_t offset, absl::string_view found) {
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("the commit journal is damaged at byte ", offset, ": ", found));
}

// The next line of `file` without its newline; nullopt: none is complete.
std::optional<absl::string_view> LineAt(absl::string_view file, size_t offset) {
  const size_t end = file.find('\n', offset);
  if (end == absl::string_view::npos) return std::nullopt;
  return file.substr(offset, end - offset);
}

// Whether a line after the bad one at `bad` was written when that was durable.
bool WasDurable(absl::string_view file, size_t bad) {
  size_t offset = bad;
  while (const std::optional<absl::string_view> text = LineAt(file, offset)) {
    const std::optional<Line> line = ParseLine(*text);
    if (line && line->durable > static_cast<int64_t>(bad)) return true;
    offset += text->size() + 1;
  }
  return false;
}

}  // namespace

JournalEntry EntryOf(const Batch& batch) {
  CAIRN_CHECK(batch.witness.has_value());
  const Witness& witness = *batch.witness;
  std::string edits;
  for (const Edit& edit : batch.edits) {
    absl::StrAppend(&edits, edit.key.size(), " ", edit.key, edit.value ? "=" : "-");
    if (edit.value) absl::StrAppend(&edits, edit.value->size(), " ", *edit.value);
  }
  return {.partition = *Uid::FromBytes(batch.partition.id),
          .sequence = witness.sequence,
          .batch_xxh3 = HashOf(edits),
          .rows = witness.rows,
          .rows_xxh3 = witness.rows_xxh3,
          .noun = witness.noun};
}

std::string FormatEntry(const JournalEntry& entry) {
  return absl::StrCat(entry.partition.ToHex(), " ", entry.sequence, " ", entry.batch_xxh3, " ",
                      entry.rows, " ", absl::Hex(entry.rows_xxh3, absl::kZeroPad16), " ",
                      entry.noun);
}

std::optional<JournalEntry> ParseEntry(absl::string_view text) {
  JournalEntry entry;
  const std::optional<Uid> partition = Uid::FromHex(TakeField(&text));
  const bool has_sequence = absl::SimpleAtoi(TakeField(&text), &entry.sequence);
  const absl::string_view batch_xxh3 = TakeField(&text);
  const bool has_rows = absl::SimpleAtoi(TakeField(&text), &entry.rows);
  const absl::string_view rows_xxh3 = TakeField(&text);
  if (!partition || !has_sequence || !has_rows || !IsHex(batch_xxh3, kHashDigits) ||
      !IsHex(rows_xxh3, kShortHashDigits) || !absl::SimpleHexAtoi(rows_xxh3, &entry.rows_xxh3) ||
      text.empty()) {
    return std::nullopt;
  }
  entry.partition = *partition;
  entry.batch_xxh3 = std::string(batch_xxh3);
  entry.noun = std::string(text);
  return entry;
}

JournalChain::JournalChain(const Uid& journal)
    : first_line_(absl::StrCat(kFirstLine, journal.ToHex(), "\n")),
      hash_(HashOf(absl::StripSuffix(first_line_, "\n"))) {}

std::string JournalChain::Next(int64_t durable, const JournalEntry& entry) {
  const std::string rest = absl::StrCat(durable, " ", FormatEntry(entry));
  hash_ = LineHash(hash_, rest);
  return absl::StrCat(hash_, " ", rest, "\n");
}

absl::StatusOr<JournalContents> ParseJournal(absl::string_view file) {
  const absl::string_view first = LineAt(file, 0).value_or("");
  absl::string_view uid = first;
  if (!absl::ConsumePrefix(&uid, kFirstLine) || !Uid::FromHex(uid)) {
    return Broken(0, "it does not begin as a journal does");
  }
  JournalContents contents;
  std::string hash = HashOf(first);
  size_t offset = first.size() + 1;
  while (const std::optional<absl::string_view> text = LineAt(file, offset)) {
    std::optional<Line> line = ParseLine(*text);
    if (!line || line->hash != LineHash(hash, line->rest)) break;
    hash = std::string(line->hash);
    contents.entries.push_back(std::move(line->entry));
    offset += text->size() + 1;
  }
  if (WasDurable(file, offset)) {
    return Broken(static_cast<int64_t>(offset), "a line there is not as it was written");
  }
  contents.torn_bytes = static_cast<int64_t>(file.size() - offset);
  return contents;
}

}  // namespace cairn::storage
