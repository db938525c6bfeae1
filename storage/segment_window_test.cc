#include "storage/segment_window.h"

#include <string>

#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SegmentWindowTest : public SharingTest {
 protected:
  // A uid of this number.
  static Uid Numbered(int number) {
    std::string bytes(Uid::kBytes, '\0');
    bytes[14] = static_cast<char>(number / 256);
    bytes[15] = static_cast<char>(number % 256);
    return *Uid::FromBytes(bytes);
  }

  void List(const Uid& manifest, const Uid& segment, const std::string& chunks = "\x02",
            int64_t bytes = 10) {
    v1::SegmentUse use;
    use.set_owner_directory_uid(std::string(Numbered(7).bytes()));
    use.set_chunks(chunks);
    use.set_stored_bytes(bytes);
    Batch batch{.partition = Partition::Manifest(manifest)};
    ASSERT_OK(table_.Write(batch.Put(EncodeSegmentKey(segment), use.SerializeAsString())));
  }

  const Uid a_ = *Uid::FromHex("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  const Uid b_ = *Uid::FromHex("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
};

TEST_F(SegmentWindowTest, ARangeHasBothItsEndsAndAVisitMayStop) {
  for (int i = 1; i <= 5; ++i) List(a_, Numbered(i));
  std::vector<Uid> seen;
  const auto visit = [&](const SegmentUseRow& use) {
    seen.push_back(use.segment);
    return use.segment != Numbered(3);
  };
  ASSERT_OK(VisitSegmentUses(&table_, a_, {Numbered(4), Numbered(5)}, visit));
  EXPECT_THAT(seen, ElementsAre(Numbered(4), Numbered(5)));
  seen.clear();
  ASSERT_OK(VisitSegmentUses(&table_, a_, {Numbered(2), Numbered(5)}, visit));
  EXPECT_THAT(seen, ElementsAre(Numbered(2), Numbered(3)));
}

TEST_F(SegmentWindowTest, AWindowUnitesWhatManifestsUse) {
  List(a_, Numbered(1), "\x02", 10);
  List(b_, Numbered(1), "\x06", 30);
  List(b_, Numbered(2), "\x02", 5);
  ASSERT_OK_AND_ASSIGN(const SegmentWindow window, ReadSegmentWindow(&table_, {a_, b_}, {}));
  ASSERT_EQ(window.size(), 2);
  EXPECT_EQ(window.at(Numbered(1)).owner, Numbered(7));
  EXPECT_THAT(window.at(Numbered(1)).used.chunks().Numbers(), ElementsAre(1, 2));
  EXPECT_EQ(window.at(Numbered(1)).used.bytes(), 25);
  EXPECT_EQ(RangeOf(window).first, Numbered(1));
  EXPECT_EQ(RangeOf(window).last, Numbered(2));
}

TEST_F(SegmentWindowTest, WindowsFollowEachOtherWithoutGaps) {
  constexpr int kSegments = 2 * kWindowSegments + 3;
  // One manifest begins where the other one ends, so that the second pushes the first's out.
  for (int i = 1; i <= kSegments; ++i) List(i % 3 == 0 || i > kSegments / 2 ? a_ : b_, Numbered(i));
  int next = 1;
  std::optional<Uid> after;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const SegmentWindow window, ReadSegmentWindow(&table_, {a_, b_}, after));
    if (window.empty()) break;
    EXPECT_LE(window.size(), kWindowSegments);
    for (const auto& [segment, listed] : window) EXPECT_EQ(segment, Numbered(next++));
    after = window.rbegin()->first;
  }
  EXPECT_EQ(next, kSegments + 1);
}

TEST_F(SegmentWindowTest, UsesAreThoseOfTheWindowAlone) {
  for (int i = 1; i <= 5; ++i) List(a_, Numbered(i));
  const SegmentWindow window = {{Numbered(2), {}}, {Numbered(4), {}}};
  std::vector<Uid> seen;
  const auto visit = [&](const SegmentUseRow& use) { seen.push_back(use.segment); };
  ASSERT_OK(VisitUsesOf(&table_, {a_, b_}, window, visit));
  EXPECT_THAT(seen, ElementsAre(Numbered(2), Numbered(4)));
  seen.clear();
  ASSERT_OK(VisitUsesOf(&table_, {a_}, {}, visit));
  EXPECT_THAT(seen, IsEmpty());
}

TEST_F(SegmentWindowTest, ADamagedRowIsDataLoss) {
  Batch batch{.partition = Partition::Manifest(a_)};
  ASSERT_OK(table_.Write(batch.Put(EncodeSegmentKey(Numbered(1)), "\xff\xff")));
  EXPECT_THAT(ReadSegmentWindow(&table_, {a_}, {}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("restore the store")));
}

}  // namespace
}  // namespace cairn::storage
