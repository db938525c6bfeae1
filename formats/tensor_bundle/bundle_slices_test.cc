// Tensors in slices, as the reader finds them in an index.
#include <cstring>
#include <functional>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/key_text.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/forged_bundle.h"
#include "formats/tensor_bundle/string_tensor.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kUint8 = 4;
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// "[0:2, 0:3]=abcdef" for each slice.
std::vector<std::string> Contents(const BundleReader& reader, const BundleTensor& tensor) {
  std::vector<std::string> contents;
  for (const BundleSlice& slice : tensor.slices) {
    const absl::StatusOr<std::string> bytes = reader.ReadWhole(tensor, slice);
    contents.push_back(
        absl::StrCat(ToString(slice.box), "=", bytes.ok() ? *bytes : bytes.status().ToString()));
  }
  return contents;
}

std::vector<std::string> Boxes(const BundleTensor& tensor) {
  std::vector<std::string> boxes;
  for (const BundleSlice& slice : tensor.slices) boxes.push_back(ToString(slice.box));
  return boxes;
}

std::vector<std::string> Keys(const BundleReader& reader) {
  std::vector<std::string> keys;
  for (const BundleTensor& tensor : reader.tensors()) keys.push_back(tensor.key);
  return keys;
}

class SlicedTensorTest : public ForgedBundleTest {};

// `w` float32[2] and `p` float32[4,2] in two slices, as TensorFlow 2.15 and 2.21 write them.
TEST_F(SlicedTensorTest, TensorFlowsOwnBytesAreRead) {
  files_.files["p.index"] = absl::HexStringToBytes(
      "00000608011a020801000a150070000101028082808208011208120208021202080220082810354c28987406"
      "0415828280820801120812020802120208022018281035ebd5bc49000122700801120812020804120208023a"
      "080a0210020a0210023a0a0a04080210020a02100200010f770801120412020802280835593ce53500000000"
      "0100000000b36299f9000000000100000000c0f2a1b0000103780088010000000001000000006ec240b38d01"
      "089a010f0000000000000000000000000000000000000000000000000000000000000000000057fb808b2475"
      "47db");
  data() = absl::HexStringToBytes(
      "0000803f00000040"
      "0000803f000000400000404000008040"
      "0000a0400000c0400000e04000000041");
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files_, "p"));
  EXPECT_THAT(Keys(*reader), ElementsAre("p", "w"));
  const BundleTensor& p = *reader->Find("p");
  EXPECT_EQ(p.dtype, "float32");
  EXPECT_THAT(p.shape, ElementsAre(4, 2));
  EXPECT_FALSE(p.partial);
  EXPECT_THAT(Contents(*reader, p),
              ElementsAre(absl::StrCat("[0:2, 0:2]=", data().substr(8, 16)),
                          absl::StrCat("[2:4, 0:2]=", data().substr(24, 16))));
  EXPECT_THAT(reader->ReadWhole(*reader->Find("w")), IsOkAndHolds(data().substr(0, 8)));
}

TEST(GoldenSlicesTest, PartitionedVariablesOfASaverAreRead) {
  ASSERT_OK_AND_ASSIGN(
      const auto reader,
      BundleReader::Open(FileSystem::System(), "tests/golden/partitioned/model.ckpt-3"));
  EXPECT_THAT(Keys(*reader), ElementsAre("columns", "names", "rows", "whole"));
  EXPECT_THAT(Boxes(*reader->Find("rows")), ElementsAre("[0:3, 0:4]", "[3:5, 0:4]", "[5:7, 0:4]"));
  EXPECT_THAT(Boxes(*reader->Find("columns")), ElementsAre("[0:4, 0:3]", "[0:4, 3:6]"));
  EXPECT_THAT(Boxes(*reader->Find("whole")), ElementsAre("[0:2]"));
  // Elements that count up: each slice begins with the number of its first.
  const BundleTensor& rows = *reader->Find("rows");
  for (const BundleSlice& slice : rows.slices) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, reader->ReadWhole(rows, slice));
    float first = 0;
    std::memcpy(&first, bytes.data(), sizeof(first));
    EXPECT_EQ(first, static_cast<float>(4 * slice.box.start[0]));
  }
  const BundleTensor& names = *reader->Find("names");
  EXPECT_EQ(names.dtype, "string");
  ASSERT_EQ(names.slices.size(), 2);
  EXPECT_THAT(reader->ReadWhole(names, names.slices[0]),
              IsOkAndHolds(std::string(8, '\0') + "\3" + std::string(7, '\0') + "one"));
  for (const BundleTensor& tensor : reader->tensors()) EXPECT_FALSE(tensor.partial) << tensor.key;
}

