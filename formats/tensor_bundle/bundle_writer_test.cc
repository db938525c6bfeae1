#include "formats/tensor_bundle/bundle_writer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/file_system.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle_fixture.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kIndex[] = "out/ckpt-7.index";
constexpr char kData[] = "out/ckpt-7.data-00000-of-00001";

absl::Status Write(FileSystem* files, const std::string& prefix, const std::vector<Given>& tensors,
                   const BundleWriter::Options& options = {}) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<BundleWriter> writer,
                         BundleWriter::Create(files, prefix, Plans(tensors), options));
  for (size_t i = 0; i < tensors.size(); ++i) {
    for (size_t j = 0; j < tensors[i].bytes.size(); ++j) {
      CAIRN_RETURN_IF_ERROR(writer->WriteAt({i, j}, 0, tensors[i].bytes[j]));
      writer->SetCrc32c({i, j}, tensors[i].crc32c[j]);
    }
  }
  return writer->Finish();
}

std::vector<Given> Floats() {
  return {Tensor("w", "float32", {3}, Bytes("0000803f0000004000004040")),
          Tensor("a", "int64", {}, std::string("\x07\0\0\0\0\0\0\0", 8)),
          Tensor("e", "int32", {0, 4}, "")};
}

// With slices and strings.
std::vector<Given> Various() {
  std::vector<Given> tensors = Floats();
  tensors.push_back(
      Sliced("p", "uint8", {3, 3},
             {{{{0, 0}, {1, 2}}, "ab"}, {{{0, 2}, {3, 1}}, "cde"}, {{{1, 0}, {2, 2}}, "fghi"}}));
  tensors.push_back(SlicedStrings("s", {4}, {{{{0}, {1}}, {"one"}}, {{{3}, {1}}, {""}}}));
  return tensors;
}

// Both files are what TensorFlow 2.21's SaveV2 wrote for "a", "e", "w" in this order.
TEST(BundleWriterTest, BytesAreTensorFlows) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "out/ckpt-7", Floats()));
  EXPECT_EQ(absl::BytesToHexString(files.files[kData]), "07000000000000000000803f0000004000004040");
  EXPECT_EQ(absl::BytesToHexString(files.files[kIndex]),
            "00000608011a02080100010b6108091200280835bbd79f1100011165080312061200120208042008"
            "35d8ea82a20001117708011204120208032008280c35735b89710000000001000000002d1190c000"
            "0000000100000000c0f2a1b000010278004a00000000010000000005dac1de4f085c0e0000000000"
            "0000000000000000000000000000000000000000000000000000000000000057fb808b247547db");
}

// Both files are what TensorFlow 2.21's SaveV2 wrote for the slices in this order.
TEST(BundleWriterTest, BytesOfSlicesAreTensorFlows) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "out/ckpt-7",
                  {Sliced("p", "float32", {4, 2},
                          {{{{0, 0}, {2, 2}}, Bytes("0000803f000000400000404000008040")},
                           {{{2, 0}, {2, 2}}, Bytes("0000a0400000c0400000e04000000041")}}),
                   Tensor("w", "float32", {2}, Bytes("0000803f00000040"))}));
  EXPECT_EQ(absl::BytesToHexString(files.files[kData]),
            "0000803f0000004000004040000080400000a0400000c0400000e04000000041"
            "0000803f00000040");
  EXPECT_EQ(absl::BytesToHexString(files.files[kIndex]),
            "00000608011a020801000a13007000010102808280820801120812020802120208022810354c2898"
            "74060415828280820801120812020802120208022010281035ebd5bc490001227008011208120208"
            "04120208023a080a0210020a0210023a0a0a04080210020a02100200011177080112041202080220"
            "20280835593ce535000000000100000000e5a26174000000000100000000c0f2a1b0000103780088"
            "010000000001000000006ec240b38d01089a010f0000000000000000000000000000000000000000"
            "000000000000000000000000000057fb808b247547db");
}

