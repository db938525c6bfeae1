#include "client/base_index.h"

#include "base/error.h"
#include "base/xxh3.h"

namespace cairn {
namespace {

constexpr int kPageSize = 1000;

}  // namespace

absl::StatusOr<BaseIndex> BaseIndex::Read(Connection& connection, const std::string& directory,
                                          const std::string& base) {
  BaseIndex index;
  v1::ListSlicesRequest request;
  request.set_directory(directory);
  request.set_checkpoint(base);
  request.set_digests(true);
  request.set_page_size(kPageSize);
  do {
    CAIRN_ASSIGN_OR_RETURN(const v1::ListSlicesResponse page, connection.ListSlices(request));
    for (const v1::StoredPart& part : page.parts()) index.Add(part);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return index;
}

void BaseIndex::Add(const v1::StoredPart& part) {
  v1::BaseRange slice;
  slice.set_key(part.key());
  slice.set_kind(part.kind());
  *slice.mutable_slice() = part.slice();
  slices_.push_back(std::move(slice));
  int64_t offset = part.offset();
  for (const v1::StoredPart::Piece& piece : part.pieces()) {
    places_.try_emplace({piece.length(), piece.xxh3_128()}, Place{slices_.size() - 1, offset});
    offset += piece.length();
  }
}

std::optional<v1::BaseRange> BaseIndex::Find(absl::string_view bytes) const {
  const auto found = places_.find({static_cast<int64_t>(bytes.size()), Xxh3Digest(bytes)});
  if (found == places_.end()) return std::nullopt;
  v1::BaseRange range = slices_[found->second.slice];
  range.set_offset(found->second.offset);
  return range;
}

}  // namespace cairn
