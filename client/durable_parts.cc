#include "client/durable_parts.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "client/slice_box.h"

namespace cairn {
namespace {

constexpr int kPageSize = 1000;

v1::TensorKind KindOf(v1::TensorKind kind) {
  return kind == v1::TENSOR_KIND_ATTACHMENT ? kind : v1::TENSOR_KIND_TENSOR;
}

using SliceName = std::tuple<v1::TensorKind, absl::string_view, absl::Span<const int64_t>,
                             absl::Span<const int64_t>>;

SliceName NameOf(v1::TensorKind kind, absl::string_view key, const Box& box) {
  return {KindOf(kind), key, box.start, box.length};
}

// Where the stored parts of one slice begin and end, as they are told: ascending.
using Ranges = std::vector<std::pair<int64_t, int64_t>>;

bool Covers(const Ranges& stored, const PartToSave& part) {
  const int64_t end = part.offset + part.length;
  int64_t reached = part.offset;
  bool found = false;
  for (const auto& [begin, stored_end] : stored) {
    if (begin > reached) break;
    found = found || stored_end >= part.offset;
    reached = std::max(reached, stored_end);
  }
  return found && reached >= end;
}

}  // namespace

absl::StatusOr<std::vector<bool>> FindDurable(Connection& connection,
                                              const v1::SaveSession& session,
                                              const std::string& writer,
                                              absl::Span<const SliceToSave> slices,
                                              absl::Span<const PartToSave> parts) {
  absl::flat_hash_map<SliceName, Ranges> stored;
  for (const PartToSave& part : parts) {
    const SliceToSave& slice = slices[part.slice];
    stored.try_emplace(NameOf(slice.kind, slice.key, slice.box));
  }
  v1::ListSlicesRequest request;
  request.set_directory(session.directory());
  request.set_session(session.session());
  request.set_writer(writer);
  request.set_page_size(kPageSize);
  do {
    CAIRN_ASSIGN_OR_RETURN(const v1::ListSlicesResponse page, connection.ListSlices(request));
    for (const v1::StoredPart& part : page.parts()) {
      CAIRN_ASSIGN_OR_RETURN(const Box box, BoxOfSlice(part.slice(), part.shape()));
      const auto found = stored.find(NameOf(part.kind(), part.key(), box));
      if (found == stored.end()) continue;
      found->second.emplace_back(part.offset(), part.offset() + part.length());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::vector<bool> durable;
  durable.reserve(parts.size());
  for (const PartToSave& part : parts) {
    const SliceToSave& slice = slices[part.slice];
    durable.push_back(Covers(stored.at(NameOf(slice.kind, slice.key, slice.box)), part));
  }
  return durable;
}

}  // namespace cairn
