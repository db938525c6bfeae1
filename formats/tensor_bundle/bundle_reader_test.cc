#include "formats/tensor_bundle/bundle_reader.h"

#include <limits>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/forged_bundle.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kTestData[] = "formats/tensor_bundle/testdata/small";
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// What TensorFlow wrote, loaded into memory under the prefix "p".
MemoryFileSystem TensorFlowsFiles() {
  MemoryFileSystem files;
  for (const char* suffix : {".index", ".data-00000-of-00001"}) {
    files.files[absl::StrCat("p", suffix)] =
        FileSystem::System()->ReadWhole(absl::StrCat(kTestData, suffix), 1 << 20).value();
  }
  return files;
}

TEST(BundleReaderTest, FindsWhatTensorFlowWrote) {
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), kTestData));
  EXPECT_EQ(reader->num_shards(), 1);
  std::vector<std::string> found;
  for (const BundleTensor& tensor : reader->tensors()) {
    EXPECT_FALSE(tensor.partial);
    ASSERT_EQ(tensor.slices.size(), 1);
    EXPECT_EQ(tensor.slices[0].box, WholeBox(tensor.shape));
    found.push_back(absl::StrCat(tensor.key, " ", tensor.dtype, " ", tensor.shape.size(), " ",
                                 tensor.slices[0].size_bytes));
  }
  EXPECT_THAT(found, ElementsAre("a/scalar int64 0 8", "b/float float32 2 12", "empty int32 2 0",
                                 "flags bool 1 3", "half float16 1 4", "iterator tf:21 1 318",
                                 "no_strings string 1 4", "strings string 1 11"));
}

TEST(BundleReaderTest, ReadsWhatTensorFlowWrote) {
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), kTestData));
  const auto read = [&](absl::string_view key) {
    const absl::StatusOr<std::string> bytes = reader->ReadWhole(*reader->Find(key));
    return bytes.ok() ? absl::BytesToHexString(*bytes) : bytes.status().ToString();
  };
  EXPECT_EQ(read("a/scalar"), "0700000000000000");
  EXPECT_EQ(read("b/float"), "0000803f0000004000004040");
  EXPECT_EQ(read("half"), "003e00c0");
  EXPECT_EQ(read("flags"), "010001");
  EXPECT_EQ(read("empty"), "");
  EXPECT_EQ(read("no_strings"), "");
  EXPECT_EQ(read("strings"), "0000000000000000050000000000000068656c6c6f");
  EXPECT_EQ(read("iterator").size(), 2 * 318);
}

TEST(BundleReaderTest, KeysAreFoundExactly) {
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), kTestData));
  EXPECT_EQ(reader->Find("half")->dtype, "float16");
  for (const char* key : {"", "hal", "half/", "z", "\\xzz"})
    EXPECT_EQ(reader->Find(key), nullptr) << key;
}

