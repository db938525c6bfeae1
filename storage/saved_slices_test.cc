// Slices as TensorFlow's files have them: saved, checked for coverage and sent again as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/coverage.h"
#include "storage/restore.h"
#include "storage/slice_fixture.h"
#include "storage/tensor_list.h"

namespace cairn::storage {
namespace {

class SavedSlicesTest : public SliceFixture {
 protected:
  using Contents = std::map<std::string, std::string>;  // "key [0:2]" to its bytes

  void SaveSlices(const std::string& key, const std::string& dtype,
                  const std::vector<int64_t>& shape, bool partial,
                  const std::vector<std::pair<Box, std::string>>& slices) {
    const auto writer = NewWriter();
    SliceSpec slice = Whole(key, dtype, shape);
    slice.partial = partial;
    for (const auto& [box, bytes] : slices) {
      slice.box = box;
      ASSERT_OK(Send(writer.get(), slice, bytes)) << key << ToString(box);
      saved_[absl::StrCat(key, " ", ToString(box))] = bytes;
    }
    ASSERT_OK(writer->Finish());
  }

  // Everything that a restore of the whole checkpoint sends.
  Contents Restored() {
    Contents restored;
    const absl::StatusOr<RestoreInfo> info = restores_.Open(Checkpoint(), {}, /*streams=*/3);
    EXPECT_OK(info);
    if (!info.ok()) return restored;
    for (const std::string& token : info->stream_tokens) {
      const auto reader = restores_.NewSliceReader(token);
      EXPECT_OK(reader);
      while (reader.ok()) {
        const auto parts = (*reader)->Next(kPieceBytes);
        EXPECT_OK(parts);
        if (!parts.ok() || parts->empty()) break;
        for (const OutgoingPart& part : *parts) {
          const absl::string_view bytes = part.bytes.view();
          EXPECT_EQ(part.crc32c, Crc32c(bytes)) << part.key;
          restored[absl::StrCat(part.key, " ", ToString(part.box))].append(bytes.data(),
                                                                           bytes.size());
        }
      }
    }
    return restored;
  }

  void ExpectTheSameBack() {
    EXPECT_OK(CheckCoverage(&table_, manifest_));
    EXPECT_EQ(Restored(), saved_);
  }

  Contents saved_;
  Restores restores_{&table_, &segments_, &clock_, &random_};
};

// Our bytes of some strings.
std::string Strings(const std::vector<std::string>& strings) {
  std::string bytes;
  for (const std::string& string : strings) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(string.size() >> 8 * i));
  }
  for (const std::string& string : strings) bytes += string;
  return bytes;
}

TEST_F(SavedSlicesTest, AHundredOfOneTensorComeBack) {
  std::vector<std::pair<Box, std::string>> slices;
  for (int64_t i = 0; i < 100; ++i) {
    slices.push_back({{{i / 10 * 3, i % 10 * 2}, {3, 2}}, SomeBytes(24, 100 + i)});
  }
  SaveSlices("t", "float32", {30, 20}, /*partial=*/false, slices);
  ExpectTheSameBack();
  EXPECT_EQ(CheckCoverage(&table_, manifest_)->slice_count, 100);
}

TEST_F(SavedSlicesTest, AnyFixedWidthComesBackInThem) {
  for (const auto& [dtype, item] : std::map<std::string, int>{
           {"bool", 1}, {"float16", 2}, {"float4_e2m1fn", 1}, {"complex128", 16}, {"int2", 1}}) {
    SaveSlices(dtype, dtype, {3}, /*partial=*/false,
               {{{{0}, {1}}, SomeBytes(item, 1)}, {{{1}, {2}}, SomeBytes(2 * item, 2)}});
  }
  ExpectTheSameBack();
}

TEST_F(SavedSlicesTest, StringsAndOpaqueTensorsComeBackInThem) {
  SaveSlices("s", "string", {2, 2}, /*partial=*/false,
             {{{{0, 0}, {1, 2}}, Strings({"", "one"})},
              {{{1, 0}, {1, 2}}, Strings({std::string(70'000, 'x'), ""})}});
  for (const char* dtype : {"tf:11", "tf:21", "tf:999"}) {
    SaveSlices(dtype, dtype, {3}, /*partial=*/false,
               {{{{0}, {1}}, "a"}, {{{1}, {2}}, "of any length"}});
  }
  ExpectTheSameBack();
}

TEST_F(SavedSlicesTest, WhatWasSavedWithoutALengthIsToldSo) {
  const auto writer = NewWriter();
  SliceSpec slice = Whole("t", "uint8", {2, 3});
  slice.box = {{0, 0}, {2, 1}};
  slice.open_dimensions = 0b01;
  ASSERT_OK(Send(writer.get(), slice, "ab"));
  slice.box = {{0, 1}, {2, 2}};
  slice.open_dimensions = 0;
  ASSERT_OK(Send(writer.get(), slice, "cdef"));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const TensorInfo tensor,
                       GetTensor(&table_, Checkpoint(), TensorKind::kTensor, "t"));
  ASSERT_EQ(tensor.slices.size(), 2);
  EXPECT_EQ(tensor.slices[0].open_dimensions, 0b01);
  EXPECT_EQ(tensor.slices[1].open_dimensions, 0);
}

TEST_F(SavedSlicesTest, PartialTensorsOfEveryKindComeBack) {
  SaveSlices("numbers", "float32", {400, 16}, /*partial=*/true,
             {{{{100, 0}, {2, 16}}, SomeBytes(128, 1)}});
  SaveSlices("strings", "string", {9}, /*partial=*/true, {{{{4}, {1}}, Strings({"one"})}});
  SaveSlices("opaque", "tf:21", {9}, /*partial=*/true,
             {{{{0}, {1}}, "first"}, {{{8}, {1}}, "last"}});
  ExpectTheSameBack();
}

TEST_F(SavedSlicesTest, ScalarsAndTensorsWithoutElementsComeBack) {
  SaveSlices("scalar", "int64", {}, /*partial=*/false, {{Box(), SomeBytes(8, 1)}});
  SaveSlices("string", "string", {}, /*partial=*/false, {{Box(), Strings({""})}});
  SaveSlices("variant", "tf:21", {}, /*partial=*/false, {{Box(), "v"}});
  for (const char* dtype : {"float32", "string", "tf:21", "tf:999"}) {
    SaveSlices(absl::StrCat("none/", dtype), dtype, {3, 0}, /*partial=*/false,
               {{{{0, 0}, {3, 0}}, ""}});
  }
  SaveSlices("none/cut", "float32", {0, 4}, /*partial=*/false,
             {{{{0, 0}, {0, 2}}, ""}, {{{0, 2}, {0, 2}}, ""}});
  ExpectTheSameBack();
}

}  // namespace
}  // namespace cairn::storage
