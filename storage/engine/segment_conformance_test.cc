// What every engine's SegmentStore must do.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "storage/engine/conformance_test.h"

namespace cairn::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SegmentStoreTest : public ConformanceTest {
 protected:
  // A durable segment of these chunks.
  Uid Store(const std::vector<std::string>& chunks, const std::string& header = "header") {
    const Uid uid = NewUid();
    auto writer = segments().NewWriter(uid, header);
    EXPECT_OK(writer);
    for (const std::string& chunk : chunks) EXPECT_OK((*writer)->Append(chunk));
    EXPECT_OK((*writer)->Finish());
    return uid;
  }

  absl::StatusOr<std::string> Read(const Extent& extent, bool verify = true) {
    CAIRN_ASSIGN_OR_RETURN(const PinnedBytes bytes, segments().Read(extent, verify));
    return std::string(bytes.view());
  }

  std::vector<Uid> Walk() {
    std::vector<Uid> uids;
    EXPECT_OK(segments().Walk([&](const SegmentInfo& segment) {
      uids.push_back(segment.uid);
      return true;
    }));
    return uids;
  }

  // Bytes that do not repeat.
  std::string Bytes(size_t count) {
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_.Next());
    return bytes;
  }
};

TEST_P(SegmentStoreTest, ChunksAreReadAsTheyWereAppended) {
  const std::vector<std::string> chunks = {"a", Bytes(kMaxChunkBytes), Bytes(5000),
                                           Bytes(40 << 10)};
  const Uid uid = NewUid();
  ASSERT_OK_AND_ASSIGN(const auto writer,
                       segments().NewWriter(uid, std::string(kMaxSegmentHeaderBytes, 'h')));
  for (uint32_t i = 0; i < chunks.size(); ++i)
    EXPECT_THAT(writer->Append(chunks[i]), IsOkAndHolds(i + 1));
  ASSERT_OK(writer->Finish());
  EXPECT_GT(writer->stored_bytes(), kMaxChunkBytes + (45 << 10));
  EXPECT_LT(writer->stored_bytes(), kMaxChunkBytes + (64 << 10));
  for (const bool verify : {true, false}) {
    for (uint32_t i = 0; i < chunks.size(); ++i) {
      const auto size = static_cast<uint32_t>(chunks[i].size());
      EXPECT_THAT(Read({uid, i + 1, 0, size}, verify), IsOkAndHolds(chunks[i]));
      EXPECT_THAT(Read({uid, i + 1, size / 2, size - size / 2}, verify),
                  IsOkAndHolds(chunks[i].substr(size / 2)));
      EXPECT_THAT(Read({uid, i + 1, size, 0}, verify), IsOkAndHolds(""));
    }
  }
}

TEST_P(SegmentStoreTest, ReadingPastAChunkIsOutOfRange) {
  const Uid uid = Store({"abc"});
  for (const Extent& extent :
       {Extent{uid, 1, 0, 4}, Extent{uid, 1, 4, 0}, Extent{uid, 1, 3, 1},
        Extent{uid, 1, 0xffffffff, 0xffffffff}, Extent{uid, 1, 2, 0xfffffffe}}) {
    EXPECT_THAT(Read(extent), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("it has 3 bytes")));
  }
}

