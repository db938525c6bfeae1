#include "storage/store_driver.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "storage/manifest.h"

namespace cairn::storage {
namespace {

constexpr int kPage = 7;  // small, so that lists have several pages

// A tensor as its parts come in.
struct Arriving {
  std::string bytes;
  std::map<int64_t, int64_t> ranges;  // those that came, from begin to end
};

absl::Status Place(const OutgoingPart& part, std::map<std::string, Arriving>* tensors) {
  if (Crc32c(part.bytes.view()) != part.crc32c) {
    return absl::InternalError(absl::StrCat("bytes of ", part.key, " are not what their sum says"));
  }
  Arriving& tensor = (*tensors)[part.key];
  tensor.bytes.resize(part.shape[0]);
  const int64_t begin = part.box.start[0] + part.offset;
  const absl::string_view bytes = part.bytes.view();
  tensor.bytes.replace(begin, bytes.size(), bytes.data(), bytes.size());
  if (tensor.ranges.emplace(begin, begin + static_cast<int64_t>(bytes.size())).second) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("byte ", begin, " of ", part.key, " came twice"));
}

absl::Status CheckWhole(const std::string& key, const Arriving& tensor) {
  int64_t next = 0;
  for (const auto& [begin, end] : tensor.ranges) {
    if (begin != next) break;
    next = end;
  }
  if (next == static_cast<int64_t>(tensor.bytes.size())) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("byte ", next, " of ", key, " did not come once"));
}

absl::StatusOr<std::vector<int64_t>> ListNumbers(Store* store, const std::string& path,
                                                 CheckpointOrder order) {
  std::vector<int64_t> numbers;
  std::string after;
  do {
    CAIRN_ASSIGN_OR_RETURN(const ListPage<CheckpointRecord> page,
                           store->ListCheckpoints(path, order, after, kPage));
    for (const CheckpointRecord& record : page.items) numbers.push_back(record.number());
    after = page.next;
  } while (!after.empty());
  return numbers;
}

absl::Status Disagree(const std::string& path, absl::string_view what) {
  return absl::InternalError(absl::StrCat(path, ": ", what, " disagrees with the list by commit"));
}

absl::Status CheckLists(Store* store, const std::string& path, std::vector<int64_t> by_commit) {
  const auto agrees = [&](CheckpointOrder order) -> absl::Status {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, ListNumbers(store, path, order));
    return numbers == by_commit ? absl::OkStatus() : Disagree(path, "another list");
  };
  CAIRN_ASSIGN_OR_RETURN(const DirectoryInfo info, store->GetDirectory(path));
  if (info.head.checkpoint_count() != static_cast<int64_t>(by_commit.size())) {
    return Disagree(path, "the directory's count");
  }
  const absl::StatusOr<CheckpointRecord> latest = store->GetCheckpoint(path, "latest");
  if (by_commit.empty()) {
    if (!absl::IsNotFound(latest.status())) return Disagree(path, "latest");
  } else {
    CAIRN_RETURN_IF_ERROR(latest.status());
    if (latest->number() != by_commit.back()) return Disagree(path, "latest");
  }
  std::reverse(by_commit.begin(), by_commit.end());
  CAIRN_RETURN_IF_ERROR(agrees(CheckpointOrder::kCommitDescending));
  std::sort(by_commit.begin(), by_commit.end());
  CAIRN_RETURN_IF_ERROR(agrees(CheckpointOrder::kNumber));
  std::reverse(by_commit.begin(), by_commit.end());
  return agrees(CheckpointOrder::kNumberDescending);
}

absl::StatusOr<SeenDirectory> LookAt(Store* store, const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                         ListNumbers(store, path, CheckpointOrder::kCommit));
  CAIRN_RETURN_IF_ERROR(CheckLists(store, path, numbers));
  SeenDirectory seen;
  for (const int64_t number : numbers) {
    CAIRN_ASSIGN_OR_RETURN(Content content, Restore(store, path, absl::StrCat(number)));
    seen.push_back({number, std::move(content)});
  }
  return seen;
}

}  // namespace

std::vector<SliceToSend> ShareOf(const Content& content, int writer, int writers) {
  std::vector<SliceToSend> share;
  for (const auto& [key, bytes] : content) {
    const size_t begin = bytes.size() * writer / writers;
    const size_t end = bytes.size() * (writer + 1) / writers;
    share.push_back({.key = key,
                     .tensor_bytes = static_cast<int64_t>(bytes.size()),
                     .begin = static_cast<int64_t>(begin),
                     .bytes = bytes.substr(begin, end - begin)});
  }
  return share;
}

