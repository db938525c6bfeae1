#include "formats/checkpoint_v1/v1_reader.h"

#include <functional>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/checkpoint_v1/checkpoint_v1.pb.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/slice_key.h"

namespace cairn {
namespace {

using formats::SavedTensorSlices;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGolden[] = "tests/golden/version_one/";
constexpr int32_t kFloat = 1, kInt32 = 3;

using Extents = std::vector<ExtentSpec>;

void SetSlice(const Extents& extents, formats::TensorSlice* slice) {
  slice->Clear();
  for (const ExtentSpec& extent : extents) {
    auto* const added = slice->add_extent();
    added->set_start(extent.start);
    if (extent.length.has_value()) added->set_length(*extent.length);
  }
}

// A file, as its messages.
struct File {
  SavedTensorSlices list;
  std::map<std::string, SavedTensorSlices> slices;  // by key

  // Adds a tensor to the list.
  formats::SavedSliceMeta* AddTensor(const std::string& name, const std::vector<int64_t>& shape,
                                     int32_t dtype = kFloat) {
    auto* const tensor = list.mutable_meta()->add_tensor();
    tensor->set_name(name);
    tensor->set_type(dtype);
    for (int64_t size : shape) tensor->mutable_shape()->add_dim()->set_size(size);
    return tensor;
  }

  // Adds a slice of floats, without the list.
  SavedTensorSlices* AddEntry(const std::string& name, const Extents& extents, int values) {
    SavedTensorSlices& entry = slices[EncodeSliceKey(name, extents)];
    entry.mutable_data()->set_name(name);
    SetSlice(extents, entry.mutable_data()->mutable_slice());
    auto* const data = entry.mutable_data()->mutable_data();
    for (int i = 0; i < values; ++i) data->add_float_val(static_cast<float>(i));
    return &entry;
  }

  // Adds a slice to the list's last tensor, and its floats.
  SavedTensorSlices* AddSlice(const Extents& extents, int values) {
    auto* const tensor = list.mutable_meta()->mutable_tensor(list.meta().tensor_size() - 1);
    SetSlice(extents, tensor->add_slice());
    return AddEntry(tensor->name(), extents, values);
  }

  std::string Serialize() const {
    MemoryFileSystem files;
    auto file = files.CreateForWrite("t").value();
    IndexTableWriter writer(file.get());
    writer.Add("", list.SerializeAsString());
    for (const auto& [key, entry] : slices) writer.Add(key, entry.SerializeAsString());
    CAIRN_CHECK(writer.Finish().ok() && file->Finish().ok());
    return files.files["t"];
  }
};

// "a" of two rows of three, saved whole.
File Whole() {
  File file;
  file.AddTensor("a", {2, 3});
  file.AddSlice({{}, {}}, 6);
  return file;
}

class V1ReaderTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<V1Reader>> Open(const std::vector<File>& shards) {
    std::vector<std::string> paths;
    for (const File& shard : shards) {
      paths.push_back(absl::StrCat("v1-", paths.size()));
      files_.files[paths.back()] = shard.Serialize();
    }
    return V1Reader::Open(&files_, paths);
  }

