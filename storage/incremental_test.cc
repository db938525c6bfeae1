// Saves that take bytes of a base: what is stored of them, what they restore, what is refused.
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "storage/manifest.h"
#include "storage/restore.h"
#include "storage/save_session.h"
#include "storage/segment_uses.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMiB = 1 << 20;

class IncrementalTest : public StorageTest {
 protected:
  using Contents = std::map<std::string, std::string>;  // key to bytes

  static SliceSpec Spec(const std::string& key, int64_t bytes) {
    return {.key = key, .dtype = "uint8", .shape = {bytes}, .box = {{0}, {bytes}}};
  }

  // Bytes without a pattern that a shift or a swap would keep.
  static std::string SomeBytes(int64_t size, uint64_t seed) {
    SeededRandom random(seed);
    std::string bytes;
    while (static_cast<int64_t>(bytes.size()) < size) {
      bytes += std::string(random.NextUid().bytes());
    }
    return bytes.substr(0, size);
  }

  static absl::Status Send(SliceWriter* stream, const SliceSpec& slice, int64_t offset,
                           absl::string_view bytes) {
    return stream->Append(slice, offset, {&bytes, 1}, Crc32c(bytes));
  }

  static BaseRange From(const std::string& key, int64_t offset = 0) {
    return {.kind = TensorKind::kTensor, .key = key, .slice = {}, .offset = offset};
  }

  // Opens a session, on the base if one is named.
  std::unique_ptr<SliceWriter> Open(const std::string& session, const std::string& base,
                                    const std::string& writer = "0") {
    SessionOptions options = Named(session);
    options.base = base;
    EXPECT_OK(sessions_.Create(kRuns, options));
    auto stream = sessions_.NewSliceWriter(kRuns, session, writer, /*inline_parts=*/false);
    EXPECT_OK(stream);
    return stream.ok() ? *std::move(stream) : nullptr;
  }

  absl::StatusOr<CheckpointRecord> Commit(const std::string& session, int64_t slices) {
    CAIRN_RETURN_IF_ERROR(sessions_.Seal(kRuns, session, "0", slices).status());
    return sessions_.Commit(kRuns, session);
  }

  CheckpointRecord SaveWhole(const std::string& session, const Contents& contents) {
    const std::unique_ptr<SliceWriter> stream = Open(session, "");
    for (const auto& [key, bytes] : contents) {
      EXPECT_OK(Send(stream.get(), Spec(key, static_cast<int64_t>(bytes.size())), 0, bytes));
    }
    EXPECT_OK(stream->Finish());
    const auto checkpoint = Commit(session, static_cast<int64_t>(contents.size()));
    EXPECT_OK(checkpoint);
    return checkpoint.ok() ? *checkpoint : CheckpointRecord();
  }

  // Saves all of `keys` from the base of the same names.
  CheckpointRecord SaveAgain(const std::string& session, const std::string& base,
                             const Contents& contents) {
    const std::unique_ptr<SliceWriter> stream = Open(session, base);
    for (const auto& [key, bytes] : contents) {
      const auto size = static_cast<int64_t>(bytes.size());
      EXPECT_OK(stream->AppendFromBase(Spec(key, size), 0, size, From(key), Crc32c(bytes)));
    }
    EXPECT_OK(stream->Finish());
    EXPECT_EQ(stream->progress().durable_parts, static_cast<int64_t>(contents.size()));
    const auto checkpoint = Commit(session, static_cast<int64_t>(contents.size()));
    EXPECT_OK(checkpoint);
    return checkpoint.ok() ? *checkpoint : CheckpointRecord();
  }