TEST(GoldenSlicesTest, SlicesThatSaveV2WasGivenAreRead) {
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       BundleReader::Open(FileSystem::System(), "tests/golden/slices/all"));
  EXPECT_THAT(Keys(*reader),
              ElementsAre("\\x00", "\\x00t\\x00\\x01\\x01", "\\x00t\\x00\\x01\\x01\\x01\\x80\\x81",
                          "\\x00zero", "float16", "float8_e4m3fn", "grid", "hole", "open",
                          "pinwheel", "uint16"));
  EXPECT_THAT(Boxes(*reader->Find("grid")),
              ElementsAre("[0:2, 0:3]", "[0:2, 3:6]", "[2:4, 0:3]", "[2:4, 3:6]"));
  EXPECT_THAT(Boxes(*reader->Find("open")), ElementsAre("[0:2, 0:2]", "[2:4, 0:2]"));
  EXPECT_EQ(reader->Find("pinwheel")->slices.size(), 5);
  EXPECT_EQ(reader->Find("\\x00zero")->slices.size(), 2);
  for (const BundleTensor& tensor : reader->tensors()) {
    EXPECT_EQ(tensor.partial, tensor.key == "hole") << tensor.key;
    for (const BundleSlice& slice : tensor.slices) EXPECT_OK(reader->ReadWhole(tensor, slice));
  }
}

TEST_F(SlicedTensorTest, TilingsThatAreNoGridsAreReadInTheOrderOfTheirBoxes) {
  AddSliced("pin", kUint8, {3, 3},
            {{{{1, 1}, {1, 1}}, "m"},
             {{{2, 1}, {1, 2}}, "bb"},
             {{{1, 2}, {0, 1}}, "ll"},
             {{{0, 2}, {2, 1}}, "rr"},
             {{{0, 1}, {0, 2}}, "tt"}});
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Keys(*reader), ElementsAre("pin"));
  EXPECT_FALSE(reader->tensors()[0].partial);
  EXPECT_THAT(Contents(*reader, reader->tensors()[0]),
              ElementsAre("[0:1, 0:2]=tt", "[0:2, 2:3]=rr", "[1:3, 0:1]=ll", "[1:2, 1:2]=m",
                          "[2:3, 1:3]=bb"));
}

TEST_F(SlicedTensorTest, TensorsThatTheirSlicesDoNotCoverArePartial) {
  AddSliced("one", kUint8, {400, 2}, {{{{100, 2}, {0, 2}}, "abcd"}});
  AddSliced("all", kUint8, {2}, {{{{0, 1}}, "a"}, {{{1, 1}}, "b"}});
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_TRUE(reader->Find("one")->partial);
  EXPECT_THAT(Contents(*reader, *reader->Find("one")), ElementsAre("[100:102, 0:2]=abcd"));
  EXPECT_FALSE(reader->Find("all")->partial);
}

TEST_F(SlicedTensorTest, ADimensionWithoutALengthIsWholeAndHasAKeyOfItsOwn) {
  AddSliced("open", kUint8, {4, 2}, {{{{0, 2}, {0, {}}}, "abcd"}, {{{2, 2}, {0, 2}}, "efgh"}});
  AddSliced("whole", kUint8, {2}, {{{{0, {}}}, "xy"}});
  AddSliced("scalar", kUint8, {}, {{{}, "s"}});
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Contents(*reader, *reader->Find("open")),
              ElementsAre("[0:2, 0:2]=abcd", "[2:4, 0:2]=efgh"));
  EXPECT_EQ(reader->Find("open")->slices[0].open_dimensions, 0b10);
  EXPECT_EQ(reader->Find("open")->slices[1].open_dimensions, 0);
  EXPECT_THAT(reader->ReadWhole(*reader->Find("whole")), IsOkAndHolds("xy"));
  EXPECT_THAT(reader->ReadWhole(*reader->Find("scalar")), IsOkAndHolds("s"));
}