  void ExpectDamaged(const std::vector<File>& shards, absl::string_view why) {
    EXPECT_THAT(Open(shards),
                AllOf(StatusIs(absl::StatusCode::kDataLoss, HasSubstr(std::string(why))),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
  }

  void ExpectRefused(const std::vector<File>& shards, absl::string_view why) {
    EXPECT_THAT(Open(shards),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(why))),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
  }

  MemoryFileSystem files_;
};

std::string Describe(const V1Tensor& tensor) {
  std::vector<std::string> boxes;
  for (const V1Slice& slice : tensor.slices) boxes.push_back(ToString(slice.box));
  return absl::StrCat(tensor.key, " ", tensor.dtype, ShapeToString(tensor.shape), " ",
                      absl::StrJoin(boxes, " "), tensor.partial ? " partial" : "");
}

std::vector<std::string> Describe(const V1Reader& reader) {
  std::vector<std::string> tensors;
  for (const V1Tensor& tensor : reader.tensors()) tensors.push_back(Describe(tensor));
  return tensors;
}

std::string Hex(const V1Reader& reader, const V1Slice& slice) {
  std::string bytes(static_cast<size_t>(slice.values.bytes_count()), '\0');
  const absl::Status read = reader.ReadAt(slice, 0, absl::MakeSpan(bytes));
  if (!read.ok()) return read.ToString();
  EXPECT_EQ(Crc32c(bytes), slice.values.crc32c());
  return absl::BytesToHexString(bytes);
}

TEST_F(V1ReaderTest, FindsTheShardsAndSlicesThatTensorFlowWrote) {
  const std::string prefix = absl::StrCat(kGolden, "model.ckpt-1000-0000");
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       V1Reader::Open(FileSystem::System(), {absl::StrCat(prefix, "0-of-00002"),
                                                             absl::StrCat(prefix, "1-of-00002")}));
  EXPECT_THAT(Describe(*reader),
              ElementsAre("grid_0 float32[4, 6] [0:2, 0:6] [2:3, 0:6] [3:4, 0:6]",
                          "grid_1 float32[4, 6] [0:4, 0:2] [0:4, 2:4] [0:4, 4:6]",
                          "whole int64[5] [0:5]", "words string[3] [0:3]"));
  EXPECT_EQ(Hex(*reader, reader->tensors()[2].slices[0]),
            "00000000000000000100000000000000020000000000000003000000000000000400000000000000");
  EXPECT_EQ(Hex(*reader, reader->tensors()[3].slices[0]),
            "010000000000000000000000000000000300000000000000"
            "61636363");
}

TEST_F(V1ReaderTest, ReadsAScalarAndATensorWithoutElements) {
  File file;
  file.AddTensor("scalar", {});
  file.AddSlice({}, 1);
  file.AddTensor("empty", {3, 0});
  file.AddSlice({{}, {}}, 0);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({file}));
  EXPECT_THAT(Describe(*reader),
              ElementsAre("empty float32[3, 0] [0:3, 0:0]", "scalar float32[] []"));
  EXPECT_EQ(Hex(*reader, reader->tensors()[1].slices[0]), "00000000");
}

TEST_F(V1ReaderTest, SlicesComeInOrderOfTheirBoxesWhateverShardHasThem) {
  File first, second;
  first.AddTensor("a", {4});
  first.AddSlice({{2, 2}}, 2);
  second.AddTensor("b", {});
  second.AddSlice({}, 1);
  second.AddTensor("a", {4});
  second.AddSlice({{0, 2}}, 2);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({first, second}));
  EXPECT_THAT(Describe(*reader), ElementsAre("a float32[4] [0:2] [2:4]", "b float32[] []"));
}

TEST_F(V1ReaderTest, ATensorThatIsNotCoveredIsPartial) {
  File file;
  file.AddTensor("a", {4});
  file.AddSlice({{2, 2}}, 2);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({file}));
  EXPECT_THAT(Describe(*reader), ElementsAre("a float32[4] [2:4] partial"));
}

TEST_F(V1ReaderTest, NamesOfAnyBytesAreText) {
  File file;
  for (const std::string& name : {std::string("\0z", 2), std::string("\xff"), std::string("\n")}) {
    file.AddTensor(name, {});
    file.AddSlice({}, 1);
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({file}));
  EXPECT_THAT(Describe(*reader),
              ElementsAre("\\x00z float32[] []", "\\x0a float32[] []", "\\xff float32[] []"));
}

TEST_F(V1ReaderTest, AnEmptyCheckpointHasNoTensors) {
  File file;
  file.list.mutable_meta()->mutable_versions()->set_producer(1);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({file}));
  EXPECT_TRUE(reader->tensors().empty());
}

