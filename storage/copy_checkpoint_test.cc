#include "storage/copy_checkpoint.h"

#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "storage/chunk_set.h"
#include "storage/restore.h"
#include "storage/segment_uses.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kOther[] = "runs/b";
constexpr char kThird[] = "runs/c";
constexpr char kIndex[] = "_INDEX";

class CopyTest : public StorageTest {
 protected:
  using Contents = std::map<std::string, std::string>;  // key to bytes; attachments "@key"

  // Two large tensors, of which one makes a segment's chunk of its own, and small ones.
  static Contents Model() {
    return {{"model/l1/kernel", std::string(60 << 10, 'k')},
            {"model/l1/bias", "bias"},
            {"model/l10/kernel", std::string(50 << 10, 't')},
            {"step", "12345678"},
            {"@config.json", "{}"}};
  }

  CheckpointRecord SaveContents(const Contents& contents, absl::string_view path = kRuns) {
    SessionOptions options;
    options.annotations = {{"a", "source"}, {"b", "source"}};
    options.metrics = {{"loss", 0.5}};
    options.save_time = absl::FromUnixSeconds(1000);
    const auto session = sessions_.Create(path, options);
    EXPECT_OK(session);
    const std::string& id = session->record.session();
    const auto stream = sessions_.NewSliceWriter(path, id, "rank-3", /*inline_parts=*/true);
    EXPECT_OK(stream);
    for (const auto& [name, bytes] : contents) {
      SliceSpec slice{.key = name, .dtype = "uint8", .shape = {}, .box = {}};
      const auto size = static_cast<int64_t>(bytes.size());
      if (name[0] == '@') {
        slice.kind = TensorKind::kAttachment;
        slice.key = name.substr(1);
        slice.dtype = "bytes";
      } else {
        slice.shape = {size};
        slice.box = {{0}, {size}};
      }
      const absl::string_view view = bytes;
      EXPECT_OK((*stream)->Append(slice, 0, {&view, 1}, Crc32c(bytes)));
    }
    EXPECT_OK((*stream)->Finish());
    EXPECT_OK(sessions_.Seal(path, id, "rank-3", static_cast<int64_t>(contents.size())));
    const auto checkpoint = sessions_.Commit(path, id);
    EXPECT_OK(checkpoint);
    return checkpoint.ok() ? *checkpoint : CheckpointRecord();
  }

  Contents Restored(const CheckpointRecord& checkpoint) {
    Contents restored;
    std::vector<Selector> all(2);
    all[0].kind = TensorKind::kAttachment;
    const absl::StatusOr<RestoreInfo> info = restores_.Open(checkpoint, all, /*streams=*/1);
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
          const bool attachment = part.kind == TensorKind::kAttachment;
          absl::StrAppend(&restored[absl::StrCat(attachment ? "@" : "", part.key)],
                          part.bytes.view());
        }
      }
    }
    return restored;
  }

  static Contents Without(Contents contents, const std::vector<std::string>& keys) {
    for (const std::string& key : keys) contents.erase(key);
    return contents;
  }

  absl::StatusOr<CheckpointRecord> Copy(const CopyOptions& options,
                                        absl::string_view reference = "",
                                        absl::string_view path = kRuns) {
    return copies_.Copy(path, reference, options);
  }

  static CopyOptions Into(const std::string& directory) {
    CopyOptions options;
    options.target_directory = directory;
    return options;
  }
  static CopyOptions Renaming(std::vector<KeyRename> renames) {
    CopyOptions options;
    options.renames = std::move(renames);
    return options;
  }

  // The borrow rows in a directory's partition, as who borrows.
  std::multiset<Uid> Borrowers(absl::string_view path) {
    std::multiset<Uid> borrowers;
    for (const std::string& key : RowKeys(catalog_.Find(path)->partition(), kBorrowPrefix)) {
      borrowers.insert(Uid::FromBytes(key.substr(key.size() - Uid::kBytes)).value());
    }
    return borrowers;
  }

  size_t CheckpointCount(absl::string_view path) {
    const auto page = checkpoints_.List(path, CheckpointOrder::kCommit, "", 1000);
    return page.ok() ? page->items.size() : 0;
  }

  Restores restores_{&table_, &segments_, &clock_, &random_};
  Copies copies_{options(), &catalog_, &sessions_};
};