TEST_F(SlicedTensorTest, ALengthOfMinusOneIsNone) {
  AddSliced("t", kUint8, {3, 1}, {{{{0, 3}, {0, {}}}, "abc"}});
  entries_["t"].mutable_slices(0)->mutable_extent(1)->set_length(-1);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(reader->ReadWhole(*reader->Find("t")), IsOkAndHolds("abc"));
}

TEST_F(SlicedTensorTest, OnlyTheUmbrellaTellsASlicesKey) {
  const std::string like_a_slice = EncodeSliceKey("t", {{1, 1}});  // t has the slice [0:1] alone
  const std::string of_nothing = EncodeSliceKey("no such tensor", {{0, 1}});
  const std::string zero("\0", 1);
  AddSliced("t", kUint8, {2}, {{{{0, 1}}, "a"}});
  // A sliced tensor whose own name is what a slice of t would have, and one that begins with 0.
  AddSliced(EncodeSliceKey("t", {{0, 2}}), kUint8, {2}, {{{{0, 1}}, "c"}, {{{1, 1}}, "d"}});
  AddSliced(zero, kUint8, {1}, {{{{0, 1}}, "z"}});
  for (const std::string& name : {like_a_slice, of_nothing, zero + "x"}) {
    entries_[name] = Stored(kUint8, {1}, "n");
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_EQ(reader->tensors().size(), 6);
  EXPECT_THAT(Contents(*reader, *reader->Find("t")), ElementsAre("[0:1]=a"));
  EXPECT_THAT(Contents(*reader, *reader->Find(KeyTextFromBytes(EncodeSliceKey("t", {{0, 2}})))),
              ElementsAre("[0:1]=c", "[1:2]=d"));
  EXPECT_THAT(reader->ReadWhole(*reader->Find(KeyTextFromBytes(zero))), IsOkAndHolds("z"));
  for (const std::string& name : {like_a_slice, of_nothing, zero + "x"}) {
    const BundleTensor* const tensor = reader->Find(KeyTextFromBytes(name));
    ASSERT_NE(tensor, nullptr) << KeyTextFromBytes(name);
    EXPECT_THAT(reader->ReadWhole(*tensor), IsOkAndHolds("n"));
  }
}

TEST_F(SlicedTensorTest, EveryDtypeIsReadInSlices) {
  for (int32_t number = 1; number <= 34; ++number) {
    const BundleDtype dtype = *BundleDtypeFromNumber(number);
    if (dtype.encoding == BundleEncoding::kString || dtype.encoding == BundleEncoding::kVariant) {
      continue;
    }
    const std::string bytes(dtype.item_bytes > 0 ? dtype.item_bytes : 3, 'x');
    AddSliced(absl::StrCat("t", number), number, {2}, {{{{0, 1}}, bytes}, {{{1, 1}}, bytes}});
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_EQ(reader->tensors().size(), 32);
  for (const BundleTensor& tensor : reader->tensors()) {
    ASSERT_EQ(tensor.slices.size(), 2) << tensor.dtype;
    for (const BundleSlice& slice : tensor.slices) {
      std::string bytes(slice.size_bytes, '\0');
      EXPECT_OK(reader->ReadAt(tensor, slice, 0, absl::MakeSpan(bytes)));
      EXPECT_EQ(bytes, std::string(slice.size_bytes, 'x')) << tensor.dtype;
    }
  }
}

TEST_F(SlicedTensorTest, StringsAndVariantsAreReadInSlices) {
  std::string ours(8, '\0');
  ours[0] = 3;
  ours += "abc";
  const EncodedStrings strings = EncodeStringTensor(ours, 1).value();
  std::string variant = "\3abc";
  std::string summed("\3\0\0\0\0\0\0\0abc", 11);
  AppendFixed(MaskCrc32c(Crc32c(summed)), 4, &variant);
  AppendFixed(MaskCrc32c(Crc32c(summed)), 4, &summed);
  AddSliced("s", 7, {2}, {{{{1, 1}}, strings.bytes}});
  AddSliced("v", 21, {2}, {{{{1, 1}}, variant}});
  entries_[EncodeSliceKey("s", {{1, 1}})].set_crc32c(MaskCrc32c(strings.crc32c));
  entries_[EncodeSliceKey("v", {{1, 1}})].set_crc32c(MaskCrc32c(Crc32c(summed)));
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Contents(*reader, *reader->Find("s")), ElementsAre("[1:2]=" + ours));
  EXPECT_THAT(Contents(*reader, *reader->Find("v")), ElementsAre("[1:2]=" + variant));
}

TEST_F(SlicedTensorTest, SlicesOfOneTensorAreReadFromSeveralDataFiles) {
  AddSliced("t", kUint8, {4}, {{{{0, 2}}, "ab"}, {{{2, 2}}, "cd"}});
  header_.set_num_shards(3);
  files_.files.clear();
  files_.files["p.data-00000-of-00003"] = "ab";
  files_.files["p.data-00002-of-00003"] = "cd";
  entries_[EncodeSliceKey("t", {{2, 2}})].set_shard_id(2);
  entries_[EncodeSliceKey("t", {{2, 2}})].set_offset(0);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Contents(*reader, *reader->Find("t")), ElementsAre("[0:2]=ab", "[2:4]=cd"));
}