TEST_F(V1ReaderTest, ErrorsNameTheFile) {
  File damaged = Whole();
  damaged.slices.clear();
  const absl::Status status = Open({Whole(), damaged}).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("v1-1: ")));
  EXPECT_EQ(DetailOf(status).metadata().at("path"), "v1-1");
  EXPECT_EQ(DetailOf(status).metadata().at("key"), "a");
}

TEST_F(V1ReaderTest, ASliceThatIsListedButMissingIsRefused) {
  File file = Whole();
  file.slices.clear();
  ExpectDamaged({file}, "tensor a: its slice [0:2, 0:3] is listed, but missing");
}

TEST_F(V1ReaderTest, ASliceThatIsNotListedIsRefused) {
  File file = Whole();
  file.AddEntry("b", {{}}, 1);
  ExpectDamaged({file}, "tensor b: it has a slice that the file's list does not");
  // The same numbers as a full dimension, but another key.
  file = Whole();
  file.AddEntry("a", {{0, 2}, {0, 3}}, 6);
  ExpectDamaged({file}, "tensor a: it has a slice that the file's list does not");
}

TEST_F(V1ReaderTest, AKeyThatIsNoSlicesIsRefused) {
  File file = Whole();
  file.slices["plain"] = file.slices.begin()->second;
  ExpectDamaged({file}, "the key plain is no slice's");
}

TEST_F(V1ReaderTest, ASliceThatIsListedTwiceIsRefused) {
  File file = Whole();
  file.AddSlice({{}, {}}, 6);
  ExpectDamaged({file}, "tensor a: its slice [0:2, 0:3] is listed twice");
}

TEST_F(V1ReaderTest, AnEntryOfAnotherSliceIsRefused) {
  File file = Whole();
  file.slices.begin()->second.mutable_data()->set_name("b");
  ExpectDamaged({file}, "tensor a: its slice [0:2, 0:3]: its entry is that of another slice");
  file = Whole();
  SetSlice({{0, 1}, {}}, file.slices.begin()->second.mutable_data()->mutable_slice());
  ExpectDamaged({file}, "its entry is that of another slice, of tensor a");
  file = Whole();
  file.slices.begin()->second.mutable_data()->clear_slice();
  ExpectDamaged({file}, "its entry is that of another slice");
}

TEST_F(V1ReaderTest, AnEntryWithoutOneSliceIsRefused) {
  File file = Whole();
  SavedTensorSlices& entry = file.slices.begin()->second;
  entry.clear_data();
  ExpectDamaged({file}, "tensor a: its slice [0:2, 0:3]: its entry holds no slice");
  entry.mutable_meta();
  ExpectDamaged({file}, "its entry holds a list of tensors");
}

TEST_F(V1ReaderTest, AnEntryThatDoesNotHoldItsValuesIsRefused) {
  File file = Whole();
  file.slices.begin()->second.mutable_data()->mutable_data()->add_float_val(7);
  ExpectDamaged({file}, "tensor a: its slice [0:2, 0:3]: it has too many values");
  file.slices.begin()->second.mutable_data()->mutable_data()->clear_float_val();
  ExpectDamaged({file}, "it has 0 values, but its shape [2, 3] takes 6");
  file.slices.begin()->second.mutable_data()->clear_data();
  ExpectDamaged({file}, "it has 0 values, but its shape [2, 3] takes 6");
  file = Whole();
  file.slices.begin()->second.mutable_data()->mutable_data()->set_dtype(kInt32);
  ExpectDamaged({file}, "dtype 3, not 1");
  file = Whole();
  file.list.mutable_meta()->mutable_tensor(0)->set_type(kInt32);
  ExpectDamaged({file}, "it has values in field 5, those of its dtype are in field 7");
}

