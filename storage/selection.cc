#include "storage/selection.h"

#include <algorithm>
#include <tuple>
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

// Gives the ranges in the order of their rows, those of sets of keys as they are asked for.
class Selection::Ranges {
 public:
  Ranges(const Selection* selection, std::string begin)
      : selection_(selection), begin_(std::move(begin)) {
    const std::vector<KeyRange>& ranges = selection_->ranges_;
    range_ = std::partition_point(ranges.begin(), ranges.end(),
                                  [this](const KeyRange& range) { return range.end <= begin_; });
    const std::vector<SetKey>& keys = selection_->set_keys_;
    key_ = std::partition_point(keys.begin(), keys.end(), [this](const SetKey& key) {
      return RowsOfTensor(key.kind, key.key).end <= begin_;
    });
  }

  std::optional<KeyRange> operator()() {
    while (range_ != selection_->ranges_.end() && range_->end <= begin_) ++range_;
    std::optional<KeyRange> next;
    for (; key_ != selection_->set_keys_.end(); ++key_) {
      next = RowsOfTensor(key_->kind, key_->key);
      if (next->end > begin_) break;
      next.reset();
    }
    if (range_ != selection_->ranges_.end() && (!next || range_->begin <= next->begin)) {
      next = *range_;
    }
    if (!next) return next;
    next->begin = std::max(next->begin, begin_);
    begin_ = next->end;
    return next;
  }

 private:
  const Selection* selection_;
  std::string begin_;  // what comes before was given
  std::vector<KeyRange>::const_iterator range_;
  std::vector<SetKey>::const_iterator key_;
};

RangeSource Selection::RangesFrom(std::string begin) const {
  return Ranges(this, std::move(begin));
}

bool SelectsAll(const Selector& selector) {
  return !selector.key && !selector.keys && (!selector.key_prefix || selector.key_prefix->empty());
}

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
  std::sort(selection.set_keys_.begin(), selection.set_keys_.end(),
            [](const SetKey& a, const SetKey& b) {
              return std::tie(a.kind, a.key, a.selector) < std::tie(b.kind, b.key, b.selector);
            });
  return selection;
}

absl::Status Selection::Add(const Selector& selector) {
  const size_t index = selectors_.size();
  if (selector.key.has_value() + selector.key_prefix.has_value() + (selector.keys != nullptr) > 1) {
    return InvalidField(absl::StrCat("selectors[", index, "]"),
                        "names tensors in more than one way; give one of them");
  }
  if (selector.keys) {
    for (const std::string& key : selector.keys->keys) {
      set_keys_.push_back({selector.kind, key, static_cast<uint32_t>(index)});
    }
    same_as_.push_back(index);
  } else if (selector.key) {
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
  const auto set_key = std::lower_bound(
      set_keys_.begin(), set_keys_.end(), std::tie(kind, key),
      [](const SetKey& a, const auto& wanted) { return std::tie(a.kind, a.key) < wanted; });
  for (auto it = set_key; it != set_keys_.end() && it->kind == kind && it->key == key; ++it) {
    visit(it->selector);
  }
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
    if (!SelectsAll(selectors_[i]) && !matched[same_as_[i]]) return &selectors_[i];
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
    if (!selector.keys) continue;
    for (const std::string& key : selector.keys->keys) {
      sum += sizeof(SetKey) + sizeof(key) + key.size();
    }
  }
  return sum;
}

}  // namespace cairn::storage