absl::StatusOr<std::unique_ptr<SliceWriter>> Begin(Store* store, absl::string_view path,
                                                   absl::string_view session,
                                                   absl::string_view writer,
                                                   const std::vector<SliceToSend>& slices) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<SliceWriter> stream,
                         store->NewSliceWriter(path, session, writer));
  for (const SliceToSend& slice : slices) {
    const Box box{.start = {slice.begin}, .length = {static_cast<int64_t>(slice.bytes.size())}};
    const SliceSpec spec{
        .key = slice.key, .dtype = "uint8", .shape = {slice.tensor_bytes}, .box = box};
    const absl::string_view bytes = slice.bytes;
    CAIRN_RETURN_IF_ERROR(stream->Append(spec, 0, {&bytes, 1}, Crc32c(bytes)));
  }
  return stream;
}

absl::Status Send(Store* store, absl::string_view path, absl::string_view session,
                  absl::string_view writer, const std::vector<SliceToSend>& slices) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                         Begin(store, path, session, writer, slices));
  return stream->Finish();
}

absl::StatusOr<Content> ReadAll(Store* store, const RestoreInfo& restore) {
  std::map<std::string, Arriving> tensors;
  for (const std::string& token : restore.stream_tokens) {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceReader> reader, store->NewSliceReader(token));
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const std::vector<OutgoingPart> parts, reader->Next(kPieceBytes));
      if (parts.empty()) break;
      for (const OutgoingPart& part : parts) CAIRN_RETURN_IF_ERROR(Place(part, &tensors));
    }
  }
  Content content;
  for (auto& [key, tensor] : tensors) {
    CAIRN_RETURN_IF_ERROR(CheckWhole(key, tensor));
    content[key] = std::move(tensor.bytes);
  }
  return content;
}

absl::StatusOr<Content> Restore(Store* store, absl::string_view path, absl::string_view reference) {
  CAIRN_ASSIGN_OR_RETURN(const RestoreInfo restore, store->OpenRestore(path, reference, {}, 2));
  absl::StatusOr<Content> content = ReadAll(store, restore);
  CAIRN_RETURN_IF_ERROR(store->CloseRestore(restore.restore));
  return content;
}

absl::StatusOr<Seen> Look(Store* store) {
  Seen seen;
  std::string after;
  do {
    CAIRN_ASSIGN_OR_RETURN(const ListPage<DirectoryInfo> page,
                           store->ListDirectories(after, kPage));
    for (const DirectoryInfo& directory : page.items) {
      CAIRN_ASSIGN_OR_RETURN(seen[directory.head.path()], LookAt(store, directory.head.path()));
    }
    after = page.next;
  } while (!after.empty());
  return seen;
}

std::string ToString(const Seen& seen) {
  std::string text;
  for (const auto& [path, checkpoints] : seen) {
    absl::StrAppend(&text, path, ":");
    for (const SeenCheckpoint& checkpoint : checkpoints) {
      absl::StrAppend(&text, " ", checkpoint.number, "(");
      for (const auto& [key, bytes] : checkpoint.content)
        absl::StrAppend(&text, key, "=", absl::Hex(Crc32c(bytes)), ",");
      absl::StrAppend(&text, ")");
    }
    absl::StrAppend(&text, "; ");
  }
  return text;
}

std::string Leftovers(const Seen& seen, MemoryTable* table, MemorySegmentStore* segments) {
  size_t checkpoints = 0;
  for (const auto& [path, directory] : seen) checkpoints += directory.size();
  const auto manifests = table->ListPartitions(Partition::Table::kSlices, "", 10000);
  CAIRN_CHECK(manifests.ok());
  std::set<Uid> listed;
  for (const Partition& manifest : *manifests) {
    const auto uids = SegmentsOf(table, *Uid::FromBytes(manifest.id));
    CAIRN_CHECK(uids.ok());
    listed.insert(uids->begin(), uids->end());
  }
  std::set<Uid> stored;
  const absl::Status walked = segments->Walk([&](const SegmentInfo& info) {
    stored.insert(info.uid);
    return true;
  });
  CAIRN_CHECK(walked.ok());
  const auto directories = table->ListPartitions(Partition::Table::kDirectory, "", 10000);
  if (manifests->size() == checkpoints && stored == listed && directories->size() == seen.size()) {
    return "";
  }
  return absl::StrCat(checkpoints, " checkpoints in ", seen.size(), " directories and ",
                      manifests->size(), " manifests that list ", listed.size(), " segments, ",
                      stored.size(), " segments and ", directories->size(),
                      " directories are stored");
}

}  // namespace cairn::storage