// Likewise: half and strings, a part of each alone, and a name that begins as a slice's key does.
TEST(BundleWriterTest, BytesOfPartialTensorsAreTensorFlows) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "out/ckpt-7",
                  {Tensor("w", "float32", {2}, Bytes("0000803f00000040")),
                   SlicedStrings("s", {5}, {{{{1}, {2}}, {"", "hello"}}, {{{4}, {1}}, {"xxx"}}}),
                   Sliced("\\x00h", "float16", {2, 300},
                          {{{{0, 100}, {1, 3}}, Bytes("0000003c0040")},
                           {{{1, 100}, {1, 3}}, Bytes("004200440045")}})}));
  EXPECT_EQ(absl::BytesToHexString(files.files[kData]),
            "0000003c00400042004400450005763f05f668656c6c6f03633f7f287878780000803f00000040");
  EXPECT_EQ(absl::BytesToHexString(files.files[kIndex]),
            "00000608011a020801000d130000ff68000101028081c06483081312081202080112020803280635"
            "482d719d0805158181c064830813120812020801120208032006280635a965c16a01012768081312"
            "0912020802120308ac023a0a0a0210010a04086410033a0c0a04080110010a040864100301071173"
            "0001010181820807120412020802200c280b35f57da1980602118481080712041202080120172808"
            "35e00ff5aa0001187308071204120208053a060a04080110023a060a040804100100011177080112"
            "0412020802201f280835593ce5350000000001000000002147574d000000000100000000c0f2a1b0"
            "0001037800de01000000000100000000a35c72dee30108f0010f0000000000000000000000000000"
            "000000000000000000000000000000000000000057fb808b247547db");
}

TEST(BundleWriterTest, OpenDimensionsStandAsTheyWereSavedWhereTheyAreWhole) {
  MemoryFileSystem files;
  Given tensor =
      Sliced("p", "uint8", {2, 3}, {{{{0, 0}, {2, 1}}, "ab"}, {{{0, 1}, {2, 2}}, "cdef"}});
  tensor.plan.slices[0].open_dimensions = 0b01;
  tensor.plan.slices[1].open_dimensions = 0b11;  // the second of them is cut, if up to the end
  ASSERT_OK(Write(&files, "out/ckpt-7", {tensor}));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "out/ckpt-7"));
  const BundleTensor& found = *reader->Find("p");
  ASSERT_EQ(found.slices.size(), 2);
  EXPECT_EQ(found.slices[0].open_dimensions, 0b01);
  EXPECT_EQ(found.slices[1].open_dimensions, 0b01);
  EXPECT_EQ(found.slices[1].box, (Box{{0, 1}, {2, 2}}));
  EXPECT_THAT(reader->ReadWhole(found, found.slices[1]), IsOkAndHolds("cdef"));
}

TEST(BundleWriterTest, TheOrderOfPlanAndWritesChangesNothing) {
  MemoryFileSystem one, other;
  std::vector<Given> tensors = Floats();
  ASSERT_OK(Write(&one, "out/ckpt-7", tensors));
  std::reverse(tensors.begin(), tensors.end());
  ASSERT_OK(Write(&other, "out/ckpt-7", tensors));
  EXPECT_EQ(one.files, other.files);
}

TEST(BundleWriterTest, ReadersFindEveryTensorByteForByte) {
  MemoryFileSystem files;
  std::vector<Given> tensors = Floats();
  tensors.push_back(Tensor("raw\\x00key\\xff", "bfloat16", {1}, "xy"));
  tensors.push_back(Tensor("later", "tf:99", {5}, "opaque"));
  tensors.push_back(SlicedStrings("s", {}, {{Box(), {"hi"}}}));
  ASSERT_OK(Write(&files, "p", tensors));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
  ASSERT_EQ(reader->tensors().size(), tensors.size());
  for (const Given& tensor : tensors) {
    const BundleTensor* const found = reader->Find(tensor.plan.key);
    ASSERT_NE(found, nullptr) << tensor.plan.key;
    EXPECT_EQ(found->dtype, tensor.plan.dtype);
    EXPECT_EQ(found->shape, tensor.plan.shape);
    const std::string ours = tensor.plan.dtype == "string" ? Strings({"hi"}) : tensor.bytes[0];
    EXPECT_THAT(reader->ReadWhole(*found), IsOkAndHolds(ours));
  }
}

TEST(BundleWriterTest, ThreadsMayWriteTheirRanges) {
  const std::string folder = ::testing::TempDir() + "threads/";
  constexpr int kThreads = 4, kTensors = 8, kBytes = 1000;
  std::vector<PlannedTensor> plans;
  for (int i = 0; i < kTensors; ++i)
    plans.push_back(PlannedWhole(absl::StrCat("t", i), "uint8", {kBytes}, kBytes));
  ASSERT_OK_AND_ASSIGN(const auto writer,
                       BundleWriter::Create(FileSystem::System(), folder, plans, {.shards = 3}));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      constexpr int kShare = kBytes / kThreads;
      for (int i = 0; i < kTensors; ++i) {
        const char c = static_cast<char>('a' + i);
        const BundleWriter::SliceNumber slice = {static_cast<size_t>(i), 0};
        EXPECT_OK(writer->WriteAt(slice, t * kShare, std::string(kShare, c)));
        if (t == 0) writer->SetCrc32c(slice, Crc32c(std::string(kBytes, c)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), folder));
  for (const BundleTensor& tensor : reader->tensors()) {
    EXPECT_OK(reader->ReadWhole(tensor));
  }
  EXPECT_THAT(FileSystem::System()->ListFolder(folder),
              IsOkAndHolds(ElementsAre(".data-00000-of-00003", ".data-00001-of-00003",
                                       ".data-00002-of-00003", ".index")));
}

