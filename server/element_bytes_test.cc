#include "server/element_bytes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

std::string Bytes(std::initializer_list<int> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

TEST(ElementBytes, NumbersAreLittleEndian) {
  EXPECT_THAT(BytesOfNumbers("int32", {1, -2}),
              IsOkAndHolds(Bytes({1, 0, 0, 0, 254, 255, 255, 255})));
  EXPECT_THAT(BytesOfNumbers("uint16", {258}), IsOkAndHolds(Bytes({2, 1})));
  EXPECT_THAT(BytesOfNumbers("float32", {1}), IsOkAndHolds(Bytes({0, 0, 0x80, 0x3f})));
  EXPECT_THAT(BytesOfNumbers("bfloat16", {1}), IsOkAndHolds(Bytes({0x80, 0x3f})));
  EXPECT_THAT(BytesOfNumbers("bool", {0, 1}), IsOkAndHolds(Bytes({0, 1})));
  EXPECT_THAT(BytesOfNumbers("complex64", {1}),
              IsOkAndHolds(Bytes({0, 0, 0x80, 0x3f, 0, 0, 0, 0})));
}

TEST(ElementBytes, NarrowIntegersTakeAByteEach) {
  EXPECT_THAT(BytesOfNumbers("int4", {-8, 7}), IsOkAndHolds(Bytes({0xf8, 7})));
  EXPECT_THAT(BytesOfNumbers("int4", {8}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("uint4", {15}), IsOkAndHolds(Bytes({15})));
  EXPECT_THAT(BytesOfNumbers("uint4", {16}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ElementBytes, EndsOfTheWideIntegersAreExact) {
  EXPECT_OK(BytesOfNumbers("int64", {-std::ldexp(1.0, 63)}));
  EXPECT_THAT(BytesOfNumbers("int64", {std::ldexp(1.0, 63)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("out of its range")));
  EXPECT_THAT(BytesOfNumbers("uint64", {std::ldexp(1.0, 63)}),
              IsOkAndHolds(Bytes({0, 0, 0, 0, 0, 0, 0, 0x80})));
  EXPECT_THAT(BytesOfNumbers("uint64", {std::ldexp(1.0, 64)}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("uint64", {-1}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ElementBytes, WhatDoesNotFitIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(BytesOfNumbers("int8", {1.5}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("whole number")));
  EXPECT_THAT(BytesOfNumbers("int8", {nan}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("bool", {2}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("float16", {1e6}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("out of its range")));
  EXPECT_THAT(BytesOfNumbers("string", {1}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("tf:21", {1}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BytesOfNumbers("nothing", {1}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ElementBytes, InfinityAndNanAreReals) {
  EXPECT_THAT(BytesOfNumbers("float32", {std::numeric_limits<double>::infinity()}),
              IsOkAndHolds(Bytes({0, 0, 0x80, 0x7f})));
  EXPECT_OK(BytesOfNumbers("float32", {std::numeric_limits<double>::quiet_NaN()}));
}

TEST(ElementBytes, TextsHaveTheirLengthsInFront) {
  const std::string a = "ab", b;
  EXPECT_EQ(BytesOfTexts({&a, &b}), Bytes({2, 0, 0, 0, 0, 0, 0, 0}) + std::string(8, '\0') + "ab");
}

}  // namespace
}  // namespace cairn::server
