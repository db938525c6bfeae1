#include "storage/engine/rocksdb/journal_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "base/uid.h"

namespace cairn::storage {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class JournalLineTest : public testing::Test {
 protected:
  JournalEntry Entry(int64_t sequence) const {
    Batch batch{.partition = Partition::Directory(directory_)};
    batch.Put("head", absl::StrCat(sequence));
    batch.witness = Witness{.sequence = sequence, .noun = absl::StrCat("runs/a b@", sequence)};
    return EntryOf(batch);
  }

  // Appends a line that is written alone.
  void Add(const JournalEntry& entry) {
    file_ += chain_.Next(static_cast<int64_t>(file_.size()), entry);
  }

  SeededRandom random_{1};
  const Uid directory_ = random_.NextUid();
  JournalChain chain_{random_.NextUid()};
  std::string file_ = chain_.first_line();
};

TEST_F(JournalLineTest, WhatWasWrittenIsParsed) {
  const std::vector<JournalEntry> entries = {Entry(1), Entry(2), Entry(2000000000000)};
  for (const JournalEntry& entry : entries) Add(entry);
  ASSERT_OK_AND_ASSIGN(const JournalContents contents, ParseJournal(file_));
  EXPECT_EQ(contents.entries, entries);
  EXPECT_EQ(contents.torn_bytes, 0);
}

TEST_F(JournalLineTest, TheHashOfABatchIsThatOfItsEdits) {
  Batch a{.partition = Partition::Directory(directory_)};
  a.witness = Witness{.sequence = 1, .noun = "x"};
  Batch b = a, c = a, d = a;
  a.Put("k", "v").Put("l", "w");
  b.Put("k", "v1 l=w");
  c.Put("k", "v").Put("l", "w");
  d.Put("k", "v").Erase("l");
  EXPECT_NE(EntryOf(a).batch_xxh3, EntryOf(b).batch_xxh3);
  EXPECT_EQ(EntryOf(a), EntryOf(c));
  EXPECT_NE(EntryOf(a).batch_xxh3, EntryOf(d).batch_xxh3);
}

TEST_F(JournalLineTest, ATornTailIsTolerated) {
  Add(Entry(1));
  const std::string whole = file_;
  Add(Entry(2));
  for (size_t size = whole.size(); size < file_.size(); ++size) {
    const auto contents = ParseJournal(file_.substr(0, size));
    ASSERT_OK(contents);
    EXPECT_THAT(contents->entries, SizeIs(1));
    EXPECT_EQ(contents->torn_bytes, static_cast<int64_t>(size - whole.size()));
  }
  // What a crash may leave of a file that had grown.
  EXPECT_EQ(ParseJournal(absl::StrCat(whole, std::string(5000, '\0')))->torn_bytes, 5000);
}

TEST_F(JournalLineTest, AHoleInLinesThatWereWrittenTogetherIsATornTail) {
  Add(Entry(1));
  const auto durable = static_cast<int64_t>(file_.size());
  std::string lost = chain_.Next(durable, Entry(2));
  lost.assign(lost.size(), '\0');
  absl::StrAppend(&file_, lost, chain_.Next(durable, Entry(3)));
  ASSERT_OK_AND_ASSIGN(const JournalContents contents, ParseJournal(file_));
  EXPECT_THAT(contents.entries, ElementsAre(Entry(1)));
}

TEST_F(JournalLineTest, AnyChangeBeforeTheLastLineBreaksTheChain) {
  Add(Entry(1));
  Add(Entry(2));
  const size_t last = file_.size();
  Add(Entry(3));
  for (size_t i = 0; i + 1 < last; ++i) {
    std::string damaged = file_;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_THAT(ParseJournal(damaged), StatusIs(absl::StatusCode::kDataLoss)) << i;
  }
}

TEST_F(JournalLineTest, NoLineCanGoOrComeOrChangePlaces) {
  std::vector<std::string> lines = {file_};
  for (int i = 1; i <= 4; ++i) {
    const size_t before = file_.size();
    Add(Entry(i));
    lines.push_back(file_.substr(before));
  }
  const auto parse = [](const std::vector<std::string>& some) {
    return ParseJournal(absl::StrJoin(some, "")).status();
  };
  EXPECT_OK(parse(lines));
  EXPECT_OK(parse({lines[0], lines[1], lines[2]}));  // as it was before the others came
  EXPECT_THAT(parse({lines[0], lines[2], lines[3], lines[4]}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(parse({lines[0], lines[1], lines[3], lines[4]}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(parse({lines[0], lines[1], lines[3], lines[2], lines[4]}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(parse({JournalChain(random_.NextUid()).first_line(), lines[1], lines[2]}),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(JournalLineTest, AFileThatIsNoJournalIsDamage) {
  for (const char* file : {"", "\n", "cairn-journal 1 ", "something else\n"}) {
    EXPECT_THAT(ParseJournal(file), StatusIs(absl::StatusCode::kDataLoss)) << file;
  }
}

}  // namespace
}  // namespace cairn::storage