  Contents Restored(const CheckpointRecord& checkpoint) {
    Contents restored;
    const absl::StatusOr<RestoreInfo> info = restores_.Open(checkpoint, {}, /*streams=*/2);
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
          EXPECT_EQ(part.crc32c, Crc32c(part.bytes.view())) << part.key;
          absl::StrAppend(&restored[part.key], part.bytes.view());
        }
      }
    }
    return restored;
  }

  static Uid UidOf(const CheckpointRecord& checkpoint) {
    return Uid::FromBytes(checkpoint.uid()).value();
  }

  std::map<Uid, v1::SegmentUse> Uses(const CheckpointRecord& checkpoint) {
    std::map<Uid, v1::SegmentUse> uses;
    EXPECT_OK(ForEachRow(&table_, UidOf(checkpoint), RowsOfSegments(), [&](const Row& row) {
      EXPECT_TRUE(uses[DecodeSegmentKey(row.key).value()].ParseFromString(row.value));
      return absl::OkStatus();
    }));
    return uses;
  }

  int SliceRowCount(const CheckpointRecord& checkpoint) {
    int count = 0;
    EXPECT_OK(ForEachRow(&table_, UidOf(checkpoint), RowsOfKind(TensorKind::kTensor),
                         [&](const Row&) { return ++count, absl::OkStatus(); }));
    return count;
  }

  // What an attempt to take `length` bytes of the base answers.
  absl::Status Take(const BaseRange& base, int64_t length, int64_t slice_bytes,
                    const std::string& reference = "latest") {
    const std::string session = absl::StrCat("take", ++takes_);
    const std::unique_ptr<SliceWriter> stream = Open(session, reference);
    const absl::Status status =
        stream->AppendFromBase(Spec("new", slice_bytes), 0, length, base, std::nullopt);
    EXPECT_OK(sessions_.Abort(kRuns, session, ""));
    return status;
  }

  Restores restores_{&table_, &segments_, &clock_, &random_};
  int takes_ = 0;
};

TEST_F(IncrementalTest, AnUnchangedSaveAddsNothingAndRestoresTheSame) {
  const Contents contents = {
      {"large", SomeBytes(3 * kMiB + 5, 1)}, {"other", SomeBytes(kMiB, 2)}, {"small", "abc"}};
  const CheckpointRecord base = SaveWhole("base", contents);
  const size_t segments = SegmentCount();
  const CheckpointRecord again = SaveAgain("again", "latest", contents);
  EXPECT_EQ(SegmentCount(), segments);
  EXPECT_EQ(again.stored_bytes(), 0);
  EXPECT_GT(base.stored_bytes(), 4 * kMiB);
  EXPECT_EQ(again.logical_bytes(), base.logical_bytes());
  EXPECT_EQ(Restored(again), contents);
  const std::map<Uid, v1::SegmentUse> uses = Uses(again);
  ASSERT_EQ(uses.size(), Uses(base).size());
  for (const auto& [segment, use] : Uses(base)) {
    ASSERT_TRUE(uses.contains(segment));
    EXPECT_EQ(uses.at(segment).chunks(), use.chunks());
    EXPECT_EQ(uses.at(segment).owner_directory_uid(), use.owner_directory_uid());
    EXPECT_TRUE(uses.at(segment).reused());
    EXPECT_FALSE(use.reused());
    EXPECT_GE(uses.at(segment).stored_bytes(), 4 * kMiB);
  }
}

TEST_F(IncrementalTest, ABaseMayItselfPointIntoOlderSegments) {
  const Contents first = {{"a", SomeBytes(2 * kMiB, 1)}, {"b", SomeBytes(2 * kMiB, 2)}};
  const CheckpointRecord one = SaveWhole("one", first);
  Contents second = first;
  second["b"] = SomeBytes(2 * kMiB, 3);
  std::unique_ptr<SliceWriter> stream = Open("two", "latest");
  ASSERT_OK(stream->AppendFromBase(Spec("a", 2 * kMiB), 0, 2 * kMiB, From("a"), std::nullopt));
  ASSERT_OK(Send(stream.get(), Spec("b", 2 * kMiB), 0, second["b"]));
  ASSERT_OK(stream->Finish());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord two, Commit("two", 2));
  EXPECT_GT(two.stored_bytes(), 2 * kMiB);
  EXPECT_LT(two.stored_bytes(), 3 * kMiB);
  const CheckpointRecord three = SaveAgain("three", "latest", second);
  EXPECT_EQ(three.stored_bytes(), 0);
  EXPECT_EQ(Restored(three), second);
  EXPECT_THAT(Uses(three), SizeIs(2));
  // Of the first checkpoint's segment only what is still used.
  const Uid old = Uses(one).begin()->first;
  EXPECT_NE(Uses(three).at(old).chunks(), Uses(one).at(old).chunks());
}

