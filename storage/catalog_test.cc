#include "storage/catalog.h"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/directory_path.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CatalogTest : public StorageTest {
 protected:
  std::vector<std::string> AllPaths(int page_size) {
    std::vector<std::string> paths;
    std::string after;
    do {
      absl::StatusOr<ListPage<DirectoryInfo>> page = catalog_.List(after, page_size);
      EXPECT_OK(page);
      EXPECT_LE(page->items.size(), page_size);
      for (const DirectoryInfo& info : page->items) paths.push_back(info.head.path());
      after = page->next;
    } while (!after.empty());
    return paths;
  }
};

TEST_F(CatalogTest, WhatIsCreatedIsFound) {
  EXPECT_THAT(catalog_.Find(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  CreateDirectoryOptions options;
  options.annotations = {{"owner", "me"}};
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo made, catalog_.Create(kRuns, options));
  ASSERT_OK_AND_ASSIGN(const Directory found, catalog_.Find(kRuns));
  EXPECT_EQ(found.uid, made.uid);
  EXPECT_EQ(found.path(), kRuns);
  EXPECT_EQ(found.head.record.annotations().at("owner"), "me");
  EXPECT_EQ(found.head.record.last_preserved_time(), found.head.record.create_time() - 1000000);
}

TEST_F(CatalogTest, OnlyTheSameRequestCreatesAgain) {
  CreateDirectoryOptions options;
  options.request_id = "r1";
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo first, catalog_.Create(kRuns, options));
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo again, catalog_.Create(kRuns, options));
  EXPECT_EQ(first.uid, again.uid);
  EXPECT_THAT(catalog_.Create(kRuns, {}), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_EXISTS));
  options.request_id = "r2";
  EXPECT_THAT(catalog_.Create(kRuns, options),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_EXISTS));
}

TEST_F(CatalogTest, OfManyCreatorsOneWins) {
  std::vector<absl::StatusOr<DirectoryInfo>> results(8, absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = catalog_.Create(kRuns, {}); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(
      std::count_if(results.begin(), results.end(), [](const auto& result) { return result.ok(); }),
      1);
}

TEST_F(CatalogTest, ListsAreSortedAndPagedOverAllShards) {
  EXPECT_THAT(AllPaths(10), IsEmpty());
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(absl::StrCat("team", i, "/run"));
    ASSERT_OK(catalog_.Create(expected.back(), {}));
  }
  std::sort(expected.begin(), expected.end());
  for (const int page_size : {1, 7, 50, 99, 100, 1000}) EXPECT_EQ(AllPaths(page_size), expected);
  EXPECT_THAT(catalog_.List("not//a path", 10), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(CatalogTest, AnUpdateNeedsTheEtagItIsGiven) {
  ASSERT_OK(catalog_.Create(kRuns, {}));
  UpdateDirectoryOptions options;
  options.annotations.emplace();
  (*options.annotations)["a"] = "1";
  options.if_update_count = 0;
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo updated, catalog_.Update(kRuns, options));
  EXPECT_EQ(updated.head.update_count(), 1);
  EXPECT_THAT(catalog_.Update(kRuns, options), HasReason(ErrorReason::ERROR_REASON_ETAG_MISMATCH));
  EXPECT_THAT(catalog_.Delete(kRuns, false, 0, ""),
              HasReason(ErrorReason::ERROR_REASON_ETAG_MISMATCH));
  UpdateDirectoryOptions time_only;
  time_only.last_preserved_time = absl::FromUnixSeconds(5);
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo kept, catalog_.Update(kRuns, time_only));
  EXPECT_EQ(kept.head.annotations().at("a"), "1");
  EXPECT_EQ(kept.head.last_preserved_time(), 5000000);
}

TEST_F(CatalogTest, ADirectoryInUseIsDeletedByForceOnly) {
  ASSERT_OK(Save());
  EXPECT_THAT(catalog_.Delete(kRuns, false, std::nullopt, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("1 checkpoints")));
  ASSERT_OK(sessions_.Create("runs/b", {}));
  EXPECT_THAT(catalog_.Delete("runs/b", false, std::nullopt, ""),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_EMPTY));
  EXPECT_OK(catalog_.Delete(kRuns, true, std::nullopt, "r"));
  EXPECT_THAT(catalog_.Find(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  EXPECT_THAT(AllPaths(10), ElementsAre("runs/b"));
}

TEST_F(CatalogTest, ARepeatedDeletionGivesTheSameAnswerForADay) {
  ASSERT_OK(catalog_.Create(kRuns, {}));
  ASSERT_OK(catalog_.Delete(kRuns, false, std::nullopt, "r"));
  EXPECT_OK(catalog_.Delete(kRuns, false, std::nullopt, "r"));
  EXPECT_THAT(catalog_.Delete(kRuns, false, std::nullopt, "other"),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  EXPECT_OK(catalog_.ForgetTombstones());
  EXPECT_OK(catalog_.Delete(kRuns, false, std::nullopt, "r"));
  clock_.Advance(kEndedKept + absl::Seconds(1));
  EXPECT_OK(catalog_.ForgetTombstones());
  EXPECT_THAT(catalog_.Delete(kRuns, false, std::nullopt, "r"),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
}

TEST_F(CatalogTest, APathCanBeUsedAgain) {
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo first, catalog_.Create(kRuns, {}));
  ASSERT_OK(catalog_.Delete(kRuns, false, std::nullopt, ""));
  ASSERT_OK_AND_ASSIGN(const DirectoryInfo second, catalog_.Create(kRuns, {}));
  EXPECT_NE(first.uid, second.uid);
}

TEST_F(CatalogTest, NotesAreBounded) {
  CreateDirectoryOptions options;
  options.annotations = {{"a", std::string(kMaxAnnotationBytes - 1, 'x')}};
  EXPECT_OK(catalog_.Create(kRuns, options));
  options.annotations["b"] = "";
  EXPECT_THAT(catalog_.Create("runs/b", options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16385 bytes")));
  options.annotations.clear();
  for (int i = 0; i <= kMaxAnnotations; ++i) options.annotations[absl::StrCat(i)] = "";
  EXPECT_THAT(catalog_.Create("runs/b", options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("65")));
  EXPECT_THAT(ValidateNotes({{"", "x"}}, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateNotes({}, {{"a\n", 1}}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn::storage
