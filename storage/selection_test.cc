#include "storage/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/key_text.h"
#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

Selector Key(std::string key, TensorKind kind = TensorKind::kTensor) {
  Selector selector;
  selector.kind = kind;
  selector.key = std::move(key);
  return selector;
}

Selector Prefix(std::string prefix) {
  Selector selector;
  selector.key_prefix = std::move(prefix);
  return selector;
}

Selector Keys(std::string name, std::vector<std::string> keys,
              TensorKind kind = TensorKind::kTensor) {
  Selector selector;
  selector.kind = kind;
  selector.keys = std::make_shared<KeySet>(KeySet{std::move(name), std::move(keys)});
  return selector;
}

std::vector<KeyRange> RangesOf(const Selection& selection, const std::string& begin = "") {
  std::vector<KeyRange> ranges;
  RangeSource source = selection.RangesFrom(begin);
  while (std::optional<KeyRange> range = source()) ranges.push_back(*std::move(range));
  EXPECT_FALSE(source().has_value());
  return ranges;
}

bool Holds(const std::vector<KeyRange>& ranges, absl::string_view row_key) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const KeyRange& range) {
    return range.begin <= row_key && row_key < range.end;
  });
}

TEST(SelectionTest, TheFirstSelectorThatMatchesDecides) {
  const std::vector<Selector> selectors = {Key("a/b"), Prefix("x/"), Prefix("a"),
                                           Key("x"),   Key("a/c"),   Prefix("")};
  ASSERT_OK_AND_ASSIGN(const Selection selection, Selection::Make(selectors, '/'));
  for (absl::string_view key : {"a", "a/b", "a/b/c", "a/c", "ab", "x", "x/y", "xy", "/", "a//"}) {
    const Selector* expected = nullptr;
    for (const Selector& selector : selectors) {
      const bool matches =
          selector.key ? *selector.key == key : KeyPrefixSelects(*selector.key_prefix, key, '/');
      if (matches && expected == nullptr) expected = &selector;
    }
    const Selector* found = selection.Find(TensorKind::kTensor, key);
    ASSERT_NE(found, nullptr) << key;
    EXPECT_EQ(found->key, expected->key) << key;
    EXPECT_EQ(found->key_prefix, expected->key_prefix) << key;
  }
}

TEST(SelectionTest, KindsAreApart) {
  ASSERT_OK_AND_ASSIGN(const Selection selection,
                       Selection::Make({Key("a", TensorKind::kAttachment)}, '/'));
  EXPECT_EQ(selection.Find(TensorKind::kTensor, "a"), nullptr);
  EXPECT_NE(selection.Find(TensorKind::kAttachment, "a"), nullptr);
  EXPECT_FALSE(Holds(RangesOf(selection), EncodeSliceKey(TensorKind::kTensor, "a", Box(), 0)));
}

TEST(SelectionTest, NoSelectorMeansEveryTensorAndNoAttachment) {
  ASSERT_OK_AND_ASSIGN(const Selection selection, Selection::Make({}, '/'));
  EXPECT_NE(selection.Find(TensorKind::kTensor, "any"), nullptr);
  EXPECT_EQ(selection.Find(TensorKind::kAttachment, "any"), nullptr);
  EXPECT_EQ(selection.FirstUnmatched({false}), nullptr);
}