TEST(BundleWriterTest, WhatIsThereIsNotReplacedUnlessForced) {
  MemoryFileSystem files;
  for (const char* path : {kIndex, kData, "out/ckpt-7.data-00002-of-00003"}) {
    files.files = {{path, "old"}};
    EXPECT_THAT(Write(&files, "out/ckpt-7", Floats()),
                AllOf(StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(path)),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
    EXPECT_THAT(files.files, ElementsAre(Pair(path, "old")));
  }
  files.files = {
      {kIndex, "old"}, {"out/ckpt-7.data-00002-of-00003", "old"}, {"out/ckpt-70.index", "other"}};
  ASSERT_OK(Write(&files, "out/ckpt-7", Floats(), {.force = true}));
  EXPECT_THAT(files.files, ElementsAre(Pair(kData, ::testing::_), Pair(kIndex, ::testing::_),
                                       Pair("out/ckpt-70.index", "other")));
  EXPECT_OK(BundleReader::Open(&files, "out/ckpt-7"));
}

TEST(BundleWriterTest, AFailureAnywhereLeavesNothingOrAllOfIt) {
  for (const int shards : {1, 3}) {
    MemoryFileSystem whole;
    ASSERT_OK(Write(&whole, "out/ckpt-7", Various(), {.shards = shards}));
    ASSERT_GT(whole.changes, 5);
    for (int change = 0; change < whole.changes; ++change) {
      MemoryFileSystem files;
      files.fail_from_change = change;
      EXPECT_THAT(Write(&files, "out/ckpt-7", Various(), {.shards = shards}),
                  StatusIs(absl::StatusCode::kUnavailable))
          << change;
      EXPECT_TRUE(files.files.empty()) << change << " " << files.files.begin()->first;
    }
  }
}

TEST(BundleWriterTest, AFailedReplacementNeverMixesOldAndNew) {
  for (const auto& [before, after] : {std::pair(1, 1), {1, 4}, {4, 2}, {3, 3}}) {
    SCOPED_TRACE(absl::StrCat(before, " data files replaced by ", after));
    MemoryFileSystem old;
    ASSERT_OK(Write(&old, "out/ckpt-7", Floats(), {.shards = before}));
    for (int change = 0;; ++change) {
      MemoryFileSystem files;
      files.files = old.files;
      files.fail_from_change = change;
      if (Write(&files, "out/ckpt-7", Various(), {.force = true, .shards = after}).ok()) break;
      const bool has_index = files.files.contains(kIndex);
      if (has_index) {
        EXPECT_EQ(files.files, old.files) << change;
      }
      for (const auto& [path, content] : files.files) {
        EXPECT_TRUE(old.files.contains(path)) << path;
      }
    }
  }
}

TEST(BundleWriterTest, AWriterThatGoesUnfinishedLeavesNothing) {
  MemoryFileSystem files;
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, BundleWriter::Create(&files, "p", Plans(Floats()), {}));
  }
  EXPECT_TRUE(files.files.empty());
}

TEST(BundleWriterTest, MissingBytesOrChecksumsAreNotPublished) {
  MemoryFileSystem files;
  const PlannedTensor sliced = {"b", "uint8", {4}, {{{{0}, {1}}, 1}, {{{2}, {2}}, 2}}};
  ASSERT_OK_AND_ASSIGN(
      auto writer,
      BundleWriter::Create(&files, "p", {PlannedWhole("a", "uint8", {2}, 2), sliced}, {}));
  const auto expect_failure = [&](absl::string_view what) {
    EXPECT_THAT(writer->Finish(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(std::string(what))));
  };
  ASSERT_OK(writer->WriteAt({0, 0}, 1, "x"));
  expect_failure("tensor a has 1 of 2 bytes");
  ASSERT_OK(writer->WriteAt({0, 0}, 0, "x"));
  expect_failure("tensor a has no checksum");
  writer->SetCrc32c({0, 0}, Crc32c("xx"));
  expect_failure("slice [0:1] of tensor b has 0 of 1 bytes");
  ASSERT_OK(writer->WriteAt({1, 0}, 0, "y"));
  writer->SetCrc32c({1, 0}, Crc32c("y"));
  ASSERT_OK(writer->WriteAt({1, 1}, 0, "zz"));
  expect_failure("slice [2:4] of tensor b has no checksum");
  writer->SetCrc32c({1, 1}, Crc32c("zz"));
  EXPECT_OK(writer->Finish());
}

