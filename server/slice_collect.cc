#include "server/slice_collect.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/error.h"
#include "server/convert.h"

namespace cairn::server {
namespace {

// Adds `part` to the slices, at most `max_bytes` of it.
void Add(const storage::OutgoingPart& part, int64_t max_bytes, std::vector<SliceBytes>* slices) {
  if (part.offset == 0) slices->push_back({part.box, ""});
  const absl::string_view bytes = part.bytes.view().substr(0, max_bytes);
  slices->back().bytes.append(bytes.data(), bytes.size());
}

}  // namespace

absl::StatusOr<std::vector<SliceBytes>> CollectSlices(storage::Store* store,
                                                      absl::string_view directory,
                                                      const storage::CheckpointRecord& checkpoint,
                                                      const storage::Selector& selector,
                                                      int64_t max_bytes) {
  CAIRN_ASSIGN_OR_RETURN(
      storage::RestoreInfo restore,
      store->OpenRestore(directory, UidReferenceOf(checkpoint), {selector}, /*streams=*/1));
  // A lease that is not closed ends by itself.
  absl::Cleanup close = [&] { (void)store->CloseRestore(restore.restore); };
  std::vector<SliceBytes> slices;
  if (restore.stream_tokens.empty()) return slices;
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<storage::SliceReader> reader,
                         store->NewSliceReader(restore.stream_tokens[0]));
  for (int64_t left = max_bytes; left > 0;) {
    CAIRN_ASSIGN_OR_RETURN(std::vector<storage::OutgoingPart> parts,
                           reader->Next(storage::kPieceBytes));
    if (parts.empty()) break;
    for (const storage::OutgoingPart& part : parts) {
      Add(part, left, &slices);
      left = std::max<int64_t>(0, left - static_cast<int64_t>(part.bytes.view().size()));
    }
  }
  return slices;
}

}  // namespace cairn::server