TEST_F(V1ReaderTest, OverlappingSlicesAreRefused) {
  File file;
  file.AddTensor("a", {4});
  file.AddSlice({{0, 3}}, 3);
  file.AddSlice({{2, 2}}, 2);
  ExpectDamaged({file}, "tensor a: its slices [0:3] and [2:4] overlap");
  ExpectDamaged({Whole(), Whole()}, "its slices [0:2, 0:3] and [0:2, 0:3] overlap");
}

TEST_F(V1ReaderTest, ATensorWithoutElementsMayBeInSeveralShards) {
  File file;
  file.AddTensor("a", {0});
  file.AddSlice({{}}, 0);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open({file, file}));
  EXPECT_THAT(Describe(*reader), ElementsAre("a float32[0] [0:0]"));
}

TEST_F(V1ReaderTest, ShardsThatDisagreeAreRefused) {
  File first, second;
  first.AddTensor("a", {4});
  first.AddSlice({{0, 2}}, 2);
  second.AddTensor("a", {4}, kInt32);
  second.AddSlice({{2, 2}}, 0);
  ExpectDamaged({first, second}, "tensor a: it is of dtype float32 in one place, of int32");
  second = File();
  second.AddTensor("a", {5});
  second.AddSlice({{2, 2}}, 2);
  ExpectDamaged({first, second}, "tensor a: it has the shape [4] in one place, [5] in another");
}

TEST_F(V1ReaderTest, SlicesThatLeaveTheShapeAreRefused) {
  for (const Extents& extents :
       {Extents{}, Extents{{0, 1}, {0, 1}}, Extents{{3, 2}}, Extents{{-1, 2}}, Extents{{0, 0}},
        Extents{{0, -2}}, Extents{{1, std::nullopt}}, Extents{{INT64_MAX, INT64_MAX}}}) {
    File file;
    file.AddTensor("a", {4});
    SetSlice(extents, file.list.mutable_meta()->mutable_tensor(0)->add_slice());
    ExpectDamaged({file}, "tensor a: its slice 0: ");
  }
}

TEST_F(V1ReaderTest, ShapesThatNoTensorHasAreRefused) {
  const auto with = [](const std::vector<int64_t>& shape) {
    File file;
    file.AddTensor("a", shape);
    file.AddSlice(Extents(shape.size()), 0);
    return file;
  };
  ExpectDamaged({with({-1})}, "tensor a: ");
  ExpectDamaged({with({INT64_MAX, INT64_MAX})}, "tensor a: ");
  ExpectDamaged({with({INT64_MAX})}, "tensor a: ");
  ExpectRefused({with(std::vector<int64_t>(65, 1))}, "tensor a has 65 dimensions");
  File file = Whole();
  file.list.mutable_meta()->mutable_tensor(0)->mutable_shape()->set_unknown_rank(true);
  ExpectDamaged({file}, "tensor a: its rank is unknown");
}

TEST_F(V1ReaderTest, ATensorOfSixtyFourDimensionsIsRead) {
  File file;
  file.AddTensor("a", std::vector<int64_t>(64, 1));
  file.AddSlice(Extents(64), 1);
  EXPECT_OK(Open({file}));
}

TEST_F(V1ReaderTest, DtypesThatV1FilesCannotHoldAreRefused) {
  File file = Whole();
  for (int32_t dtype : {0, -1}) {
    file.list.mutable_meta()->mutable_tensor(0)->set_type(dtype);
    ExpectDamaged({file}, absl::StrCat("tensor a: it has the dtype ", dtype));
  }
  for (int32_t dtype : {20, 21, 29, 101, 1000}) {
    file.list.mutable_meta()->mutable_tensor(0)->set_type(dtype);
    ExpectRefused({file}, "which V1 files cannot hold");
  }
}