TEST_F(IncrementalTest, APartIsSentAndTakenInTurns) {
  const std::string old = SomeBytes(5 * kMiB + 7, 1);
  SaveWhole("base", {{"w", old}});
  std::string bytes = old;
  bytes.replace(kMiB, kMiB, SomeBytes(kMiB, 2));
  bytes.replace(4 * kMiB, 10, SomeBytes(10, 3));
  const SliceSpec spec = Spec("w", 5 * kMiB + 7);
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  ASSERT_OK(stream->AppendFromBase(spec, 0, kMiB, From("w"), std::nullopt));
  ASSERT_OK(Send(stream.get(), spec, kMiB, absl::string_view(bytes).substr(kMiB, kMiB)));
  ASSERT_OK(stream->AppendFromBase(spec, 2 * kMiB, 2 * kMiB, From("w", 2 * kMiB), std::nullopt));
  ASSERT_OK(Send(stream.get(), spec, 4 * kMiB, absl::string_view(bytes).substr(4 * kMiB, kMiB)));
  ASSERT_OK(stream->AppendFromBase(spec, 5 * kMiB, 7, From("w", 5 * kMiB), std::nullopt));
  ASSERT_OK(stream->Finish());
  EXPECT_EQ(stream->progress().durable_parts, 1);
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit("next", 1));
  EXPECT_EQ(Restored(saved), (Contents{{"w", bytes}}));
  EXPECT_LT(saved.stored_bytes(), 5 * kMiB / 2);
}

TEST_F(IncrementalTest, BytesAreFoundUnderAnyKeyDtypeAndShape) {
  const std::string bytes = SomeBytes(2 * kMiB, 1);
  SaveWhole("base", {{"w", bytes}});
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  const SliceSpec half{
      .key = "halves", .dtype = "float32", .shape = {2, kMiB / 4}, .box = {{1, 0}, {1, kMiB / 4}}};
  SliceSpec other = half;
  other.box.start[0] = 0;
  BaseRange range = From("w", kMiB);
  ASSERT_OK(stream->AppendFromBase(other, 0, kMiB, range, std::nullopt));
  range.slice = {{0, 2 * kMiB}};
  range.offset = 0;
  ASSERT_OK(stream->AppendFromBase(half, 0, kMiB, range, std::nullopt));
  ASSERT_OK(stream->Finish());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit("next", 2));
  EXPECT_EQ(Restored(saved), (Contents{{"halves", bytes.substr(kMiB) + bytes.substr(0, kMiB)}}));
}

// Pieces of a base may be cut anywhere, and a record holds only so many.
TEST_F(IncrementalTest, ARowIsCutWhereItsRecordWouldGrowTooLarge) {
  constexpr int64_t kPiece = 4 << 10;
  constexpr int kPieces = 2000;
  Contents tiny;
  std::string bytes;
  for (int i = 0; i < kPieces; ++i) {
    tiny[absl::StrCat("t", i)] = SomeBytes(kPiece, i);
    bytes += tiny[absl::StrCat("t", i)];
  }
  SaveWhole("base", tiny);
  const SliceSpec spec = Spec("joined", kPiece * kPieces);
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  for (int i = 0; i < kPieces; ++i) {
    ASSERT_OK(
        stream->AppendFromBase(spec, i * kPiece, kPiece, From(absl::StrCat("t", i)), std::nullopt));
  }
  ASSERT_OK(stream->Finish());
  EXPECT_EQ(stream->progress().durable_parts, 1);
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit("next", 1));
  EXPECT_GT(SliceRowCount(saved), 1);
  EXPECT_EQ(saved.slice_count(), 1);
  EXPECT_EQ(Restored(saved), (Contents{{"joined", bytes}}));
  // And such a checkpoint is a base as any other.
  EXPECT_EQ(Restored(SaveAgain("third", "latest", {{"joined", bytes}})),
            (Contents{{"joined", bytes}}));
}