TEST_F(SlicedTensorTest, EmptyStringsAndLongOnesAreReadInSlices) {
  std::string ours(16, '\0');
  ours[9] = '\1';
  ours[10] = '\1';  // 65,792 bytes, after an empty one
  ours.append(65'792, 'x');
  const EncodedStrings strings = EncodeStringTensor(ours, 2).value();
  AddSliced("s", 7, {4}, {{{{0, 2}}, strings.bytes}, {{{2, 2}}, strings.bytes}});
  for (const int64_t start : {0, 2}) {
    entries_[EncodeSliceKey("s", {{start, 2}})].set_crc32c(MaskCrc32c(strings.crc32c));
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Contents(*reader, *reader->Find("s")), ElementsAre("[0:2]=" + ours, "[2:4]=" + ours));
}

TEST_F(SlicedTensorTest, DamageNamesTheSlice) {
  AddSliced("t", kUint8, {4}, {{{{0, 2}}, "ab"}, {{{2, 2}}, "cd"}});
  data()[3] = 'x';
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  const BundleTensor& tensor = *reader->Find("t");
  EXPECT_OK(reader->ReadWhole(tensor, tensor.slices[0]));
  EXPECT_THAT(reader->ReadWhole(tensor, tensor.slices[1]),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor t, slice [2:4]: ")));
}

TEST_F(SlicedTensorTest, NamesAtTheLimitHaveSlicesWithLongerKeys) {
  const std::string name(kMaxKeyBytes, 'n');
  AddSliced(name, kUint8, {2}, {{{{0, 1}}, "a"}, {{{1, 1}}, "b"}});
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(Contents(*reader, *reader->Find(name)), ElementsAre("[0:1]=a", "[1:2]=b"));
  entries_.erase(name);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bytes as text")));
}

TEST_F(SlicedTensorTest, WhatAnUmbrellaSaysOfADataFileMeansNothing) {
  AddSliced("t", kUint8, {1}, {{{{0, 1}}, "a"}});
  entries_["t"].set_shard_id(7);  // merging gives it a number as well
  EXPECT_OK(Open());
}

TEST_F(SlicedTensorTest, ASliceIsInNoSlicesItself) {
  AddSliced("t", kUint8, {4}, {{{{0, 2}}, "ab"}, {{{2, 2}}, "cd"}});
  AddSliced(EncodeSliceKey("t", {{2, 2}}), kUint8, {2}, {{{{0, 1}}, "c"}, {{{1, 1}}, "d"}});
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss,
                               HasSubstr("tensor t: its slice [2:4] has no entry of its own")));
}

// Changes a tensor `t` of two slices, [0:2] and [2:4], whose index is right.
struct Wrong {
  const char* name;
  const char* message;
  std::function<void(std::map<std::string, formats::BundleEntry>*)> change;
};

class WrongSlicesTest : public ForgedBundleTest, public ::testing::WithParamInterface<Wrong> {};

const std::string kFirst = EncodeSliceKey("t", {{0, 2}});
const std::string kSecond = EncodeSliceKey("t", {{2, 2}});

formats::TensorSlice::Extent* SecondExtent(std::map<std::string, formats::BundleEntry>* entries) {
  return (*entries)["t"].mutable_slices(1)->mutable_extent(0);
}

// The second slice moved to `start`, `length`, its entry with it.
void MoveSecond(std::map<std::string, formats::BundleEntry>* entries, int64_t start,
                int64_t length) {
  SecondExtent(entries)->set_start(start);
  SecondExtent(entries)->set_length(length);
  (*entries)[EncodeSliceKey("t", {{start, length}})] = (*entries)[kSecond];
}