TEST(BundleReaderTest, RangesOfTensorsAreReadAndSummedByTheCaller) {
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), kTestData));
  const BundleTensor& tensor = *reader->Find("b/float");
  const BundleSlice& slice = tensor.slices[0];
  std::string bytes(4, '\0');
  ASSERT_OK(reader->ReadAt(tensor, slice, 4, absl::MakeSpan(bytes)));
  EXPECT_EQ(absl::BytesToHexString(bytes), "00000040");
  EXPECT_THAT(reader->SumOf(tensor, slice), IsOkAndHolds(0x384de783));
  EXPECT_EQ(Crc32c(reader->ReadWhole(tensor).value()), 0x384de783);
  EXPECT_THAT(reader->ReadAt(tensor, slice, 9, absl::MakeSpan(bytes)),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(reader->ReadAt(tensor, slice, -1, absl::MakeSpan(bytes)),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(reader->ReadAt(tensor, slice, kHuge, absl::MakeSpan(bytes)),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(BundleReaderTest, EveryChangedByteOfTheDataIsFound) {
  MemoryFileSystem files = TensorFlowsFiles();
  std::string& data = files.files["p.data-00000-of-00001"];
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] ^= 0x10;
    ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
    int damaged = 0;
    for (const BundleTensor& tensor : reader->tensors()) {
      const absl::Status read = reader->ReadWhole(tensor).status();
      if (read.ok()) continue;
      ++damaged;
      EXPECT_THAT(
          read, AllOf(StatusIs(absl::StatusCode::kDataLoss,
                               HasSubstr(absl::StrCat("p, data file 0 of 1, tensor ", tensor.key))),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
    }
    EXPECT_EQ(damaged, 1) << i;
    data[i] ^= 0x10;
  }
}

TEST(BundleReaderTest, EveryCutOfTheDataIsFound) {
  MemoryFileSystem files = TensorFlowsFiles();
  std::string& data = files.files["p.data-00000-of-00001"];
  while (!data.empty()) {
    data.pop_back();
    EXPECT_THAT(BundleReader::Open(&files, "p"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("pass the end of the data file")));
  }
}

TEST(BundleReaderTest, DataCutAfterOpeningIsDamage) {
  MemoryFileSystem files = TensorFlowsFiles();
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
  files.files["p.data-00000-of-00001"].clear();
  EXPECT_THAT(reader->ReadWhole(*reader->Find("half")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("has been cut")));
}

TEST(BundleReaderTest, EveryCutOrChangedBitOfTheIndexIsAnErrorOrChangesNothing) {
  MemoryFileSystem files = TensorFlowsFiles();
  const std::string whole = files.files["p.index"];
  for (size_t size = 0; size < whole.size(); ++size) {
    files.files["p.index"] = whole.substr(0, size);
    EXPECT_THAT(BundleReader::Open(&files, "p"), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string& index = files.files["p.index"];
    index = whole;
    index[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const auto reader = BundleReader::Open(&files, "p");
    if (!reader.ok()) continue;
    EXPECT_EQ((*reader)->tensors().size(), 8) << bit;
    for (const BundleTensor& tensor : (*reader)->tensors()) EXPECT_OK((*reader)->ReadWhole(tensor));
  }
}

TEST(BundleReaderTest, MissingFilesAreNamed) {
  MemoryFileSystem files = TensorFlowsFiles();
  files.files.erase("p.data-00000-of-00001");
  EXPECT_THAT(BundleReader::Open(&files, "p"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("p.data-00000-of-00001")));
  EXPECT_THAT(BundleReader::Open(&files, "q"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("q.index")));
}

// One tensor `k`, uint8[4], of the bytes "data".
class WrongFieldsTest : public ForgedBundleTest {
 protected:
  WrongFieldsTest() : entry_(Stored(4, {4}, "data")) {}

  absl::StatusOr<std::unique_ptr<BundleReader>> Open() {
    entries_["k"] = entry_;
    return ForgedBundleTest::Open();
  }

  formats::BundleEntry entry_;
};

TEST_F(WrongFieldsTest, RightFieldsOpen) {
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(reader->ReadWhole(*reader->Find("k")), IsOkAndHolds("data"));
}

TEST_F(WrongFieldsTest, IndexesWithoutAHeaderAreErrors) {
  EXPECT_FALSE(OpenValues({}).ok());
  EXPECT_THAT(OpenValues({{"k", entry_.SerializeAsString()}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no header")));
  EXPECT_FALSE(OpenValues({{"", "\xff"}}).ok());
}

TEST_F(WrongFieldsTest, OtherVersionsAreRefused) {
  header_.mutable_version()->set_min_consumer(2);
  EXPECT_THAT(Open(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("readers from version 2")));
  header_.mutable_version()->set_min_consumer(0);
  header_.mutable_version()->add_bad_consumers(1);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument));
  header_.mutable_version()->clear_bad_consumers();
  header_.mutable_version()->set_producer(-1);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument));
  header_.clear_version();
  EXPECT_OK(Open());
}

TEST_F(WrongFieldsTest, WrongNumbersOfShardsAreErrors) {
  for (const int32_t shards : {0, -1, std::numeric_limits<int32_t>::min()}) {
    header_.set_num_shards(shards);
    EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("data files")))
        << shards;
  }
  files_.files.clear();
  header_.set_num_shards(std::numeric_limits<int32_t>::max());
  EXPECT_THAT(Open(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("p.data-00000-of-2147483647")));
}

TEST_F(WrongFieldsTest, WrongFieldsOfEntriesAreErrorsThatNameTheKey) {
  const formats::BundleEntry right = entry_;
  const auto expect_error = [&](absl::string_view what) {
    EXPECT_THAT(Open(), AllOf(StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor k")),
                              HasReason(ErrorReason::ERROR_REASON_BAD_FILE)))
        << what;
    entry_ = right;
  };
  for (const int32_t shard : {-1, 1, std::numeric_limits<int32_t>::max()}) {
    entry_.set_shard_id(shard);
    expect_error("shard");
  }
  for (const int64_t offset : {int64_t{-1}, int64_t{1}, kHuge, kHuge - 3}) {
    entry_.set_offset(offset);
    expect_error("offset");
  }
  for (const int64_t size : {int64_t{-1}, int64_t{0}, int64_t{3}, int64_t{5}, kHuge}) {
    entry_.set_size(size);
    expect_error("size");
  }
  for (const int32_t dtype : {0, -1, 1}) {
    entry_.set_dtype(dtype);
    expect_error("dtype");
  }
  for (const int64_t dim : {int64_t{-4}, int64_t{0}, kHuge}) {
    entry_.mutable_shape()->mutable_dim(0)->set_size(dim);
    expect_error("dim");
  }
  entry_.mutable_shape()->set_unknown_rank(true);
  expect_error("rank");
  entry_.mutable_shape()->mutable_dim(0)->set_size(int64_t{1} << 62);
  entry_.mutable_shape()->add_dim()->set_size(4);
  expect_error("overflow");
}

TEST_F(WrongFieldsTest, EveryChangedBitUnderARightChecksumIsSurvived) {
  for (std::string values[] = {header_.SerializeAsString(), entry_.SerializeAsString()};
       std::string& value : values) {
    for (size_t bit = 0; bit < 8 * value.size(); ++bit) {
      value[bit / 8] ^= static_cast<char>(1 << bit % 8);
      const auto reader = OpenValues({{"", values[0]}, {"k", values[1]}});
      if (!reader.ok()) {
        EXPECT_NE(ReasonOf(reader.status()), ErrorReason::ERROR_REASON_UNSPECIFIED) << bit;
      } else if (const BundleTensor* const tensor = (*reader)->Find("k"); tensor != nullptr) {
        const absl::StatusOr<std::string> bytes = (*reader)->ReadWhole(*tensor);
        EXPECT_TRUE(bytes.ok() || absl::IsDataLoss(bytes.status())) << bit << bytes.status();
      }
      value[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

TEST_F(WrongFieldsTest, EntriesThatDoNotParseAreErrors) {
  EXPECT_THAT(
      OpenValues({{"", header_.SerializeAsString()}, {"k", "\xff"}}),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor k: its entry does not parse")));
}

TEST_F(WrongFieldsTest, MoreThanCairnTakesIsRefused) {
  EXPECT_THAT(OpenValues({{"", header_.SerializeAsString()},
                          {std::string(4097, 'k'), entry_.SerializeAsString()}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4097 bytes")));
  EXPECT_THAT(OpenValues({{"", header_.SerializeAsString()}, {std::string(10000, 'k'), ""}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("10000 bytes")));
  for (int i = 0; i < 64; ++i) entry_.mutable_shape()->add_dim()->set_size(1);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("65 dimensions")));
}

TEST_F(WrongFieldsTest, KeysOfAnyBytesHaveTheirTextForm) {
  const std::string raw_key("\0a\xff", 3);
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenValues({{"", header_.SerializeAsString()},
                                                      {raw_key, entry_.SerializeAsString()},
                                                      {"z", entry_.SerializeAsString()}}));
  EXPECT_EQ(reader->tensors()[0].key, "\\x00a\\xff");
  ASSERT_NE(reader->Find("\\x00a\\xff"), nullptr);
  EXPECT_OK(reader->ReadWhole(*reader->Find("\\x00a\\xff")));
}

TEST_F(WrongFieldsTest, UnknownTypesAreOpaque) {
  entry_.set_dtype(999);
  entry_.set_crc32c(12345);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  const BundleTensor& tensor = *reader->Find("k");
  EXPECT_EQ(tensor.dtype, "tf:999");
  EXPECT_THAT(reader->ReadWhole(tensor), IsOkAndHolds("data"));
}

TEST_F(WrongFieldsTest, DamagedStringsAndVariantsAreErrorsThatNameTheKey) {
  for (const int32_t dtype : {7, 21}) {
    entry_.set_dtype(dtype);
    entry_.mutable_shape()->mutable_dim(0)->set_size(0);
    ASSERT_OK_AND_ASSIGN(const auto reader, Open());
    EXPECT_THAT(reader->ReadWhole(*reader->Find("k")),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor k")));
  }
}

TEST_F(WrongFieldsTest, TensorsOfManyShardsAreReadFromTheirFiles) {
  constexpr int kShards = 200;
  header_.set_num_shards(kShards);
  std::map<std::string, std::string> values = {{"", header_.SerializeAsString()}};
  for (int i = 0; i < kShards; ++i) {
    const std::string content = absl::StrCat(1000 + i);
    files_.files[ShardPath("p", i, kShards)] = content;
    entry_.set_shard_id(i);
    entry_.set_crc32c(MaskCrc32c(Crc32c(content)));
    values[absl::StrCat("k", i)] = entry_.SerializeAsString();
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenValues(values));
  for (const BundleTensor& tensor : reader->tensors()) {
    EXPECT_THAT(reader->ReadWhole(tensor),
                IsOkAndHolds(absl::StrCat(1000 + tensor.slices[0].shard)));
  }
}

TEST_F(WrongFieldsTest, DataFilesThatTheHeaderCountsWrongAreFound) {
  // What merging leaves of an index without entries: one file more in the header than there is.
  header_.set_num_shards(2);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_EQ(reader->num_shards(), 1);
  EXPECT_THAT(reader->ReadWhole(*reader->Find("k")), IsOkAndHolds("data"));
}

TEST_F(WrongFieldsTest, DataFilesOfTheHeadersCountAreTakenFirst) {
  header_.set_num_shards(2);
  files_.files["p.data-00000-of-00002"] = "DATA";  // and an older save's file is left
  entry_.set_crc32c(MaskCrc32c(Crc32c("DATA")));
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  EXPECT_THAT(reader->ReadWhole(*reader->Find("k")), IsOkAndHolds("DATA"));
}

TEST_F(WrongFieldsTest, DataFilesThatCannotBeTheBundlesAreNotGuessedAt) {
  header_.set_num_shards(4);
  files_.files["p.data-00000-of-00003"] = "data";  // of 1 or of 3?
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("p.data-00000-of-00004")));
  files_.files.erase("p.data-00000-of-00003");
  EXPECT_OK(Open());
  entries_["other"] = entry_;
  entries_["other"].set_shard_id(2);  // which the one count that is there does not have
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("p.data-00000-of-00004")));
}

TEST_F(WrongFieldsTest, ABundleOfNothingNeedsNoDataFile) {
  files_.files.clear();
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenValues({{"", header_.SerializeAsString()}}));
  EXPECT_TRUE(reader->tensors().empty());
}

TEST_F(WrongFieldsTest, StringsThatShareTheirBytesAreDamage) {
  // A forged index could name one file's bytes a million times, and strings are held in memory.
  entry_.set_dtype(7);
  entry_.mutable_shape()->mutable_dim(0)->set_size(0);
  EXPECT_OK(Open());
  entries_["k2"] = entry_;
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("another tensor's")));
}

TEST_F(WrongFieldsTest, KeysThatAreTooLongAsTextAreRefused) {
  entries_[std::string(1025, '\xff')] = entry_;  // each byte is four characters
  EXPECT_THAT(Open(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4100 bytes as text")));
}

TEST_F(WrongFieldsTest, EntriesLargerThanAnyWritersAreRefused) {
  std::string huge = header_.SerializeAsString();
  huge.append(size_t{9} << 20, '\x1a');
  EXPECT_THAT(OpenValues({{"", huge}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("an entry of its index has")));
}

}  // namespace
}  // namespace cairn