TEST_F(V1ReaderTest, NamesThatNoTensorHasAreRefused) {
  const auto with = [](const std::string& name) {
    File file;
    file.AddTensor(name, {});
    file.AddSlice({}, 1);
    return file;
  };
  ExpectDamaged({with("")}, "a tensor has no name");
  EXPECT_OK(Open({with(std::string(4096, 'n'))}));
  ExpectRefused({with(std::string(4097, 'n'))}, "a name has 4097 bytes");
  ExpectRefused({with(std::string(1025, '\xff'))}, "4100 bytes as text");
}

TEST_F(V1ReaderTest, ATensorWithoutSlicesIsRefused) {
  File file;
  file.AddTensor("a", {4});
  ExpectDamaged({file}, "tensor a: it has no slices");
}

TEST_F(V1ReaderTest, FilesForLaterReadersAreRefused) {
  File file = Whole();
  file.list.mutable_meta()->mutable_versions()->set_producer(7);
  EXPECT_OK(Open({file}));
  file.list.mutable_meta()->mutable_versions()->set_min_consumer(2);
  ExpectRefused({file}, "for readers from version 2 on");
}

TEST_F(V1ReaderTest, WhatIsNoV1FileIsRefused) {
  // A bundle's index has another first entry.
  EXPECT_THAT(V1Reader::Open(FileSystem::System(), {absl::StrCat(kGolden, "same.index")}),
              AllOf(HasReason(ErrorReason::ERROR_REASON_BAD_FILE),
                    StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its list of tensors"))));
  files_.files["text"] = "hello";
  EXPECT_THAT(V1Reader::Open(&files_, {"text"}),
              AllOf(HasReason(ErrorReason::ERROR_REASON_BAD_FILE),
                    StatusIs(absl::StatusCode::kDataLoss, HasSubstr("text: damaged table"))));
  EXPECT_THAT(V1Reader::Open(&files_, {"absent"}), StatusIs(absl::StatusCode::kNotFound));
}

// Files whose first entry is not what File makes.
class V1ListTest : public V1ReaderTest {
 protected:
  absl::Status OpenWith(const std::vector<std::pair<std::string, std::string>>& entries) {
    auto file = files_.CreateForWrite("v1").value();
    IndexTableWriter writer(file.get());
    for (const auto& [key, value] : entries) writer.Add(key, value);
    CAIRN_CHECK(writer.Finish().ok() && file->Finish().ok());
    file.reset();
    absl::Status status = V1Reader::Open(&files_, {"v1"}).status();
    files_.files.erase("v1");
    return status;
  }
};

TEST_F(V1ListTest, AFileWithoutAListIsRefused) {
  EXPECT_THAT(OpenWith({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is empty")));
  EXPECT_THAT(OpenWith({{"k", ""}}), StatusIs(absl::StatusCode::kInvalidArgument,
                                              HasSubstr("does not say which tensors")));
  EXPECT_THAT(OpenWith({{"", ""}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no list of tensors")));
}

TEST_F(V1ListTest, AListThatDoesNotParseIsRefused) {
  for (const char* list : {"\x0a\x05", "\x08\x01", "\x0a\x02\x08\x01", "\x0a\x02\x0a\x05",
                           "\x0a\x04\x0a\x02\x1a\x00", "\x0a\x04\x12\x02\x0a\x05"}) {
    EXPECT_THAT(OpenWith({{"", list}}),
                AllOf(StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its list of tensors")),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)))
        << testing::PrintToString(list);
  }
  SavedTensorSlices with_slice;
  with_slice.mutable_data();
  EXPECT_THAT(OpenWith({{"", with_slice.SerializeAsString()}}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("holds a slice")));
}

TEST_F(V1ListTest, ManySlicesOfNoBytesAreRefused) {
  SavedTensorSlices list;
  auto* const tensor = list.mutable_meta()->add_tensor();
  tensor->set_name("a");
  tensor->set_type(kFloat);
  for (int i = 0; i < 100000; ++i) tensor->add_slice();
  EXPECT_THAT(OpenWith({{"", list.SerializeAsString()}}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its slice [] is listed twice")));
}

}  // namespace
}  // namespace cairn
