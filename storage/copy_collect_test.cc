// Copies and incremental saves as they are made, with the collector between any two operations.
#include <string>

#include "storage/copy_checkpoint.h"
#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

constexpr char kOther[] = "runs/b";
constexpr char kThird[] = "runs/c";

class CopyCollectTest : public SharingTest {
 protected:
  absl::StatusOr<CheckpointRecord> Copy(const std::string& to, absl::string_view path = kRuns) {
    CopyOptions options;
    options.target_directory = to;
    return copies_.Copy(path, "latest", options);
  }

  // All of the base and one tensor more.
  absl::StatusOr<CheckpointRecord> SaveOnTop(absl::string_view path,
                                             const std::vector<std::string>& keys) {
    SessionOptions options;
    options.base = "latest";
    CAIRN_ASSIGN_OR_RETURN(const SessionInfo info, sessions_.Create(path, options));
    const std::string& session = info.record.session();
    {
      CAIRN_ASSIGN_OR_RETURN(const auto stream,
                             sessions_.NewSliceWriter(path, session, "0", /*inline_parts=*/false));
      for (const std::string& key : keys) {
        SliceSpec slice;
        slice.key = key;
        slice.dtype = "uint8";
        slice.shape = {kTensorBytes};
        slice.box = WholeBox(slice.shape);
        BaseRange range;
        range.key = key;
        CAIRN_RETURN_IF_ERROR(stream->AppendFromBase(slice, 0, kTensorBytes, range, std::nullopt));
      }
      CAIRN_RETURN_IF_ERROR(stream->Finish());
    }
    CAIRN_RETURN_IF_ERROR(
        sessions_.Seal(path, session, "0", static_cast<int64_t>(keys.size())).status());
    return sessions_.Commit(path, session);
  }

  Copies copies_{options(), &catalog_, &sessions_};
};

TEST_F(CopyCollectTest, ChainOfIssueFive) {
  saves_.Save(kRuns, Keys(10));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord copy, Copy(kOther));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord next, SaveOnTop(kOther, Keys(10)));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(next));
  ASSERT_OK(catalog_.Delete(kRuns, true, std::nullopt, ""));
  Delete(kOther, copy);
  EXPECT_EQ(Collect(CollectScope::kEverything).freed_bytes, 0);
  Collect(CollectScope::kEverything);
  EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord third, Copy(kThird, kOther));
  ASSERT_OK(catalog_.Delete(kOther, true, std::nullopt, ""));
  Collect(CollectScope::kEverything), Collect(CollectScope::kEverything);
  EXPECT_THAT(saves_.Restore(third), IsOkAndHolds(expected));
  ASSERT_OK(catalog_.Delete(kThird, true, std::nullopt, ""));
  Collect(CollectScope::kEverything), Collect(CollectScope::kEverything);
  EXPECT_EQ(SegmentCount(), 0);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 0);
}

// The collector runs between any two operations of a copy and a save on top of it, while what they
// come from is deleted right before or after.
TEST_F(CopyCollectTest, TheCollectorAtAnyMoment) {
  for (const bool source_goes : {false, true}) {
    bool acted = true;
    int whole = 0;
    for (int moment = 1; acted; ++moment) {
      const CheckpointRecord source = saves_.Save(kRuns, Keys(3));
      ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(source));
      ASSERT_OK_AND_ASSIGN(const CheckpointRecord old_copy, Copy(kOther));
      Delete(kOther, old_copy);  // its borrow is about to be released
      acted = false;
      int operations = 0;
      faults_.SetHook([&](Operation) {
        if (acted || ++operations < moment) return;
        acted = true;
        faults_.SetHook(nullptr);
        if (source_goes) Delete(kRuns, source);
        Collect(CollectScope::kEverything);
      });
      absl::StatusOr<CheckpointRecord> copy = Copy(kOther);
      absl::StatusOr<CheckpointRecord> next = copy;
      if (copy.ok()) next = SaveOnTop(kOther, Keys(3));
      faults_.SetHook(nullptr);
      if (!source_goes) {
        EXPECT_OK(next);
        Delete(kRuns, source);
      }
      if (copy.ok()) Delete(kOther, *copy);
      Collect(CollectScope::kEverything);
      if (next.ok()) {
        ++whole;
        EXPECT_THAT(saves_.Restore(*next), IsOkAndHolds(expected)) << moment << source_goes;
      } else {
        EXPECT_TRUE(source_goes) << next.status();
      }
      for (const char* path : {kRuns, kOther})
        ASSERT_OK(catalog_.Delete(path, true, std::nullopt, ""));
      Collect(CollectScope::kEverything), Collect(CollectScope::kEverything);
      ASSERT_EQ(SegmentCount(), 0) << moment;
    }
    EXPECT_GT(whole, 3);
  }
}

}  // namespace
}  // namespace cairn::storage