TEST_F(IncrementalTest, MorePiecesThanARowHoldsInOneMebibyteAreRefused) {
  Contents tiny;
  for (int i = 0; i < 1500; ++i) tiny[absl::StrCat("t", i)] = "0123456789";
  SaveWhole("base", tiny);
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  absl::Status status;
  for (int i = 0; status.ok() && i < 1500; ++i) {
    status = stream->AppendFromBase(Spec("joined", 15000), i * 10, 10, From(absl::StrCat("t", i)),
                                    std::nullopt);
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("send these bytes")));
}

TEST_F(IncrementalTest, ADeletedBaseKeepsServingTheSessionsThatHaveIt) {
  const Contents contents = {{"w", SomeBytes(2 * kMiB, 1)}};
  const CheckpointRecord base = SaveWhole("base", contents);
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  EXPECT_EQ(sessions_.Get(kRuns, "next")->record.base_uid(), base.uid());
  ASSERT_OK(stream->AppendFromBase(Spec("w", 2 * kMiB), 0, 2 * kMiB, From("w"), std::nullopt));
  ASSERT_OK(stream->Finish());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit("next", 1));
  EXPECT_EQ(Restored(saved), contents);
}

TEST_F(IncrementalTest, StreamsOfOneSessionMergeWhatTheyUse) {
  constexpr int kStreams = 8;
  Contents contents;
  for (int i = 0; i < 64; ++i) contents[absl::StrCat("w", i)] = SomeBytes(40 << 10, i);
  const CheckpointRecord base = SaveWhole("base", contents);
  std::vector<std::unique_ptr<SliceWriter>> streams;
  for (int i = 0; i < kStreams; ++i) streams.push_back(Open("next", "latest"));
  std::vector<absl::Status> results(kStreams);
  std::vector<std::thread> threads;
  for (int s = 0; s < kStreams; ++s) {
    threads.emplace_back([&, s] {
      for (int i = s; i < 64 && results[s].ok(); i += kStreams) {
        const std::string key = absl::StrCat("w", i);
        results[s] =
            streams[s]->AppendFromBase(Spec(key, 40 << 10), 0, 40 << 10, From(key), std::nullopt);
      }
      if (results[s].ok()) results[s] = streams[s]->Finish();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) EXPECT_OK(result);
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit("next", 64));
  EXPECT_EQ(Restored(saved), contents);
  for (const auto& [segment, use] : Uses(base)) {
    EXPECT_EQ(Uses(saved).at(segment).chunks(), use.chunks());
  }
}

TEST_F(IncrementalTest, ALostAnswerOfTheUsesIsMetByLookingAgain) {
  const Contents contents = {{"w", SomeBytes(2 * kMiB, 1)}};
  SaveWhole("base", contents);
  for (const Fault fault : {Fault::kUnknownApplied, Fault::kUnknownDropped}) {
    const std::string session = absl::StrCat("s", static_cast<int>(fault));
    const std::unique_ptr<SliceWriter> stream = Open(session, "1");
    ASSERT_OK(stream->AppendFromBase(Spec("w", 2 * kMiB), 0, 2 * kMiB, From("w"), std::nullopt));
    faults_.FailNth(Operation::kWrite, 1, fault);  // the lease was restarted by the first call
    ASSERT_OK(stream->Finish());
    faults_.Clear();
    ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Commit(session, 1));
    EXPECT_EQ(Uses(saved).begin()->second.chunks(), std::string(1, 0x06));
  }
}