TEST_P(SegmentStoreTest, WhatIsNotThereIsNotFound) {
  const Uid uid = Store({"abc"});
  EXPECT_THAT(Read({uid, 2, 0, 1}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Read({uid, 0xffffffff, 0, 1}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Read({NewUid(), 1, 0, 1}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(SegmentStoreTest, LimitsAreRefused) {
  EXPECT_THAT(segments().NewWriter(Uid(), "h"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(segments().NewWriter(NewUid(), ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(segments().NewWriter(NewUid(), std::string(kMaxSegmentHeaderBytes + 1, 'h')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto writer, segments().NewWriter(NewUid(), "h"));
  EXPECT_THAT(writer->Append(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(writer->Append(std::string(kMaxChunkBytes + 1, 'c')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(writer->Append("chunk"), IsOkAndHolds(1u));  // a refusal harms nothing
  EXPECT_OK(writer->Finish());
}

TEST_P(SegmentStoreTest, AFullSegmentTakesNoMore) {
  const Uid uid = NewUid();
  ASSERT_OK_AND_ASSIGN(const auto writer, segments().NewWriter(uid, "h"));
  const std::string chunk(kMaxChunkBytes, 'c');
  for (int64_t i = 0; i < kMaxSegmentBytes / kMaxChunkBytes; ++i) ASSERT_OK(writer->Append(chunk));
  EXPECT_THAT(writer->Append("c"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(writer->Finish());
  EXPECT_THAT(Read({uid, 256, kMaxChunkBytes - 1, 1}), IsOkAndHolds("c"));
}

TEST_P(SegmentStoreTest, NothingIsReadableBeforeItIsFinished) {
  const Uid uid = NewUid();
  ASSERT_OK_AND_ASSIGN(const auto writer, segments().NewWriter(uid, "h"));
  ASSERT_OK(writer->Append("chunk"));
  EXPECT_THAT(Read({uid, 1, 0, 5}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Walk(), ElementsAre());
  ASSERT_OK(writer->Finish());
  EXPECT_THAT(Read({uid, 1, 0, 5}), IsOkAndHolds("chunk"));
  EXPECT_THAT(Walk(), ElementsAre(uid));
}

TEST_P(SegmentStoreTest, AWriterThatIsDroppedLeavesNothing) {
  const Uid uid = NewUid();
  ASSERT_OK_AND_ASSIGN(auto writer, segments().NewWriter(uid, "h"));
  ASSERT_OK(writer->Append("chunk"));
  writer.reset();
  EXPECT_THAT(Read({uid, 1, 0, 5}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Walk(), ElementsAre());
}

TEST_P(SegmentStoreTest, RemovedSegmentsAreGoneAndOthersStay) {
  const Uid first = Store({"first"}), second = Store({"second"}), third = Store({"third"});
  ASSERT_OK(segments().Remove({first, NewUid(), third}));
  EXPECT_THAT(Read({first, 1, 0, 5}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Read({third, 1, 0, 5}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Read({second, 1, 0, 6}), IsOkAndHolds("second"));
  EXPECT_THAT(Walk(), ElementsAre(second));
  EXPECT_OK(segments().Remove({first}));
  EXPECT_OK(segments().Remove({}));
}

TEST_P(SegmentStoreTest, PinnedBytesOutliveRemoval) {
  const std::string chunk = Bytes(kMaxChunkBytes);
  const Uid uid = Store({chunk});
  ASSERT_OK_AND_ASSIGN(const PinnedBytes bytes, segments().Read({uid, 1, 10, 1000}, true));
  const PinnedBytes copy = bytes;
  ASSERT_OK(segments().Remove({uid}));
  for (int i = 0; i < 20; ++i) Store({Bytes(kMaxChunkBytes)});
  EXPECT_EQ(copy.view(), absl::string_view(chunk).substr(10, 1000));
}

TEST_P(SegmentStoreTest, RetainingFreesNoLiveChunk) {
  const std::string first = Bytes(100000), third = Bytes(kMaxChunkBytes);
  const Uid uid = Store({first, Bytes(1000), third}), other = Store({"other"});
  for (int repeat = 0; repeat < 2; ++repeat) {
    ASSERT_OK(segments().Retain(uid, {1, 3}));
    EXPECT_THAT(Read({uid, 1, 0, 100000}), IsOkAndHolds(first));
    EXPECT_THAT(Read({uid, 3, 0, kMaxChunkBytes}), IsOkAndHolds(third));
    const absl::Status freed = Read({uid, 2, 0, 1000}).status();
    EXPECT_TRUE(freed.ok() || absl::IsNotFound(freed)) << freed;
    EXPECT_THAT(Read({other, 1, 0, 5}), IsOkAndHolds("other"));
  }
}

TEST_P(SegmentStoreTest, TheHeaderOutlivesAllThatIsFreed) {
  const Uid uid = Store({"one", "two"}, "the header");
  ASSERT_OK(segments().Retain(uid, {2}));
  ASSERT_OK(segments().Retain(uid, {}));
  std::string header;
  ASSERT_OK(segments().Walk([&](const SegmentInfo& segment) {
    EXPECT_EQ(segment.uid, uid);
    header = segment.header;
    return true;
  }));
  EXPECT_EQ(header, "the header");
  EXPECT_THAT(segments().ReadHeader(uid), IsOkAndHolds("the header"));
  ASSERT_OK(segments().Remove({uid}));
  EXPECT_THAT(Walk(), ElementsAre());
  EXPECT_THAT(segments().ReadHeader(uid), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(SegmentStoreTest, RetainingOfWhatIsNotThereIsNoError) {
  Store({"chunk"});
  EXPECT_OK(segments().Retain(NewUid(), {1}));
}

TEST_P(SegmentStoreTest, PinnedBytesOutliveRetaining) {
  const std::string chunk = Bytes(kMaxChunkBytes);
  const Uid uid = Store({chunk, "live"});
  ASSERT_OK_AND_ASSIGN(const PinnedBytes bytes, segments().Read({uid, 1, 10, 1000}, true));
  ASSERT_OK(segments().Retain(uid, {2}));
  for (int i = 0; i < 20; ++i) Store({Bytes(kMaxChunkBytes)});
  EXPECT_EQ(bytes.view(), absl::string_view(chunk).substr(10, 1000));
}

TEST_P(SegmentStoreTest, StoredBytesAreThoseOfTheSegmentAlone) {
  Store({Bytes(200000)});
  const Uid uid = Store({Bytes(100000), Bytes(50000)});
  ASSERT_OK_AND_ASSIGN(const int64_t whole, segments().StoredBytes(uid));
  EXPECT_GT(whole, 150000);
  EXPECT_LT(whole, 160000);
  ASSERT_OK(segments().Retain(uid, {2}));
  ASSERT_OK_AND_ASSIGN(const int64_t rest, segments().StoredBytes(uid));
  EXPECT_GT(rest, 50000);
  EXPECT_LE(rest, whole);
  EXPECT_THAT(segments().StoredBytes(NewUid()), IsOkAndHolds(0));
  ASSERT_OK(segments().Remove({uid}));
  EXPECT_THAT(segments().StoredBytes(uid), IsOkAndHolds(0));
}

TEST_P(SegmentStoreTest, RetainingAndWritingGoOnTogether) {
  constexpr int kSegments = 20;
  std::vector<Uid> shrinking;
  for (int i = 0; i < kSegments; ++i) shrinking.push_back(Store({"one", "two", "three"}));
  std::vector<Uid> written;
  for (int i = 0; i < kSegments; ++i) written.push_back(NewUid());
  std::thread writer([&] {
    for (const Uid& uid : written) {
      const auto segment = segments().NewWriter(uid, "h");
      ASSERT_OK(segment);
      ASSERT_OK((*segment)->Append("chunk"));
      ASSERT_OK((*segment)->Finish());
    }
  });
  for (const Uid& uid : shrinking) EXPECT_OK(segments().Retain(uid, {3}));
  writer.join();
  for (const Uid& uid : shrinking) EXPECT_THAT(Read({uid, 3, 0, 5}), IsOkAndHolds("three"));
  for (const Uid& uid : written) EXPECT_THAT(Read({uid, 1, 0, 5}), IsOkAndHolds("chunk"));
}

TEST_P(SegmentStoreTest, WalkVisitsAllInOrderWithTheirHeaders) {
  std::vector<Uid> expected;
  for (int i = 0; i < 300; ++i) expected.push_back(Store({"chunk"}, absl::StrCat("header ", i)));
  const Uid tenth = expected[10];
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Walk(), expected);
  std::string header;
  int visited = 0;
  ASSERT_OK(segments().Walk([&](const SegmentInfo& segment) {
    ++visited;
    header = segment.header;
    return segment.uid != tenth;
  }));
  EXPECT_EQ(header, "header 10");
  EXPECT_EQ(expected[visited - 1], tenth);
}

TEST_P(SegmentStoreTest, AVisitorMayUseTheStore) {
  const Uid uid = Store({"chunk"});
  ASSERT_OK(segments().Walk([&](const SegmentInfo& segment) {
    EXPECT_THAT(Read({segment.uid, 1, 0, 5}), IsOkAndHolds("chunk"));
    EXPECT_OK(segments().Remove({segment.uid}));
    return true;
  }));
  EXPECT_THAT(Read({uid, 1, 0, 5}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(SegmentStoreTest, ManyWritersDoNotMixTheirChunks) {
  constexpr int kThreads = 8, kSegments = 5, kChunks = 4;
  std::vector<std::vector<Uid>> uids(kThreads);
  for (auto& mine : uids) {
    for (int i = 0; i < kSegments; ++i) mine.push_back(NewUid());
  }
  const auto chunk_of = [](int thread, int segment, uint32_t chunk) {
    return absl::StrCat(std::string(20000, 'x'), thread, "/", segment, "/", chunk);
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int segment = 0; segment < kSegments; ++segment) {
        const auto writer = segments().NewWriter(uids[thread][segment], "h");
        ASSERT_OK(writer);
        for (uint32_t i = 1; i <= kChunks; ++i)
          ASSERT_OK((*writer)->Append(chunk_of(thread, segment, i)));
        ASSERT_OK((*writer)->Finish());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int segment = 0; segment < kSegments; ++segment) {
      for (uint32_t i = 1; i <= kChunks; ++i) {
        const std::string expected = chunk_of(thread, segment, i);
        EXPECT_THAT(Read({uids[thread][segment], i, 0, static_cast<uint32_t>(expected.size())}),
                    IsOkAndHolds(expected));
      }
    }
  }
}

TEST(LoadChunkTest, AnyFlippedBitIsFoundAndTheSumCanBeLeftToTheCaller) {
  std::string stored;
  StoreChunk("chunk", &stored);
  const Uid uid = SeededRandom(1).NextUid();
  EXPECT_THAT(LoadChunk(uid, 1, stored, true), IsOkAndHolds("chunk"));
  for (size_t bit = 0; bit < 8 * stored.size(); ++bit) {
    std::string damaged = stored;
    damaged[bit / 8] ^= 1 << (bit % 8);
    const auto found = LoadChunk(uid, 1, damaged, true);
    EXPECT_THAT(found, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(uid.ToHex())));
    EXPECT_THAT(found, HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
    EXPECT_OK(LoadChunk(uid, 1, damaged, false));
  }
  EXPECT_THAT(LoadChunk(uid, 1, "abc", false), StatusIs(absl::StatusCode::kDataLoss));
}

INSTANTIATE_TEST_SUITE_P(Engines, SegmentStoreTest, AllEngines(), EngineName);

}  // namespace
}  // namespace cairn::storage