TEST(BundleWriterTest, BytesBeyondTheSliceAreRefused) {
  MemoryFileSystem files;
  const std::vector<PlannedTensor> plan = {{"a", "uint8", {4}, {{{{0}, {2}}, 2}, {{{2}, {2}}, 2}}}};
  ASSERT_OK_AND_ASSIGN(const auto writer, BundleWriter::Create(&files, "p", plan, {}));
  EXPECT_EQ(writer->size_bytes(), 4);
  EXPECT_THAT(writer->WriteAt({0, 0}, 0, "abc"),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("slice [0:2] of tensor a")));
  EXPECT_THAT(writer->WriteAt({0, 0}, 2, "a"), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(writer->WriteAt({0, 1}, -1, "a"), StatusIs(absl::StatusCode::kOutOfRange));
}

absl::Status Refusal(std::vector<PlannedTensor> plan, const BundleWriter::Options& options = {}) {
  MemoryFileSystem files;
  const absl::Status status = BundleWriter::Create(&files, "p", std::move(plan), options).status();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_TRUE(files.files.empty());
  return status;
}

TEST(BundleWriterTest, PlansThatCannotBeWrittenAreRefused) {
  const auto refused = [](absl::string_view key, absl::string_view dtype,
                          std::vector<int64_t> shape, int64_t bytes) {
    return Refusal({PlannedWhole(key, dtype, std::move(shape), bytes)});
  };
  const auto is_invalid = [](absl::string_view what) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(what)));
  };
  EXPECT_THAT(refused("", "uint8", {1}, 1), is_invalid("key"));
  EXPECT_THAT(refused("\\", "uint8", {1}, 1), is_invalid("key"));
  EXPECT_THAT(refused("a", "bytes", {}, 1), is_invalid("bytes is no type"));
  EXPECT_THAT(refused("a", "float8_e3m4", {1}, 1), is_invalid("float8_e3m4 is no type"));
  EXPECT_THAT(refused("a", "torch:qint8", {1}, 1), is_invalid("torch:qint8 is no type"));
  EXPECT_THAT(refused("a", "uint8", {2}, 1), is_invalid("size"));
  EXPECT_THAT(refused("a", "uint8", {-1}, 1), is_invalid("shape"));
  EXPECT_THAT(refused("a", "string", {2}, 5), is_invalid("size"));
  EXPECT_THAT(refused("a", "tf:99", {}, -1), is_invalid("size"));
  const PlannedTensor one = PlannedWhole("a", "uint8", {1}, 1);
  EXPECT_THAT(Refusal({one, one}), is_invalid("tensor a is planned twice"));
  EXPECT_THAT(
      Refusal({PlannedWhole("a", "tf:99", {}, INT64_MAX), PlannedWhole("b", "tf:99", {}, 1)}),
      is_invalid("2^63"));
}

TEST(BundleWriterTest, SlicesThatCannotBeWrittenAreRefused) {
  const auto refused = [](std::vector<PlannedSlice> slices) {
    return Refusal({{"a", "uint8", {4, 2}, std::move(slices)}});
  };
  const auto is_invalid = [](absl::string_view what) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("tensor a"), HasSubstr(std::string(what))));
  };
  const PlannedSlice top = {{{0, 0}, {2, 2}}, 4}, bottom = {{{2, 0}, {2, 2}}, 4};
  EXPECT_THAT(refused({}), is_invalid("slices: are none"));
  EXPECT_THAT(refused({{{{0}, {2}}, 2}}), is_invalid("1 dimensions, the tensor 2"));
  EXPECT_THAT(refused({{{{3, 0}, {2, 2}}, 4}}), is_invalid("outside of [4, 2]"));
  EXPECT_THAT(refused({{{{-1, 0}, {2, 2}}, 4}}), is_invalid("outside of [4, 2]"));
  EXPECT_THAT(refused({{{{1, 0}, {INT64_MAX, 2}}, 4}}), is_invalid("outside of [4, 2]"));
  EXPECT_THAT(refused({{{{0, 0}, {2, -2}}, 4}}), is_invalid("outside of [4, 2]"));
  EXPECT_THAT(refused({top, {{{2, 0}, {0, 2}}, 0}}), is_invalid("[2:2, 0:2] has no elements"));
  EXPECT_THAT(refused({{{{0, 0}, {2, 2}}, 5}}), is_invalid("size"));
  EXPECT_THAT(refused({bottom, top}), is_invalid("they must ascend"));
  EXPECT_THAT(refused({top, top}), is_invalid("they must ascend"));
  EXPECT_THAT(refused({top, {{{0, 0}, {4, 2}}, 8}}), is_invalid("they overlap"));
}

