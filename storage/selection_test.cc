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

bool Holds(const Selection& selection, absl::string_view row_key) {
  return std::any_of(
      selection.ranges().begin(), selection.ranges().end(),
      [&](const KeyRange& range) { return range.begin <= row_key && row_key < range.end; });
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
  EXPECT_FALSE(Holds(selection, EncodeSliceKey(TensorKind::kTensor, "a", Box(), 0)));
}

TEST(SelectionTest, NoSelectorMeansEveryTensorAndNoAttachment) {
  ASSERT_OK_AND_ASSIGN(const Selection selection, Selection::Make({}, '/'));
  EXPECT_NE(selection.Find(TensorKind::kTensor, "any"), nullptr);
  EXPECT_EQ(selection.Find(TensorKind::kAttachment, "any"), nullptr);
  EXPECT_EQ(selection.FirstUnmatched({false}), nullptr);
}

TEST(SelectionTest, RangesAscendAreDisjointAndHoldWhatIsFound) {
  ASSERT_OK_AND_ASSIGN(const Selection selection,
                       Selection::Make({Key("b"), Prefix("a"), Key("a/b"), Key("b")}, '/'));
  for (size_t i = 1; i < selection.ranges().size(); ++i) {
    EXPECT_LT(selection.ranges()[i - 1].end, selection.ranges()[i].begin);
  }
  for (absl::string_view key : {"a", "a-", "a/b", "a/c", "ab", "b", "b/c", "c"}) {
    EXPECT_EQ(Holds(selection, EncodeSliceKey(TensorKind::kTensor, key, Box(), 0)),
              selection.Find(TensorKind::kTensor, key) != nullptr)
        << key;
  }
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
}

}  // namespace
}  // namespace cairn::storage
