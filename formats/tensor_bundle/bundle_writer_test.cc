#include "formats/tensor_bundle/bundle_writer.h"

#include <algorithm>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/file_system.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/string_tensor.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kIndex[] = "out/ckpt-7.index";
constexpr char kData[] = "out/ckpt-7.data-00000-of-00001";

struct Given {
  PlannedTensor plan;
  std::string bytes;
};

Given Tensor(const std::string& key, const std::string& dtype, std::vector<int64_t> shape,
             const std::string& bytes) {
  return {{key, dtype, std::move(shape), static_cast<int64_t>(bytes.size())}, bytes};
}

std::vector<PlannedTensor> Plans(const std::vector<Given>& tensors) {
  std::vector<PlannedTensor> plans;
  for (const Given& tensor : tensors) plans.push_back(tensor.plan);
  return plans;
}

absl::Status Write(FileSystem* files, const std::string& prefix, const std::vector<Given>& tensors,
                   bool force = false) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<BundleWriter> writer,
                         BundleWriter::Create(files, prefix, Plans(tensors), {.force = force}));
  for (size_t i = 0; i < tensors.size(); ++i) {
    CAIRN_RETURN_IF_ERROR(writer->WriteAt(i, 0, tensors[i].bytes));
    writer->SetCrc32c(i, Crc32c(tensors[i].bytes));
  }
  return writer->Finish();
}

std::vector<Given> Floats() {
  return {Tensor("w", "float32", {3}, absl::HexStringToBytes("0000803f0000004000004040")),
          Tensor("a", "int64", {}, std::string("\x07\0\0\0\0\0\0\0", 8)),
          Tensor("e", "int32", {0, 4}, "")};
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
  const EncodedStrings strings =
      EncodeStringTensor(absl::StrCat(std::string("\2\0\0\0\0\0\0\0", 8), "hi"), 1).value();
  std::vector<Given> tensors = Floats();
  tensors.push_back(Tensor("raw\\x00key\\xff", "bfloat16", {1}, "xy"));
  tensors.push_back(Tensor("later", "tf:99", {5}, "opaque"));
  ASSERT_OK_AND_ASSIGN(auto writer, [&] {
    std::vector<PlannedTensor> plans = Plans(tensors);
    plans.push_back({"s", "string", {}, static_cast<int64_t>(strings.bytes.size())});
    return BundleWriter::Create(&files, "p", std::move(plans), {});
  }());
  for (size_t i = 0; i < tensors.size(); ++i) {
    ASSERT_OK(writer->WriteAt(i, 0, tensors[i].bytes));
    writer->SetCrc32c(i, Crc32c(tensors[i].bytes));
  }
  ASSERT_OK(writer->WriteAt(tensors.size(), 0, strings.bytes));
  writer->SetCrc32c(tensors.size(), strings.crc32c);
  ASSERT_OK(writer->Finish());

  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
  ASSERT_EQ(reader->tensors().size(), tensors.size() + 1);
  for (const Given& tensor : tensors) {
    const BundleTensor* const found = reader->Find(tensor.plan.key);
    ASSERT_NE(found, nullptr) << tensor.plan.key;
    EXPECT_EQ(found->dtype, tensor.plan.dtype);
    EXPECT_EQ(found->shape, tensor.plan.shape);
    EXPECT_THAT(reader->ReadWhole(*found), IsOkAndHolds(tensor.bytes));
  }
  EXPECT_THAT(reader->ReadWhole(*reader->Find("s")),
              IsOkAndHolds(absl::StrCat(std::string("\2\0\0\0\0\0\0\0", 8), "hi")));
}

TEST(BundleWriterTest, ThreadsMayWriteTheirRanges) {
  const std::string folder = ::testing::TempDir() + "threads/";
  constexpr int kThreads = 4, kTensors = 8, kBytes = 1000;
  std::vector<PlannedTensor> plans;
  for (int i = 0; i < kTensors; ++i)
    plans.push_back({absl::StrCat("t", i), "uint8", {kBytes}, kBytes});
  ASSERT_OK_AND_ASSIGN(const auto writer,
                       BundleWriter::Create(FileSystem::System(), folder, plans, {}));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      constexpr int kShare = kBytes / kThreads;
      for (int i = 0; i < kTensors; ++i) {
        EXPECT_OK(writer->WriteAt(i, t * kShare, std::string(kShare, static_cast<char>('a' + i))));
        if (t == 0) writer->SetCrc32c(i, Crc32c(std::string(kBytes, static_cast<char>('a' + i))));
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
              IsOkAndHolds(ElementsAre(".data-00000-of-00001", ".index")));
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
  ASSERT_OK(Write(&files, "out/ckpt-7", Floats(), /*force=*/true));
  EXPECT_THAT(files.files, ElementsAre(Pair(kData, ::testing::_), Pair(kIndex, ::testing::_),
                                       Pair("out/ckpt-70.index", "other")));
  EXPECT_OK(BundleReader::Open(&files, "out/ckpt-7"));
}

