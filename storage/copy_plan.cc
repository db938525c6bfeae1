#include "storage/copy_plan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/row_scanner.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

// Visits the key of every tensor, until `visit` fails.
absl::Status ForEachKey(Table* table, const Uid& manifest,
                        absl::FunctionRef<absl::Status(absl::string_view key)> visit) {
  RowScanner rows(table, manifest, {RowsOfKind(TensorKind::kTensor)});
  std::string prefix;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) return absl::OkStatus();
    if (TensorPrefix(row->key) == prefix) continue;
    prefix = std::string(TensorPrefix(row->key));
    if (prefix.size() < 3) return absl::DataLossError("a row of the source is no slice's");
    CAIRN_RETURN_IF_ERROR(visit(absl::string_view(prefix).substr(1, prefix.size() - 2)));
  }
}

absl::Status BecomeOne(absl::string_view a, absl::string_view b, absl::string_view new_key) {
  return InvalidField("renames",
                      absl::StrCat("make one key of two: '", a, "' and '", b, "' would both be '",
                                   new_key, "'; leave one out or rename it otherwise"));
}

}  // namespace

absl::StatusOr<CopyPlan> CopyPlan::Make(Table* table, const CheckpointRecord& source,
                                        const CopyOptions& options) {
  const std::optional<Uid> manifest = Uid::FromBytes(source.uid());
  CAIRN_CHECK(manifest.has_value());
  CAIRN_ASSIGN_OR_RETURN(KeyMap map, KeyMap::Make(options, SeparatorOf(source)));
  CopyPlan plan(table, *manifest, options, std::move(map));
  if (!plan.map_.keeps_all()) CAIRN_RETURN_IF_ERROR(plan.LookAtKeys());
  return plan;
}

absl::Status CopyPlan::LookAtKeys() {
  using Hash = std::pair<uint64_t, uint64_t>;
  absl::flat_hash_set<Hash> new_keys;  // of those that are renamed
  bool any = false;
  CAIRN_RETURN_IF_ERROR(ForEachKey(table_, manifest_, [&](absl::string_view key) -> absl::Status {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> new_key, KeyOf(key));
    if (IsIndex(key)) return absl::OkStatus();
    any |= new_key.has_value();
    if (new_key == key) return absl::OkStatus();
    changes_ = true;
    if (!new_key) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> there, KeyOfExisting(*new_key));
    if (there == *new_key) return BecomeOne(key, *new_key, *new_key);
    const XXH128_hash_t hash = XXH3_128bits(new_key->data(), new_key->size());
    if (new_keys.insert(Hash(hash.high64, hash.low64)).second) return absl::OkStatus();
    return Collision(key, *new_key);
  }));
  CAIRN_RETURN_IF_ERROR(map_.CheckAllMatched());
  if (any) return absl::OkStatus();
  return InvalidField("exclude", "leaves no tensor to copy; a checkpoint holds at least one");
}

absl::StatusOr<std::optional<std::string>> CopyPlan::KeyOf(absl::string_view key) {
  CAIRN_ASSIGN_OR_RETURN(std::optional<std::string> new_key, map_.Map(key));
  if (!IsIndex(key)) return new_key;
  // The index is what its name says, and goes with whatever is copied.
  if (map_.Excludes(key)) return std::nullopt;
  return std::string(key);
}

absl::StatusOr<bool> CopyPlan::Exists(absl::string_view key) const {
  RowScanner rows(table_, manifest_, {RowsOfTensor(TensorKind::kTensor, key)});
  CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
  return row != nullptr;
}

absl::StatusOr<std::optional<std::string>> CopyPlan::KeyOfExisting(absl::string_view key) {
  CAIRN_ASSIGN_OR_RETURN(const bool exists, Exists(key));
  if (!exists) return std::nullopt;
  return KeyOf(key);
}

absl::Status CopyPlan::Collision(absl::string_view key, absl::string_view new_key) {
  return ForEachKey(table_, manifest_, [&](absl::string_view other) -> absl::Status {
    if (other == key) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> others, KeyOf(other));
    return others == new_key ? BecomeOne(other, key, new_key) : absl::OkStatus();
  });
}

}  // namespace cairn::storage