TEST_P(WrongSlicesTest, AreErrorsThatNameTheTensor) {
  AddSliced("t", kUint8, {4}, {{{{0, 2}}, "ab"}, {{{2, 2}}, "cd"}});
  ASSERT_OK(Open());
  GetParam().change(&entries_);
  EXPECT_THAT(Open(),
              AllOf(StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged index: tensor t: ")),
                    StatusIs(absl::StatusCode::kDataLoss, HasSubstr(GetParam().message)),
                    HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
}

using Entries = std::map<std::string, formats::BundleEntry>;

INSTANTIATE_TEST_SUITE_P(
    Slices, WrongSlicesTest,
    ::testing::Values(
        Wrong{"Missing", "its slice [2:4] has no entry of its own",
              [](Entries* e) { e->erase(kSecond); }},
        Wrong{"Twice", "its slice [0:2] is there twice",
              [](Entries* e) { *(*e)["t"].mutable_slices(1) = (*e)["t"].slices(0); }},
        Wrong{"Overlap", "its slices [0:2] and [1:3] overlap",
              [](Entries* e) { MoveSecond(e, 1, 2); }},
        Wrong{"OtherDtype", "its slice [2:4] is of dtype int8",
              [](Entries* e) { (*e)[kSecond].set_dtype(6); }},
        Wrong{"OtherShape", "its slice [2:4] has an entry of the shape [1, 2]",
              [](Entries* e) {
                (*e)[kSecond].mutable_shape()->mutable_dim(0)->set_size(1);
                (*e)[kSecond].mutable_shape()->add_dim()->set_size(2);
              }},
        Wrong{"PastTheEnd", "its slice 1: extents[0]: length is 2",
              [](Entries* e) { MoveSecond(e, 3, 2); }},
        Wrong{"StartPastTheEnd", "its slice 1: extents[0]: start is 9",
              [](Entries* e) { MoveSecond(e, 9, 2); }},
        Wrong{"NegativeStart", "its slice 1: extents[0]: start is -1",
              [](Entries* e) { MoveSecond(e, -1, 2); }},
        Wrong{"NegativeLength", "its slice 1: extents[0]: length is -2",
              [](Entries* e) { MoveSecond(e, 2, -2); }},
        Wrong{"HugeLength", "its slice 1: extents[0]: length is 9223372036854775807",
              [](Entries* e) { MoveSecond(e, 2, kHuge); }},
        Wrong{"Empty", "its slice 1: it is empty", [](Entries* e) { MoveSecond(e, 2, 0); }},
        Wrong{"WholeFromTheMiddle", "its slice 1: it takes a whole dimension from 2 on",
              [](Entries* e) { SecondExtent(e)->clear_length(); }},
        Wrong{"TooFewDimensions", "its slice 1: it has 0 dimensions, not 1",
              [](Entries* e) { (*e)["t"].mutable_slices(1)->clear_extent(); }},
        Wrong{"TooManyDimensions", "its slice 1: it has 2 dimensions, not 1",
              [](Entries* e) { (*e)["t"].mutable_slices(1)->add_extent(); }},
        Wrong{"BytesOfItsOwn", "slices and bytes of its own",
              [](Entries* e) { (*e)["t"].set_size(4); }},
        Wrong{"AnOffsetOfItsOwn", "slices and bytes of its own",
              [](Entries* e) { (*e)["t"].set_offset(4); }},
        Wrong{"ASumOfItsOwn", "slices and bytes of its own",
              [](Entries* e) { (*e)["t"].set_crc32c(4); }},
        Wrong{"UnknownRank", "its rank is unknown",
              [](Entries* e) { (*e)["t"].mutable_shape()->set_unknown_rank(true); }},
        Wrong{"NoDtype", "it has the dtype 0", [](Entries* e) { (*e)["t"].set_dtype(0); }},
        Wrong{"NegativeShape", "shape[0]: is -4",
              [](Entries* e) { (*e)["t"].mutable_shape()->mutable_dim(0)->set_size(-4); }},
        Wrong{"HugeShape", "passes 2^63-1",
              [](Entries* e) {
                (*e)["t"].mutable_shape()->mutable_dim(0)->set_size(kHuge);
                (*e)["t"].mutable_shape()->add_dim()->set_size(2);
              }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cairn
