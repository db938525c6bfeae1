#include "storage/selection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

std::string IndexKey(TensorKind kind, absl::string_view text) {
  std::string key(1, static_cast<char>(kind));
  key.append(text.data(), text.size());
  return key;
}

}  // namespace

absl::StatusOr<Selection> Selection::Make(absl::Span<const Selector> selectors, char separator) {
  if (selectors.size() > static_cast<size_t>(kMaxSelectors)) {
    return InvalidField("selectors", absl::StrCat("are ", selectors.size(), "; give up to ",
                                                  kMaxSelectors, ", or a prefix"));
  }
  Selection selection(separator);
  for (const Selector& selector : selectors) {
    CAIRN_RETURN_IF_ERROR(selection.Add(selector));
  }
  if (selectors.empty()) CAIRN_RETURN_IF_ERROR(selection.Add(Selector()));
  selection.MergeRanges();
  return selection;
}

absl::Status Selection::Add(const Selector& selector) {
  const size_t index = selectors_.size();
  if (selector.key && selector.key_prefix) {
    return InvalidField(absl::StrCat("selectors[", index, "]"),
                        "has both a key and a key prefix; give one of them");
  }
  if (selector.key) {
    ranges_.push_back(RowsOfTensor(selector.kind, *selector.key));
    const auto entry = keys_.emplace(IndexKey(selector.kind, *selector.key), index).first;
    same_as_.push_back(entry->second);
  } else {
    absl::string_view prefix = selector.key_prefix ? *selector.key_prefix : absl::string_view();
    for (KeyRange& range : RowsOfPrefix(selector.kind, prefix, separator_)) {
      ranges_.push_back(std::move(range));
    }
    absl::ConsumeSuffix(&prefix, absl::string_view(&separator_, 1));
    const auto entry = prefixes_.emplace(IndexKey(selector.kind, prefix), index).first;
    same_as_.push_back(entry->second);
  }
  selectors_.push_back(selector);
  return absl::OkStatus();
}

void Selection::MergeRanges() {
  std::sort(ranges_.begin(), ranges_.end(),
            [](const KeyRange& a, const KeyRange& b) { return a.begin < b.begin; });
  std::vector<KeyRange> merged;
  for (KeyRange& range : ranges_) {
    if (merged.empty() || merged.back().end < range.begin) {
      merged.push_back(std::move(range));
    } else {
      merged.back().end = std::max(merged.back().end, range.end);
    }
  }
  ranges_ = std::move(merged);
}

void Selection::ForEachMatch(TensorKind kind, absl::string_view key,
                             absl::FunctionRef<void(size_t)> visit) const {
  const auto look_up = [&](const Index& index, absl::string_view text) {
    const auto found = index.find(IndexKey(kind, text));
    if (found != index.end()) visit(found->second);
  };
  look_up(keys_, key);
  if (prefixes_.empty()) return;
  look_up(prefixes_, "");
  look_up(prefixes_, key);
  for (size_t end = key.find(separator_, 1); end != absl::string_view::npos;
       end = key.find(separator_, end + 1)) {
    look_up(prefixes_, key.substr(0, end));
  }
}

const Selector* Selection::Find(TensorKind kind, absl::string_view key) const {
  size_t first = selectors_.size();
  ForEachMatch(kind, key, [&](size_t index) { first = std::min(first, index); });
  return first == selectors_.size() ? nullptr : &selectors_[first];
}

void Selection::Mark(TensorKind kind, absl::string_view key, std::vector<bool>* matched) const {
  ForEachMatch(kind, key, [&](size_t index) { (*matched)[index] = true; });
}

const Selector* Selection::FirstUnmatched(const std::vector<bool>& matched) const {
  for (size_t i = 0; i < selectors_.size(); ++i) {
    const Selector& selector = selectors_[i];
    // What asks for all there is gets all there is, even if that is nothing.
    const bool asks_for_all =
        !selector.key && (!selector.key_prefix || selector.key_prefix->empty());
    if (!asks_for_all && !matched[same_as_[i]]) return &selector;
  }
  return nullptr;
}

size_t Selection::bytes() const {
  size_t sum = 0;
  for (const Selector& selector : selectors_) {
    const size_t text = selector.key ? selector.key->size()
                                     : (selector.key_prefix ? selector.key_prefix->size() : 0);
    // The text stands in the selector, in an index and at both ends of a range or two.
    sum += sizeof(Selector) + 6 * text + selector.slice.size() * sizeof(ExtentSpec);
  }
  return sum;
}

}  // namespace cairn::storage