TEST(BundleWriterTest, AFailureAnywhereLeavesNothingOrAllOfIt) {
  MemoryFileSystem whole;
  ASSERT_OK(Write(&whole, "out/ckpt-7", Floats()));
  ASSERT_GT(whole.changes, 5);
  for (int change = 0; change < whole.changes; ++change) {
    MemoryFileSystem files;
    files.fail_from_change = change;
    EXPECT_THAT(Write(&files, "out/ckpt-7", Floats()), StatusIs(absl::StatusCode::kUnavailable))
        << change;
    EXPECT_TRUE(files.files.empty()) << change << " " << files.files.begin()->first;
  }
}

TEST(BundleWriterTest, AFailedReplacementNeverMixesOldAndNew) {
  MemoryFileSystem old;
  ASSERT_OK(Write(&old, "out/ckpt-7", {Tensor("old", "uint8", {3}, "old")}));
  for (int change = 0;; ++change) {
    MemoryFileSystem files;
    files.files = old.files;
    files.fail_from_change = change;
    if (Write(&files, "out/ckpt-7", Floats(), /*force=*/true).ok()) break;
    const auto reader = BundleReader::Open(&files, "out/ckpt-7");
    if (reader.ok()) {
      EXPECT_EQ(files.files, old.files) << change;
    } else {
      EXPECT_THAT(reader, StatusIs(absl::StatusCode::kNotFound)) << change;
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
  const std::vector<PlannedTensor> plan = {{"a", "uint8", {2}, 2}};
  ASSERT_OK_AND_ASSIGN(auto writer, BundleWriter::Create(&files, "p", plan, {}));
  ASSERT_OK(writer->WriteAt(0, 1, "x"));
  EXPECT_THAT(writer->Finish(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("a has 1 of 2 bytes")));
  ASSERT_OK(writer->WriteAt(0, 0, "x"));
  EXPECT_THAT(writer->Finish(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("checksum")));
  writer->SetCrc32c(0, Crc32c("xx"));
  EXPECT_OK(writer->Finish());
}

TEST(BundleWriterTest, BytesBeyondTheTensorAreRefused) {
  MemoryFileSystem files;
  const std::vector<PlannedTensor> plan = {{"a", "uint8", {2}, 2}, {"b", "uint8", {2}, 2}};
  ASSERT_OK_AND_ASSIGN(const auto writer, BundleWriter::Create(&files, "p", plan, {}));
  EXPECT_EQ(writer->size_bytes(), 4);
  EXPECT_THAT(writer->WriteAt(0, 0, "abc"), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(writer->WriteAt(0, 2, "a"), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(writer->WriteAt(0, -1, "a"), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(BundleWriterTest, PlansThatCannotBeWrittenAreRefused) {
  MemoryFileSystem files;
  const auto create = [&](std::vector<PlannedTensor> plan) {
    return BundleWriter::Create(&files, "p", std::move(plan), {});
  };
  EXPECT_THAT(create({{"a", "uint8", {1}, 1}, {"a", "uint8", {1}, 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a is planned twice")));
  for (const PlannedTensor& tensor : std::vector<PlannedTensor>{{"", "uint8", {1}, 1},
                                                                {"\\", "uint8", {1}, 1},
                                                                {"a", "bytes", {}, 1},
                                                                {"a", "float8_e3m4", {1}, 1},
                                                                {"a", "uint8", {2}, 1},
                                                                {"a", "uint8", {-1}, 1},
                                                                {"a", "string", {2}, 5},
                                                                {"a", "tf:99", {}, -1}}) {
    EXPECT_THAT(create({tensor}), StatusIs(absl::StatusCode::kInvalidArgument))
        << tensor.key << tensor.dtype;
  }
  EXPECT_THAT(create({{"a", "tf:99", {}, INT64_MAX}, {"b", "tf:99", {}, 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2^63")));
  EXPECT_TRUE(files.files.empty());
}

TEST(BundleWriterTest, NoTensorsMakeAnEmptyCheckpoint) {
  MemoryFileSystem files;
  ASSERT_OK(Write(&files, "p", {}));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files, "p"));
  EXPECT_TRUE(reader->tensors().empty());
  EXPECT_EQ(reader->Find("a"), nullptr);
}

}  // namespace
}  // namespace cairn
