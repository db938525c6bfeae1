#include "storage/slice_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/key_text.h"

namespace cairn::storage {
namespace {

using ::testing::IsEmpty;

std::string RowKey(absl::string_view key) {
  return EncodeSliceKey(TensorKind::kTensor, key, Box(), 0);
}

bool Holds(const std::vector<KeyRange>& ranges, absl::string_view row_key) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const KeyRange& range) {
    return range.begin <= row_key && row_key < range.end;
  });
}

TEST(SliceKeysTest, EncodeIsExactlyTheFormOnDisk) {
  const std::string row_key =
      EncodeSliceKey(TensorKind::kTensor, "w", Box{{1, 0}, {2, int64_t{3} << 32}}, 0x01020304);
  EXPECT_EQ(row_key, std::string("\x02w\0\x02"
                                 "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"
                                 "\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\0"
                                 "\1\2\3\4",
                                 40));
  EXPECT_EQ(TensorPrefix(row_key), std::string("\x02w\0", 3));
}

TEST(SliceKeysTest, DecodeGivesBackWhatEncodeTook) {
  const std::vector<SliceKey> keys = {
      {TensorKind::kTensor, "w", Box(), 0},
      {TensorKind::kAttachment, "config.json", Box(), 7},
      {TensorKind::kTensor, "a/b", Box{{0, 5}, {0, 1}}, 0xffffffff},
      {TensorKind::kTensor, std::string(kMaxKeyBytes, 'k'),
       Box{std::vector<int64_t>(kMaxRank, 1), std::vector<int64_t>(kMaxRank, INT64_MAX - 1)}, 1},
  };
  for (const SliceKey& key : keys) {
    const std::string row_key = EncodeSliceKey(key.kind, key.key, key.box, key.part);
    EXPECT_LE(row_key.size(), kMaxRowKeyBytes);
    EXPECT_EQ(DecodeSliceKey(row_key), key);
  }
}

TEST(SliceKeysTest, ResavedSlicesLieByWriterInTheOrderOfTheirRows) {
  const std::string a = EncodeSliceKey(TensorKind::kTensor, "a", Box{{0}, {256}}, 0);
  const std::string b = EncodeSliceKey(TensorKind::kTensor, "b", Box(), 1);
  const std::string key = EncodeResavedKey("rank-1", a);
  const std::optional<ResavedKey> decoded = DecodeResavedKey(key);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->writer, "rank-1");
  EXPECT_EQ(decoded->row_key, a);
  EXPECT_LT(key, EncodeResavedKey("rank-1", b));
  EXPECT_TRUE(Holds({RowsResavedBy("rank-1")}, key));
  EXPECT_FALSE(Holds({RowsResavedBy("rank-1")}, EncodeResavedKey("rank-10", a)));
  EXPECT_FALSE(Holds({RowsResavedBy("rank")}, key));
  for (const std::string& other : {a, EncodeSegmentKey(Uid()), std::string("\x04"),
                                   std::string("\x04\0x", 3), std::string("\x04x")}) {
    EXPECT_FALSE(DecodeResavedKey(other));
  }
}

TEST(SliceKeysTest, DecodeRefusesEverythingElse) {
  const std::string good = EncodeSliceKey(TensorKind::kTensor, "w", Box{{1}, {2}}, 3);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(DecodeSliceKey(absl::string_view(good).substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(DecodeSliceKey(good + "x"), std::nullopt);
  std::string negative = good;
  negative[4] = '\x80';
  EXPECT_EQ(DecodeSliceKey(negative), std::nullopt);
  std::string kind = good;
  kind[0] = '\x04';
  EXPECT_EQ(DecodeSliceKey(kind), std::nullopt);
  EXPECT_THAT(TensorPrefix(kind), IsEmpty());
  EXPECT_EQ(DecodeSliceKey(std::string("\x02w\0\x41", 4) + std::string(65 * 16 + 4, '\0')),
            std::nullopt);
  EXPECT_EQ(DecodeSliceKey(EncodeSliceKey(TensorKind::kTensor, "", Box(), 0)), std::nullopt);
}

TEST(SliceKeysTest, RowsSortByKindKeyBoxAndPart) {
  const auto tensor = TensorKind::kTensor;
  const std::vector<std::string> ascending = {
      EncodeSliceKey(TensorKind::kAttachment, "z", Box(), 0),
      EncodeSliceKey(tensor, "a", Box{{0}, {1}}, 0),
      EncodeSliceKey(tensor, "a", Box{{0}, {1}}, PartNumber(kPartBytes)),
      EncodeSliceKey(tensor, "a", Box{{0}, {2}}, 0),
      EncodeSliceKey(tensor, "a", Box{{1}, {1}}, 0),
      EncodeSliceKey(tensor, "a", Box{{256}, {1}}, 0),
      EncodeSliceKey(tensor, "a b", Box{{0}, {1}}, 0),
      EncodeSliceKey(tensor, "a/b", Box{{0}, {1}}, 0),
      EncodeSliceKey(tensor, "a\xc3\xa4", Box{{0}, {1}}, 0),
      EncodeSegmentKey(Uid()),
      std::string(kEndRow),
  };
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end()));
}

TEST(SliceKeysTest, SegmentKeysHoldTheUid) {
  const Uid uid = *Uid::FromHex("000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(DecodeSegmentKey(EncodeSegmentKey(uid)), uid);
  EXPECT_TRUE(Holds({RowsOfSegments()}, EncodeSegmentKey(uid)));
  EXPECT_EQ(DecodeSegmentKey("\x03short"), std::nullopt);
  EXPECT_EQ(DecodeSegmentKey(""), std::nullopt);
  EXPECT_EQ(DecodeSegmentKey(RowKey("w")), std::nullopt);
}

TEST(SliceKeysTest, ATensorsRowsAreItsOwnOnly) {
  const KeyRange rows = RowsOfTensor(TensorKind::kTensor, "a");
  EXPECT_TRUE(Holds({rows}, EncodeSliceKey(TensorKind::kTensor, "a", Box{{7}, {9}}, 0xffffffff)));
  EXPECT_FALSE(Holds({rows}, RowKey("a/b")));
  EXPECT_FALSE(Holds({rows}, RowKey("aa")));
  EXPECT_FALSE(Holds({rows}, EncodeSliceKey(TensorKind::kAttachment, "a", Box(), 0)));
}

TEST(SliceKeysTest, APrefixsRowsAreThoseOfTheKeysItSelects) {
  const std::vector<absl::string_view> keys = {"a",   "a-b", "a.b",  "a/",    "a/b", "a/b/c", "a0",
                                               "a//", "ab",  "a/b0", "a\xff", "b",   "A",     "/"};
  for (absl::string_view prefix : {"", "a", "a/", "a/b", "a//", "/", "b", "none"}) {
    for (char separator : {'/', '.', '\x7e'}) {
      const auto ranges = RowsOfPrefix(TensorKind::kTensor, prefix, separator);
      for (absl::string_view key : keys) {
        EXPECT_EQ(Holds(ranges, RowKey(key)), KeyPrefixSelects(prefix, key, separator))
            << "prefix " << prefix << " key " << key << " separator " << separator;
      }
    }
  }
}

}  // namespace
}  // namespace cairn::storage