TEST(SelectionTest, RangesAscendAreDisjointAndHoldWhatIsFound) {
  const std::vector<Selector> united[] = {
      {Key("b"), Prefix("a"), Key("a/b"), Key("b")},
      {Keys("some", {"a", "a-", "ab", "c"}), Prefix("a/b"), Keys("others", {"a/b/c", "ab", "d"}),
       Keys("apart", {"a"}, TensorKind::kAttachment)},
      {Keys("none", {}), Prefix("a")}};
  for (const std::vector<Selector>& selectors : united) {
    ASSERT_OK_AND_ASSIGN(const Selection selection, Selection::Make(selectors, '/'));
    const std::vector<KeyRange> all = RangesOf(selection);
    for (size_t i = 1; i < all.size(); ++i) EXPECT_LE(all[i - 1].end, all[i].begin);
    for (const TensorKind kind : {TensorKind::kAttachment, TensorKind::kTensor}) {
      for (absl::string_view key : {"a", "a-", "a/b", "a/b/c", "a/c", "ab", "b", "b/c", "c", "d"}) {
        const std::string row_key = EncodeSliceKey(kind, key, Box(), 0);
        const bool found = selection.Find(kind, key) != nullptr;
        EXPECT_EQ(Holds(all, row_key), found) << key;
        // From a place on, the same of what comes there.
        EXPECT_EQ(Holds(RangesOf(selection, row_key), row_key), found) << key;
        const std::vector<KeyRange> behind = RangesOf(selection, row_key + '\0');
        EXPECT_FALSE(Holds(behind, row_key)) << key;
        for (const KeyRange& range : behind) EXPECT_GT(range.begin, row_key) << key;
      }
    }
  }
}

TEST(SelectionTest, AllSetsThatHoldAKeyAreMarkedAndTheFirstDecides) {
  const std::vector<Selector> selectors = {Keys("x", {"a", "b"}), Key("b"), Keys("y", {"b", "c"}),
                                           Keys("z", {"d"})};
  ASSERT_OK_AND_ASSIGN(const Selection selection, Selection::Make(selectors, '/'));
  EXPECT_EQ(selection.Find(TensorKind::kTensor, "b")->keys, selectors[0].keys);
  EXPECT_EQ(selection.Find(TensorKind::kTensor, "c")->keys, selectors[2].keys);
  EXPECT_EQ(selection.Find(TensorKind::kTensor, "ab"), nullptr);
  EXPECT_EQ(selection.Find(TensorKind::kAttachment, "b"), nullptr);
  // Of a set one key is enough.
  std::vector<bool> matched(selection.size(), false);
  selection.Mark(TensorKind::kTensor, "b", &matched);
  ASSERT_NE(selection.FirstUnmatched(matched), nullptr);
  EXPECT_EQ(selection.FirstUnmatched(matched)->keys, selectors[3].keys);
  selection.Mark(TensorKind::kTensor, "d", &matched);
  EXPECT_EQ(selection.FirstUnmatched(matched), nullptr);
}

TEST(SelectionTest, MemoryOfSetsCounts) {
  ASSERT_OK_AND_ASSIGN(const Selection few, Selection::Make({Keys("x", {"a"})}, '/'));
  ASSERT_OK_AND_ASSIGN(
      const Selection many,
      Selection::Make({Keys("x", std::vector<std::string>(1000, std::string(100, 'k')))}, '/'));
  EXPECT_GT(many.bytes(), few.bytes() + 999 * 100);
}

TEST(SelectionTest, ASelectorThatMatchesNothingIsFoundEvenBehindOthers) {
  ASSERT_OK_AND_ASSIGN(const Selection selection,
                       Selection::Make({Prefix("a"), Key("a/b"), Key("a/b"), Prefix("v/")}, '/'));
  std::vector<bool> matched(selection.size(), false);
  selection.Mark(TensorKind::kTensor, "a/b", &matched);
  ASSERT_NE(selection.FirstUnmatched(matched), nullptr);
  EXPECT_EQ(selection.FirstUnmatched(matched)->key_prefix, "v/");
  selection.Mark(TensorKind::kTensor, "v/w", &matched);
  EXPECT_EQ(selection.FirstUnmatched(matched), nullptr);
}

TEST(SelectionTest, TooManyOrContradictingSelectorsAreRefused) {
  const std::vector<Selector> many(kMaxSelectors + 1, Key("a"));
  EXPECT_THAT(Selection::Make(many, '/'), StatusIs(absl::StatusCode::kInvalidArgument));
  Selector both = Key("a");
  both.key_prefix = "b";
  EXPECT_THAT(Selection::Make({both}, '/'), StatusIs(absl::StatusCode::kInvalidArgument));
  both = Keys("x", {"a"});
  both.key = "a";
  EXPECT_THAT(Selection::Make({both}, '/'), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn::storage
