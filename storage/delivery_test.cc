#include "storage/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/status_matchers.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

// A row of rows 2 and 3 of a [4, 3] matrix.
SliceRow SomeRow(const std::string& dtype, int item) {
  SliceRow row;
  row.key = {TensorKind::kTensor, "w", Box{{2, 0}, {2, 3}}, 0};
  row.record.set_dtype(dtype);
  row.record.add_shape(4);
  row.record.add_shape(3);
  for (int64_t start : row.key.box.start) row.record.add_start(start);
  for (int64_t length : row.key.box.length) row.record.add_length(length);
  row.record.set_end(6 * item);
  row.record.set_slice_bytes(6 * item);
  row.record.add_pieces()->set_length(6 * item);
  return row;
}

Selector Slice(std::vector<ExtentSpec> extents, std::string dtype = "") {
  Selector selector;
  selector.slice = std::move(extents);
  selector.dtype = std::move(dtype);
  return selector;
}

TEST(DeliveryTest, WithoutBoxOrCastTheRowGoesAsItIs) {
  for (const Selector& selector : {Slice({}), Slice({}, "int16"), Slice({{0, 4}, {0, 3}}),
                                   Slice({{2, 2}, {0, std::nullopt}})}) {
    ASSERT_OK_AND_ASSIGN(const auto delivery, PlanDelivery(SomeRow("int16", 2), selector, true));
    ASSERT_TRUE(delivery);
    EXPECT_TRUE(delivery->as_stored);
    EXPECT_EQ(delivery->bytes, 12);
    EXPECT_EQ(delivery->box, (Box{{2, 0}, {2, 3}}));
  }
}

TEST(DeliveryTest, ABoxLeavesTheElementsThatBothHold) {
  ASSERT_OK_AND_ASSIGN(const auto delivery,
                       PlanDelivery(SomeRow("int16", 2), Slice({{1, 2}, {1, 2}}, "float64"), true));
  ASSERT_TRUE(delivery);
  EXPECT_FALSE(delivery->as_stored);
  EXPECT_EQ(delivery->box, (Box{{2, 1}, {1, 2}}));
  EXPECT_EQ(delivery->first, 0);
  EXPECT_EQ(delivery->last, 2);
  EXPECT_EQ(delivery->bytes, 16);
}

TEST(DeliveryTest, ARowOutsideTheBoxSendsNothing) {
  EXPECT_EQ(*PlanDelivery(SomeRow("int16", 2), Slice({{0, 2}, {0, 3}}), true), std::nullopt);
}

TEST(DeliveryTest, AnEmptyBoxIsToldOfByTheFirstRowAlone) {
  const Selector selector = Slice({{3, 0}, {0, 3}});
  ASSERT_OK_AND_ASSIGN(const auto first, PlanDelivery(SomeRow("int16", 2), selector, true));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes, 0);
  EXPECT_EQ(first->box, (Box{{3, 0}, {0, 3}}));
  EXPECT_EQ(*PlanDelivery(SomeRow("int16", 2), selector, false), std::nullopt);
}

TEST(DeliveryTest, AVariableSliceIsTakenWholeOrNotAtAll) {
  const SliceRow row = SomeRow("string", 16);
  EXPECT_TRUE(*PlanDelivery(row, Slice({{2, 2}, {0, 3}}), true));
  EXPECT_TRUE(*PlanDelivery(row, Slice({{0, 4}, {0, 3}}), true));
  EXPECT_FALSE(*PlanDelivery(row, Slice({{2, 1}, {0, 3}}), true));
  EXPECT_TRUE(MustMatchASlice(row, Slice({{2, 1}, {0, 3}})));
  EXPECT_FALSE(MustMatchASlice(row, Slice({})));
  EXPECT_FALSE(MustMatchASlice(SomeRow("int16", 2), Slice({{2, 1}, {0, 3}})));
}

TEST(DeliveryTest, RecordsThatContradictThemselvesAreDataLoss) {
  const auto damaged = [](const std::function<void(SliceRow*)>& damage) {
    SliceRow row = SomeRow("int16", 2);
    damage(&row);
    EXPECT_THAT(PlanDelivery(row, Slice({{1, 2}, {1, 2}}), true),
                StatusIs(absl::StatusCode::kDataLoss));
  };
  damaged([](SliceRow* row) { row->record.set_dtype("nonsense"); });
  damaged([](SliceRow* row) { row->record.mutable_pieces(0)->set_length(11); });
  damaged([](SliceRow* row) { row->record.mutable_pieces(0)->set_length(-1); });
  damaged([](SliceRow* row) { row->record.mutable_pieces(0)->set_length(INT64_MAX); });
  damaged([](SliceRow* row) { row->record.set_shape(0, 3); });
  damaged([](SliceRow* row) { row->record.set_shape(0, INT64_MAX); });
  damaged([](SliceRow* row) {
    row->record.set_end(14);
    row->record.mutable_pieces(0)->set_length(14);
  });
  damaged([](SliceRow* row) {
    row->record.set_begin(1);
    row->record.mutable_pieces(0)->set_length(11);
  });
}

}  // namespace
}  // namespace cairn::storage