TEST_F(CopyTest, ACopyHasTheSameBytesAndAddsNone) {
  const CheckpointRecord source = SaveContents(Model());
  const size_t segments = SegmentCount();
  CopyOptions options;
  options.annotations = {{"b", "copy"}, {"c", "copy"}};
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy, Copy(options));
  EXPECT_EQ(Restored(copy), Model());
  EXPECT_NE(copy.uid(), source.uid());
  EXPECT_EQ(copy.number(), 2);
  EXPECT_EQ(checkpoints_.Get(kRuns, "")->uid(), copy.uid());
  EXPECT_EQ(SegmentCount(), segments);
  EXPECT_LT(copy.stored_bytes(), 100);  // what stands in rows
  EXPECT_EQ(copy.logical_bytes(), source.logical_bytes());
  EXPECT_EQ(copy.slice_count(), source.slice_count());
  EXPECT_EQ(copy.annotations().at("a"), "source");
  EXPECT_EQ(copy.annotations().at("b"), "copy");
  EXPECT_EQ(copy.annotations().at("c"), "copy");
  EXPECT_EQ(copy.metrics().at("loss"), 0.5);
  EXPECT_EQ(copy.save_time(), source.save_time());
  EXPECT_THAT(Borrowers(kRuns), IsEmpty());
}

TEST_F(CopyTest, TheNumberIsTheOneGiven) {
  SaveContents(Model());
  CopyOptions options;
  options.number = 7;
  EXPECT_EQ(Copy(options)->number(), 7);
  EXPECT_THAT(Copy(options), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
  options.replace = true;
  EXPECT_EQ(Copy(options, "1")->number(), 7);
  EXPECT_EQ(CheckpointCount(kRuns), 2u);
}

// --- Names.

TEST_F(CopyTest, RenamesTakeTheExactOneThenTheLongestPrefix) {
  SaveContents(Model());
  ASSERT_OK_AND_ASSIGN(
      const CheckpointRecord copy,
      Copy(Renaming(
          {{"model", "net", true}, {"model/l1/", "first", true}, {"model/l1/bias", "b", false}})));
  const Contents old = Model();
  EXPECT_EQ(Restored(copy), (Contents{{"first/kernel", old.at("model/l1/kernel")},
                                      {"b", old.at("model/l1/bias")},
                                      {"net/l10/kernel", old.at("model/l10/kernel")},
                                      {"step", old.at("step")},
                                      {"@config.json", "{}"}}));
}

TEST_F(CopyTest, EverythingMovesBelowANameAndOutAgain) {
  const Contents old = {{"a", "1"}, {"b/c", "2"}};
  SaveContents(old);
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord below, Copy(Renaming({{"", "top", true}})));
  EXPECT_EQ(Restored(below), (Contents{{"top/a", "1"}, {"top/b/c", "2"}}));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord again, Copy(Renaming({{"top", "", true}})));
  EXPECT_EQ(Restored(again), old);
}

TEST_F(CopyTest, KeysMayChangePlaces) {
  SaveContents({{"a", "1"}, {"b", "2"}});
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy,
                       Copy(Renaming({{"a", "b", false}, {"b", "a", false}})));
  EXPECT_EQ(Restored(copy), (Contents{{"a", "2"}, {"b", "1"}}));
}