// Whatever write fails, or loses its answer: the save goes on in the same session, and is whole.
TEST_F(IncrementalTest, AfterAnyFaultTheSaveGoesOn) {
  const std::string old = SomeBytes(3 * kMiB, 1);
  SaveWhole("base", {{"w", old}});
  const std::string bytes = old.substr(0, 2 * kMiB) + SomeBytes(kMiB, 2);
  const auto save = [&](const std::string& session) -> absl::Status {
    SessionOptions options = Named(session);
    options.base = "1";
    options.commit_when_sealed = true;
    CAIRN_RETURN_IF_ERROR(sessions_.Create(kRuns, options).status());
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                           sessions_.NewSliceWriter(kRuns, session, "0", false));
    const SliceSpec spec = Spec("w", 3 * kMiB);
    CAIRN_RETURN_IF_ERROR(stream->AppendFromBase(spec, 0, 2 * kMiB, From("w"), std::nullopt));
    CAIRN_RETURN_IF_ERROR(
        Send(stream.get(), spec, 2 * kMiB, absl::string_view(bytes).substr(2 * kMiB)));
    CAIRN_RETURN_IF_ERROR(stream->Finish());
    return sessions_.Seal(kRuns, session, "0", 1).status();
  };
  for (const Fault fault : {Fault::kFail, Fault::kUnknownApplied, Fault::kUnknownDropped}) {
    int failed = 0;
    for (int nth = 1;; ++nth) {
      const std::string session = absl::StrCat("s", static_cast<int>(fault), "-", nth);
      const int64_t before = faults_.count(Operation::kWrite);
      faults_.FailNth(Operation::kWrite, nth, fault);
      const absl::Status broken = save(session);
      const bool injected = faults_.count(Operation::kWrite) - before >= nth;
      faults_.Clear();
      failed += !broken.ok();
      const auto found = sessions_.Get(kRuns, session);
      const bool goes_on = !found.ok() || IsOpen(found->record);
      if (goes_on) {
        ASSERT_OK(save(session));
      }
      EXPECT_EQ(Restored(sessions_.Get(kRuns, session)->record.checkpoint()),
                (Contents{{"w", bytes}}));
      if (!injected) break;
    }
    EXPECT_TRUE(fault != Fault::kFail || failed > 3) << failed;
  }
}

// --- What is refused.

TEST_F(IncrementalTest, OnlyWholePiecesAreTaken) {
  SaveWhole("base", {{"w", SomeBytes(3 * kMiB, 1)}});
  EXPECT_OK(Take(From("w", kMiB), 2 * kMiB, 2 * kMiB));
  EXPECT_THAT(Take(From("w", 5), kMiB, kMiB),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("at byte 5"), HasSubstr("from byte 0 to 1048576"))));
  EXPECT_THAT(
      Take(From("w", kMiB), kMiB + 1, 3 * kMiB),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from byte 2097152 to 3145728")));
  for (const auto& [offset, length] : std::vector<std::pair<int64_t, int64_t>>{
           {2 * kMiB, 2 * kMiB}, {3 * kMiB, 1}, {-1, 1}, {0, 0}, {0, -1}, {INT64_MAX, INT64_MAX}}) {
    EXPECT_THAT(Take(From("w", offset), length, 4 * kMiB),
                HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD))
        << offset << " " << length;
  }
}

