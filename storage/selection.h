// Which tensors a restore reads, and how each.
#ifndef CAIRN_STORAGE_SELECTION_H_
#define CAIRN_STORAGE_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/row_scanner.h"
#include "storage/slice_keys.h"
#include "storage/store.h"

namespace cairn::storage {

// United selectors. Immutable, so safe to share between threads.
class Selection {
 public:
  // None at all select every tensor. Errors: kInvalidArgument (too many; more than one of key,
  // prefix and keys).
  static absl::StatusOr<Selection> Make(absl::Span<const Selector> selectors, char separator);

  // The rows of what is selected at or after the row key `begin`. This outlives the result.
  RangeSource RangesFrom(std::string begin) const;

  // How to read a tensor: the first selector that matches it; nullptr when none does. Its time
  // hardly grows with the number of selectors, but with how many sets of keys hold the tensor.
  const Selector* Find(TensorKind kind, absl::string_view key) const;

  // Notes, by index, which selectors match a tensor; `matched` has size() entries.
  void Mark(TensorKind kind, absl::string_view key, std::vector<bool>* matched) const;
  // The first selector that must match something and did not, given all marks; nullptr when none.
  const Selector* FirstUnmatched(const std::vector<bool>& matched) const;

  size_t size() const { return selectors_.size(); }
  // Memory that the selectors take, about.
  size_t bytes() const;

 private:
  // Kind and text of selectors with the index of the first that has them.
  using Index = std::unordered_map<std::string, size_t>;
  // A key of a selector's set.
  struct SetKey {
    TensorKind kind;
    absl::string_view key;  // lives in the set
    uint32_t selector;
  };
  class Ranges;

  explicit Selection(char separator) : separator_(separator) {}
  absl::Status Add(const Selector& selector);
  void MergeRanges();
  void ForEachMatch(TensorKind kind, absl::string_view key,
                    absl::FunctionRef<void(size_t)> visit) const;

  char separator_;
  std::vector<Selector> selectors_;
  std::vector<size_t> same_as_;  // the first selector of the same kind and text
  Index keys_;
  Index prefixes_;
  std::vector<KeyRange> ranges_;  // of keys and prefixes; ascending, disjoint
  std::vector<SetKey> set_keys_;  // by kind, key and selector
};

// Whether a selector asks for all of its kind, and so gets it even if that is nothing.
bool SelectsAll(const Selector& selector);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SELECTION_H_