TEST_F(CopyTest, TwoKeysThatBecomeOneAreRefusedByName) {
  SaveContents(Model());
  const std::vector<std::vector<KeyRename>> colliding = {
      {{"model/l1/bias", "step", false}},
      {{"model/l1/bias", "x", false}, {"step", "x", false}},
      {{"model/l1", "m", true}, {"model/l10", "m", true}},
  };
  for (const std::vector<KeyRename>& renames : colliding) {
    EXPECT_THAT(Copy(Renaming(renames)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("make one key of two")));
  }
  EXPECT_THAT(Copy(Renaming(colliding[1])),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'model/l1/bias'"), HasSubstr("'step'"))));
  // Not where one of them is left out.
  CopyOptions options = Renaming(colliding[0]);
  options.exclude = {"step"};
  EXPECT_OK(Copy(options));
  EXPECT_THAT(sessions_.List(kRuns, "", 100)->items, SizeIs(2));  // the save's and that copy's
}

TEST_F(CopyTest, IncludesAndExcludesArePrefixesUpToASeparator) {
  SaveContents(Model());
  CopyOptions options;
  options.include = {"model/l1", "step"};
  EXPECT_EQ(Restored(*Copy(options, "1")), Without(Model(), {"@config.json", "model/l10/kernel"}));
  options.exclude = {"model/l1/bias"};
  EXPECT_EQ(Restored(*Copy(options, "1")),
            Without(Model(), {"@config.json", "model/l10/kernel", "model/l1/bias"}));
  options.include = {};
  EXPECT_EQ(Restored(*Copy(options, "1")), Without(Model(), {"model/l1/bias"}));
}

TEST_F(CopyTest, WhatMatchesNothingIsRefused) {
  SaveContents(Model());
  CopyOptions options;
  options.include = {"model", "absent"};
  EXPECT_THAT(Copy(options), HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_THAT(Copy(Renaming({{"absent", "x", true}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'absent'")));
  options = {};
  options.exclude = {"model", "step"};
  EXPECT_THAT(Copy(options), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no tensor")));
  EXPECT_EQ(CheckpointCount(kRuns), 1u);
}

TEST_F(CopyTest, BadRenamesAreRefused) {
  SaveContents(Model());
  for (const std::vector<KeyRename>& renames :
       std::vector<std::vector<KeyRename>>{{{"", "x", false}},
                                           {{"step", "", false}},
                                           {{"step", "a\nb", false}},
                                           {{"step", "", true}},  // would leave no name
                                           {{"step", std::string(5000, 'x'), false}},
                                           {{"model", std::string(4090, 'x'), true}},
                                           {{"step", "a", false}, {"step", "b", false}},
                                           {{"model", "a", true}, {"model/", "b", true}}}) {
    EXPECT_THAT(Copy(Renaming(renames)), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD))
        << renames[0].from << " to " << renames[0].to;
  }
}

TEST_F(CopyTest, AHundredThousandRenamesAreTakenAndNoMore) {
  Contents tiny;
  for (int i = 0; i < 500; ++i) tiny[absl::StrCat("t/", i)] = "x";
  SaveContents(tiny);
  std::vector<KeyRename> renames;
  for (int i = 0; i < 500; ++i) {
    renames.push_back({absl::StrCat("t/", i), absl::StrCat("u/", i), false});
  }
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy, Copy(Renaming(renames)));
  EXPECT_TRUE(Restored(copy).contains("u/499"));
  EXPECT_OK(ValidateRenameCount(kMaxRenames, kMaxRenameBytes));
  renames.resize(kMaxRenames + 1, {"x", "y", false});
  EXPECT_THAT(Copy(Renaming(renames)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("100000")));
  EXPECT_THAT(ValidateRenameCount(1, kMaxRenameBytes + 1),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(CopyTest, TheIndexIsWrittenAnewOnlyWhereKeysChange) {
  Contents contents = Model();
  contents[kIndex] = "old index";
  SaveContents(contents);
  int calls = 0;
  CopyOptions options;
  options.index_key = kIndex;
  options.rewrite_index = [&](const CheckpointRecord&,
                              KeyMapping mapping) -> absl::StatusOr<std::optional<std::string>> {
    ++calls;
    EXPECT_EQ(mapping("step").value(), "s");
    EXPECT_EQ(mapping("model/l1/kernel").value(), std::nullopt);  // left out
    EXPECT_EQ(mapping("absent").value(), std::nullopt);
    return "new index";
  };
  EXPECT_EQ(Restored(*Copy(options, "1")).at(kIndex), "old index");
  EXPECT_EQ(calls, 0);
  options.include = {"step"};
  options.renames = {{"step", "s", false}};
  EXPECT_EQ(Restored(*Copy(options, "1")), (Contents{{"s", "12345678"}, {kIndex, "new index"}}));
  EXPECT_EQ(calls, 1);
  options.exclude = {kIndex};
  EXPECT_EQ(Restored(*Copy(options, "1")), (Contents{{"s", "12345678"}}));
  options.exclude = {};
  options.rewrite_index = [](const CheckpointRecord&,
                             KeyMapping) -> absl::StatusOr<std::optional<std::string>> {
    return std::nullopt;
  };
  EXPECT_EQ(Restored(*Copy(options, "1")), (Contents{{"s", "12345678"}}));
}

// --- Other directories.

TEST_F(CopyTest, AnotherDirectoryBorrowsTheSegmentsOfTheirOwner) {
  SaveContents(Model());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy, Copy(Into(kOther)));
  EXPECT_EQ(copy.number(), 1);
  EXPECT_EQ(Restored(copy), Model());
  const Uid other = catalog_.Find(kOther)->uid;
  EXPECT_THAT(Borrowers(kRuns), ElementsAre(other));
  EXPECT_THAT(Borrowers(kOther), IsEmpty());
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  EXPECT_EQ(Restored(copy), Model());
}

TEST_F(CopyTest, ABorrowSaysWhichChunksAreNeeded) {
  SaveContents(Model());
  CopyOptions options = Into(kOther);
  options.include = {"model/l1"};
  ASSERT_OK(Copy(options));
  const Partition partition = catalog_.Find(kRuns)->partition();
  const std::vector<std::string> keys = RowKeys(partition, kBorrowPrefix);
  ASSERT_THAT(keys, SizeIs(1));
  const auto chunks = [&] {
    return ChunkSet(
        ReadRecord<v1::BorrowRecord>(&table_, partition, keys[0]).value()->record.chunks());
  };
  const ChunkSet some = chunks();
  EXPECT_FALSE(some.Has(0));
  ASSERT_OK(Copy(Into(kOther)));
  const ChunkSet more = chunks();
  EXPECT_GT(more.count(), some.count());
  EXPECT_EQ(some.CountIn(more), some.count());
}

TEST_F(CopyTest, ACopyOfACopyBorrowsFromTheFirstOwner) {
  SaveContents(Model());
  ASSERT_OK(Copy(Into(kOther)));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord third, Copy(Into(kThird), "", kOther));
  EXPECT_THAT(Borrowers(kRuns),
              UnorderedElementsAre(catalog_.Find(kOther)->uid, catalog_.Find(kThird)->uid));
  EXPECT_THAT(Borrowers(kOther), IsEmpty());
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  ASSERT_OK(checkpoints_.Delete(kOther, "1", ""));
  EXPECT_EQ(Restored(third), Model());
  // And back to where the bytes are.
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord back, Copy(Into(kRuns), "", kThird));
  EXPECT_EQ(Restored(back), Model());
  EXPECT_THAT(Borrowers(kRuns), SizeIs(2));
}

TEST_F(CopyTest, AnIncrementalSaveOnACopyInheritsTheBorrow) {
  SaveContents(Model());
  ASSERT_OK(Copy(Into(kOther)));
  SessionOptions options = Named("s");
  options.base = "latest";
  ASSERT_OK(sessions_.Create(kOther, options));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SliceWriter> stream,
                       sessions_.NewSliceWriter(kOther, "s", "0", false));
  const SliceSpec slice{
      .key = "w", .dtype = "uint8", .shape = {60 << 10}, .box = {{0}, {60 << 10}}};
  BaseRange range;
  range.key = "model/l1/kernel";
  ASSERT_OK(stream->AppendFromBase(slice, 0, 60 << 10, range, std::nullopt));
  ASSERT_OK(stream->Finish());
  ASSERT_OK(sessions_.Seal(kOther, "s", "0", 1));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, sessions_.Commit(kOther, "s"));
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  ASSERT_OK(checkpoints_.Delete(kOther, "1", ""));
  EXPECT_EQ(Restored(saved), (Contents{{"w", Model().at("model/l1/kernel")}}));
  EXPECT_THAT(Borrowers(kRuns), SizeIs(1));
}

TEST_F(CopyTest, ASourceThatGoesMeanwhileLeavesNothingVisible) {
  int refused = 0;
  for (int nth = 1;; ++nth) {
    SaveContents(Model());
    const int64_t number = checkpoints_.Get(kRuns, "")->number();
    const size_t before = CheckpointCount(kOther);
    int writes = 0;
    bool deleted = false;
    faults_.SetHook([&](Operation operation) {
      if (operation != Operation::kWrite || deleted || ++writes < nth) return;
      deleted = true;
      EXPECT_OK(checkpoints_.Delete(kRuns, absl::StrCat(number), ""));
    });
    const absl::StatusOr<CheckpointRecord> copy = Copy(Into(kOther));
    faults_.SetHook(nullptr);
    if (!deleted) break;
    if (copy.ok()) {
      EXPECT_EQ(Restored(*copy), Model());
    } else {
      EXPECT_THAT(copy, HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND)) << nth;
      EXPECT_EQ(CheckpointCount(kOther), before);
      ++refused;
    }
  }
  EXPECT_GT(refused, 2);
}

// --- Repeats and crashes.

TEST_F(CopyTest, ARepeatGivesTheSameCopyAndNoOther) {
  SaveContents(Model());
  CopyOptions options = Into(kOther);
  options.request_id = "r";
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord first, Copy(options, "latest"));
  SaveContents({{"w", "x"}});
  EXPECT_EQ(Copy(options, "latest")->uid(), first.uid());
  EXPECT_EQ(CheckpointCount(kOther), 1u);
  EXPECT_THAT(Copy(options, "1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("used for another request")));
  options.exclude = {"step"};
  EXPECT_THAT(Copy(options, "latest"), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(CopyTest, TheSameRequestTwiceAtOnceGivesOneCopy) {
  SaveContents(Model());
  CopyOptions options = Into(kOther);
  options.renames = {{"model", "net", true}};
  options.request_id = "r";
  std::vector<std::string> uids(6);
  std::vector<std::thread> threads;
  for (std::string& uid : uids) {
    threads.emplace_back([&] { uid = Copy(options)->uid(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(uids, ::testing::Each(checkpoints_.Get(kOther, "")->uid()));
  EXPECT_EQ(CheckpointCount(kOther), 1u);
}

// Whatever write fails, or loses its answer: nothing half is visible, and the same request
// finishes.
TEST_F(CopyTest, AfterAnyFaultTheRequestGoesOn) {
  SaveContents(Model());
  for (const char* target : {kRuns, kOther}) {
    for (const Fault fault : {Fault::kFail, Fault::kUnknownApplied, Fault::kUnknownDropped}) {
      int failed = 0;
      for (int nth = 1;; ++nth) {
        const size_t before = CheckpointCount(target);
        CopyOptions options = Renaming({{"model", "net", true}});
        options.target_directory = target;
        options.request_id = absl::StrCat(target, "-", static_cast<int>(fault), "-", nth);
        const int64_t writes = faults_.count(Operation::kWrite);
        faults_.FailNth(Operation::kWrite, nth, fault);
        const absl::StatusOr<CheckpointRecord> broken = Copy(options, "1");
        faults_.Clear();
        if (!broken.ok()) {
          ++failed;
          EXPECT_LE(CheckpointCount(target), before + 1);
        }
        ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy, Copy(options, "1"));
        EXPECT_EQ(CheckpointCount(target), before + 1);
        EXPECT_EQ(Restored(copy).at("net/l1/bias"), "bias");
        if (broken.ok() && faults_.count(Operation::kWrite) - writes < nth) break;
      }
      EXPECT_TRUE(fault != Fault::kFail || failed > 3) << target << " " << failed;
    }
  }
}

TEST_F(CopyTest, AFailedCopyWithoutARequestIdEndsItsSession) {
  SaveContents(Model());
  faults_.FailNth(Operation::kWrite, 2, Fault::kFail);
  EXPECT_FALSE(Copy({}).ok());
  faults_.Clear();
  ASSERT_OK_AND_ASSIGN(const ListPage<SessionInfo> sessions, sessions_.List(kRuns, "", 100));
  for (const SessionInfo& session : sessions.items) EXPECT_FALSE(IsOpen(session.record));
  EXPECT_EQ(CheckpointCount(kRuns), 1u);
}

TEST_F(CopyTest, AReferenceThatNamesNothingIsNotFound) {
  EXPECT_THAT(Copy({}), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  SaveContents(Model());
  EXPECT_THAT(Copy({}, "9"), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  EXPECT_THAT(Copy(Into("../x")), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

}  // namespace
}  // namespace cairn::storage
