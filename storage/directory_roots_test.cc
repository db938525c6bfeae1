#include "storage/directory_roots.h"

#include <string>

#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DirectoryRootsTest : public SharingTest {
 protected:
  DirectoryRoots Read() {
    absl::StatusOr<DirectoryRoots> roots = ReadDirectoryRoots(
        &table_, directory_, [this](const Uid& manifest) { return restores_.Holds(manifest); });
    EXPECT_OK(roots);
    return roots.value_or(DirectoryRoots());
  }

  const CheckpointRecord first_ = saves_.Save(kRuns, Keys(1));
  const CheckpointRecord second_ = saves_.Save(kRuns, Keys(1));
  const Uid directory_ = saves_.DirectoryOf(kRuns);
};

TEST_F(DirectoryRootsTest, CheckpointsAndOpenSessionsAreLiveGarbageIsDead) {
  EXPECT_EQ(Read().oldest_session, absl::InfiniteFuture());
  const absl::Time opened = clock_.Now();
  const Uid open = saves_.Open(kRuns, "open");
  clock_.Advance(absl::Seconds(1));
  const Uid younger = saves_.Open(kRuns, "younger");
  const Uid aborted = saves_.Open(kRuns, "aborted");
  ASSERT_OK(sessions_.Abort(kRuns, "aborted", ""));
  Delete(kRuns, first_);
  const DirectoryRoots roots = Read();
  EXPECT_THAT(roots.live, UnorderedElementsAre(UidOf(second_), open, younger));
  EXPECT_THAT(roots.dead, UnorderedElementsAre(UidOf(first_), aborted));
  EXPECT_EQ(roots.oldest_session, opened);
}

TEST_F(DirectoryRootsTest, ABaseAndWhatARestoreHoldsAreLive) {
  const Uid open = saves_.Open(kRuns, "open", UidOf(first_));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, restores_.Open(second_, {}, 1));
  Delete(kRuns, first_);
  Delete(kRuns, second_);
  EXPECT_THAT(Read().live, UnorderedElementsAre(UidOf(first_), UidOf(second_), open));
  EXPECT_THAT(Read().dead, IsEmpty());
  ASSERT_OK(restores_.Close(restore.restore));
  EXPECT_THAT(Read().dead, ElementsAre(UidOf(second_)));
}

TEST_F(DirectoryRootsTest, WhatBecomesGarbageMeanwhileIsLive) {
  // Between the first row that is read and the last: the garbage rows are read first and last.
  int scans = 0;
  faults_.SetHook([&](Operation operation) {
    if (operation == Operation::kScan && ++scans == 2) Delete(kRuns, first_);
  });
  const DirectoryRoots roots = Read();
  faults_.SetHook(nullptr);
  EXPECT_THAT(roots.live, UnorderedElementsAre(UidOf(first_), UidOf(second_)));
  EXPECT_THAT(roots.dead, IsEmpty());
}

TEST_F(DirectoryRootsTest, ADeletedDirectoryKeepsWhatARestoreHolds) {
  saves_.Open(kRuns, "open", UidOf(first_));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, restores_.Open(second_, {}, 1));
  ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
  EXPECT_THAT(Read().live, ElementsAre(UidOf(second_)));
  EXPECT_EQ(Read().oldest_session, absl::InfiniteFuture());
}

TEST_F(DirectoryRootsTest, WhatIsNotThereHasNone) {
  ASSERT_OK_AND_ASSIGN(
      const DirectoryRoots roots,
      ReadDirectoryRoots(&table_, random_.NextUid(), [](const Uid&) { return true; }));
  EXPECT_THAT(roots.live, IsEmpty());
  EXPECT_THAT(roots.dead, IsEmpty());
}

}  // namespace
}  // namespace cairn::storage