TEST_F(IncrementalTest, AKeyOrABoxThatTheBaseLacksIsRefused) {
  SaveWhole("base", {{"w", SomeBytes(kMiB, 1)}});
  EXPECT_THAT(Take(From("v"), 1, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the base has no such key")));
  EXPECT_THAT(Take(From(""), 1, 1), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  BaseRange range = From("w");
  range.slice = {{0, 5}};
  EXPECT_THAT(Take(range, 5, 5),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no byte 0 of slice [0:5]")));
  range.slice = {{0, std::nullopt}, {0, 1}};
  EXPECT_THAT(Take(range, 5, 5), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  range.slice = {};
  range.kind = TensorKind::kAttachment;
  EXPECT_THAT(Take(range, 5, 5), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(IncrementalTest, APieceThatPassesTheSliceIsRefused) {
  SaveWhole("base", {{"w", SomeBytes(kMiB, 1)}});
  EXPECT_THAT(Take(From("w"), kMiB, kMiB - 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("past the end")));
}

TEST_F(IncrementalTest, APieceThatCutsAnElementIsRefused) {
  SaveWhole("base", {{"odd", "0123456"}, {"even", "01234567"}});
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  const SliceSpec spec{.key = "w", .dtype = "float32", .shape = {4}, .box = {{0}, {4}}};
  ASSERT_OK(stream->AppendFromBase(spec, 0, 8, From("even"), std::nullopt));
  EXPECT_THAT(stream->AppendFromBase(spec, 8, 7, From("odd"), std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cuts an element")));
  const std::unique_ptr<SliceWriter> other = Open("next", "latest");
  ASSERT_OK(Send(other.get(), spec, 0, "abc"));
  EXPECT_THAT(other->AppendFromBase(spec, 3, 8, From("even"), std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cuts an element")));
}

TEST_F(IncrementalTest, AnotherSumThanTheBasesIsRefused) {
  SaveWhole("base", {{"w", SomeBytes(2 * kMiB, 1)}});
  const std::unique_ptr<SliceWriter> stream = Open("next", "latest");
  EXPECT_THAT(stream->AppendFromBase(Spec("w", 2 * kMiB), 0, 2 * kMiB, From("w"), 1),
              HasReason(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH));
}

TEST_F(IncrementalTest, WithoutABaseNothingIsTaken) {
  SaveWhole("base", {{"w", SomeBytes(kMiB, 1)}});
  EXPECT_THAT(Take(From("w"), kMiB, kMiB, ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has none")));
}

TEST_F(IncrementalTest, ABaseIsALiveCheckpointOfItsDirectory) {
  const CheckpointRecord elsewhere = *Save({}, "runs/other");
  SessionOptions options;
  options.base = "latest";
  EXPECT_THAT(sessions_.Create(kRuns, options),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  SaveWhole("base", {{"w", "x"}});
  for (const std::string& base :
       {std::string("7"), std::string("no-tag"), absl::StrCat("uid:", UidOf(elsewhere).ToHex())}) {
    options.base = base;
    EXPECT_THAT(sessions_.Create(kRuns, options),
                HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND))
        << base;
  }
  options.base = "a/b";
  EXPECT_THAT(sessions_.Create(kRuns, options), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(IncrementalTest, JoiningComparesTheBase) {
  const CheckpointRecord one = SaveWhole("one", {{"w", "1"}});
  const auto join = [&](const std::string& base) {
    SessionOptions options = Named("s");
    options.base = base;
    return sessions_.Create(kRuns, options).status();
  };
  ASSERT_OK(join("latest"));
  SaveWhole("two", {{"w", "2"}});
  EXPECT_OK(join("latest"));
  EXPECT_OK(join("1"));
  EXPECT_OK(join(absl::StrCat("uid:", UidOf(one).ToHex())));
  for (const char* other : {"", "2", "7"}) {
    const absl::Status status = join(other);
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_EXISTS)) << other;
    EXPECT_EQ(DetailOf(status).metadata().at("field"), "base");
  }
  SessionOptions options = Named("without");
  ASSERT_OK(sessions_.Create(kRuns, options));
  options.base = "latest";
  EXPECT_THAT(sessions_.Create(kRuns, options),
              HasReason(ErrorReason::ERROR_REASON_SESSION_EXISTS));
  // By the name that it was opened with, even when that means nothing any more.
  options = Named("by-number");
  options.base = "1";
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  EXPECT_OK(sessions_.Create(kRuns, options));
}

}  // namespace
}  // namespace cairn::storage