TEST(BundleWriterTest, ATensorCalledAsTheSliceOfAnotherIsRefused) {
  // What EncodeSliceKey makes of the first slice of "v".
  EXPECT_THAT(Refusal({Sliced("v", "uint8", {9}, {{{{5}, {4}}, "abcd"}}).plan,
                       PlannedWhole("\\x00v\\x00\\x01\\x01\\x01\\x85\\x84", "uint8", {1}, 1)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("need the same key")));
}

TEST(BundleWriterTest, OptionsThatMeanNothingAreRefused) {
  for (const BundleWriter::Options& options :
       std::vector<BundleWriter::Options>{{.shards = 0},
                                          {.shards = -1},
                                          {.max_shard_bytes = 0},
                                          {.shards = 2, .max_shard_bytes = 5}}) {
    EXPECT_THAT(Refusal({}, options), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(BundleWriterTest, NoTensorsMakeAnEmptyCheckpoint) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "p", {}));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
  EXPECT_TRUE(reader->tensors().empty());
  EXPECT_EQ(reader->Find("a"), nullptr);
}

TEST(BundleWriterTest, NoTensorsMakeOneDataFileWhateverIsAskedFor) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "out/ckpt-7", {}, {.shards = 9}));
  EXPECT_THAT(files.files, ElementsAre(Pair(kData, ""), Pair(kIndex, ::testing::_)));
}

TEST(BundleWriterTest, ShardsDivideTheDataInItsOrder) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "out/ckpt-7", Various(), {.shards = 3}));
  int num_shards = 0;
  auto entries = Entries(&files, kIndex, &num_shards);
  EXPECT_EQ(num_shards, 3);
  // "a" (8 bytes), "e" (none), the slices of "p" (2, 3, 4) and of "s" (8, 5), "w" (12).
  EXPECT_EQ(entries["a"].shard_id(), 0);
  EXPECT_EQ(entries["w"].shard_id(), 2);
  std::string three_files;
  for (int i = 0; i < 3; ++i) three_files += files.files[ShardPath("out/ckpt-7", i, 3)];
  MemoryFileSystem whole;
  ASSERT_OK(Write(&whole, "out/ckpt-7", Various()));
  EXPECT_EQ(three_files, whole.files[kData]);
}

TEST(BundleWriterTest, ALimitBeginsANewDataFile) {
  MemoryFileSystem files;
  const std::vector<Given> tensors = {
      Tensor("a", "uint8", {3}, "aaa"),
      Sliced("b", "uint8", {9}, {{{{0}, {3}}, "bbb"}, {{{3}, {5}}, "ccccc"}, {{{8}, {1}}, "d"}}),
      Tensor("e", "uint8", {2}, "ee")};
  ASSERT_OK(Write(&files, "q", tensors, {.max_shard_bytes = 4}));
  EXPECT_EQ(files.files["q.data-00000-of-00004"], "aaa");
  EXPECT_EQ(files.files["q.data-00001-of-00004"], "bbb");
  EXPECT_EQ(files.files["q.data-00002-of-00004"], "ccccc");
  EXPECT_EQ(files.files["q.data-00003-of-00004"], "dee");
}

TEST(BundleWriterTest, AReplacementMayHaveAnotherNumberOfDataFiles) {
  for (const auto& [before, after] : {std::pair(1, 4), {4, 1}, {4, 2}}) {
    MemoryFileSystem files, fresh;
    ASSERT_OK(Write(&files, "out/ckpt-7", Floats(), {.shards = before}));
    EXPECT_THAT(Write(&files, "out/ckpt-7", Various(), {.shards = after}),
                StatusIs(absl::StatusCode::kAlreadyExists));
    ASSERT_OK(Write(&files, "out/ckpt-7", Various(), {.force = true, .shards = after}));
    ASSERT_OK(Write(&fresh, "out/ckpt-7", Various(), {.shards = after}));
    EXPECT_EQ(files.files, fresh.files);
  }
}

}  // namespace
}  // namespace cairn
