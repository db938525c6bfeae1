#include "storage/tensor_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/slice_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TensorListTest : public SliceFixture {
 protected:
  static Selector Prefix(std::string prefix) {
    Selector selector;
    selector.key_prefix = std::move(prefix);
    return selector;
  }
  static Selector Set(std::vector<std::string> keys) {
    Selector selector;
    selector.keys = std::make_shared<KeySet>(KeySet{"model/l1", std::move(keys)});
    return selector;
  }

  // Keys of all pages.
  std::vector<std::string> Keys(const std::string& prefix, int page_size) {
    return Keys(Prefix(prefix), page_size);
  }
  std::vector<std::string> Keys(const Selector& selector, int page_size) {
    std::vector<std::string> keys;
    std::string after;
    do {
      const auto page =
          ListTensors(&table_, Checkpoint(), selector, /*with_slices=*/false, after, page_size);
      EXPECT_OK(page);
      if (!page.ok()) return keys;
      EXPECT_LE(page->items.size(), static_cast<size_t>(page_size));
      for (const TensorInfo& tensor : page->items) keys.push_back(tensor.key);
      after = page->next;
    } while (!after.empty());
    return keys;
  }
};

TEST_F(TensorListTest, PagesGoThroughThePrefixInKeyOrder) {
  for (absl::string_view key : {"a", "a-b", "a/b", "a/b/c", "a/d", "ab", "b"}) {
    Save(Whole(std::string(key), "int8", {1}), "x");
  }
  for (int page_size : {1, 2, 3, 100}) {
    EXPECT_THAT(Keys("", page_size), ElementsAre("a", "a-b", "a/b", "a/b/c", "a/d", "ab", "b"));
    EXPECT_THAT(Keys("a", page_size), ElementsAre("a", "a/b", "a/b/c", "a/d"));
    EXPECT_THAT(Keys("a/b/", page_size), ElementsAre("a/b", "a/b/c"));
    // Of a set what is there, however much is not.
    EXPECT_THAT(Keys(Set({"0", "a", "a/b/c", "a/c", "aa", "ab", "z"}), page_size),
                ElementsAre("a", "a/b/c", "ab"));
    Selector key;
    key.key = "a/b";
    EXPECT_THAT(Keys(key, page_size), ElementsAre("a/b"));
  }
}

TEST_F(TensorListTest, SlicesAndPartsFoldIntoTheirTensor) {
  const auto writer = NewWriter();
  SliceSpec slice = Whole("w", "int8", {kPartBytes + 4});
  slice.partial = true;
  slice.box = Box{{3}, {kPartBytes + 1}};
  const std::string mebibyte(kPieceBytes, 'x');
  for (int64_t offset = 0; offset < kPartBytes; offset += kPieceBytes) {
    ASSERT_OK(writer->Append(slice, offset, {mebibyte}, std::nullopt));
  }
  ASSERT_OK(writer->Append(slice, kPartBytes, {"y"}, std::nullopt));
  slice.box = Box{{0}, {2}};
  ASSERT_OK(writer->Append(slice, 0, {"ab"}, std::nullopt));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const TensorInfo tensor,
                       GetTensor(&table_, Checkpoint(), TensorKind::kTensor, "w"));
  EXPECT_EQ(tensor.dtype, "int8");
  EXPECT_THAT(tensor.shape, ElementsAre(kPartBytes + 4));
  EXPECT_EQ(tensor.logical_bytes, kPartBytes + 3);
  EXPECT_EQ(tensor.slice_count, 2);
  EXPECT_TRUE(tensor.partial);
  ASSERT_THAT(tensor.slices, SizeIs(2));
  EXPECT_EQ(tensor.slices[0].bytes, 2);
  EXPECT_EQ(tensor.slices[1].box, (Box{{3}, {kPartBytes + 1}}));
  EXPECT_EQ(tensor.slices[1].bytes, kPartBytes + 1);
  EXPECT_EQ(tensor.slices[1].writer, "rank-0");
}

TEST_F(TensorListTest, WhatIsNotThereIsToldWithItsNeighbors) {
  for (absl::string_view key : {"a", "b", "c", "e", "f", "g"}) {
    Save(Whole(std::string(key), "int8", {1}), "x");
  }
  const absl::Status status = GetTensor(&table_, Checkpoint(), TensorKind::kTensor, "d").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                               AllOf(HasSubstr("\"d\""), HasSubstr("are b, c, e, f"))));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_EQ(DetailOf(status).metadata().at("neighbors"), "b, c, e, f");
  EXPECT_THAT(ListTensors(&table_, Checkpoint(), Prefix("zz"), false, "", 10).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("are f, g")));
  EXPECT_THAT(GetTensor(&table_, Checkpoint(), TensorKind::kAttachment, "a").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("has no attachment")));
}

TEST_F(TensorListTest, ASetOfWhichNothingIsThereIsToldByItsName) {
  Save(Whole("a", "int8", {1}), "x");
  const absl::Status status =
      ListTensors(&table_, Checkpoint(), Set({"k1", "k2", "k3", "k4", "k5"}), false, "", 10)
          .status();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("\"model/l1\""), HasSubstr("k1, k2, k3, k4 and 1 more"))));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_EQ(DetailOf(status).metadata().at("selector"), "model/l1");
}

TEST_F(TensorListTest, AnEmptyCheckpointHasAnEmptyList) {
  ASSERT_OK_AND_ASSIGN(const ListPage<TensorInfo> page,
                       ListTensors(&table_, Checkpoint(), Prefix(""), false, "", 10));
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_EQ(page.next, "");
}

}  // namespace
}  // namespace cairn::storage
