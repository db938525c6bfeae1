#include "storage/slice_list.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/slice_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SliceListTest : public SliceFixture {
 protected:
  void SaveAs(const std::string& writer, const SliceSpec& slice, absl::string_view bytes) {
    std::unique_ptr<SliceWriter> stream = NewWriter(writer);
    ASSERT_OK(Send(stream.get(), slice, bytes));
    ASSERT_OK(stream->Finish());
  }

  static SliceSpec Attachment(const std::string& key) {
    SliceSpec slice;
    slice.kind = TensorKind::kAttachment;
    slice.key = key;
    slice.dtype = "bytes";
    return slice;
  }

  // Every part, in pages of `page_size`.
  std::vector<StoredPart> List(const SliceFilter& filter, int page_size = 1000) {
    std::vector<StoredPart> parts;
    std::string after;
    do {
      absl::StatusOr<ListPage<StoredPart>> page =
          ListSlices(&table_, manifest_, "/", filter, after, page_size);
      EXPECT_OK(page);
      if (!page.ok()) break;
      EXPECT_LE(page->items.size(), static_cast<size_t>(page_size));
      for (StoredPart& part : page->items) parts.push_back(std::move(part));
      after = page->next;
    } while (!after.empty());
    return parts;
  }

  std::vector<std::string> Keys(const SliceFilter& filter, int page_size = 1000) {
    std::vector<std::string> keys;
    for (const StoredPart& part : List(filter, page_size)) keys.push_back(part.key);
    return keys;
  }
};

TEST_F(SliceListTest, AttachmentsThenTensorsByKeyAndBoxInPagesOfAnySize) {
  SaveAs("0", Whole("b", "uint8", {4}), "bbbb");
  SliceSpec row = Whole("a", "uint8", {2, 2});
  row.box = {{1, 0}, {1, 2}};
  SaveAs("0", row, "22");
  row.box = {{0, 0}, {1, 2}};
  SaveAs("1", row, "11");
  SaveAs("0", Attachment("z.json"), "{}");
  for (const int page_size : {1, 2, 3, 1000}) {
    EXPECT_THAT(Keys({}, page_size), ElementsAre("z.json", "a", "a", "b"));
  }
  const std::vector<StoredPart> parts = List({});
  EXPECT_EQ(parts[0].kind, TensorKind::kAttachment);
  EXPECT_EQ(parts[1].box, (Box{{0, 0}, {1, 2}}));
  EXPECT_EQ(parts[1].record.writer(), "1");
  EXPECT_THAT(parts[1].record.shape(), ElementsAre(2, 2));
  EXPECT_EQ(parts[3].record.end(), 4);
}

TEST_F(SliceListTest, AFilterTakesAKindAPrefixAndAWriter) {
  for (const char* key : {"m", "m/x", "m2", "n"}) SaveAs("0", Whole(key, "uint8", {1}), "0");
  SaveAs("0", Attachment("m"), "0");
  SaveAs("1", Whole("m/y", "uint8", {1}), "1");
  EXPECT_THAT(Keys({.kind = TensorKind::kTensor, .key_prefix = "m", .writer = ""}),
              ElementsAre("m", "m/x", "m/y"));
  EXPECT_THAT(Keys({.kind = TensorKind::kAttachment, .key_prefix = "", .writer = ""}),
              ElementsAre("m"));
  EXPECT_THAT(Keys({.kind = {}, .key_prefix = "m", .writer = ""}),
              ElementsAre("m", "m", "m/x", "m/y"));
  EXPECT_THAT(Keys({.kind = {}, .key_prefix = "m", .writer = "1"}), ElementsAre("m/y"));
  EXPECT_THAT(Keys({.kind = {}, .key_prefix = "absent", .writer = ""}), IsEmpty());
  EXPECT_THAT(Keys({.kind = {}, .key_prefix = "", .writer = "2"}), IsEmpty());
}

TEST_F(SliceListTest, AWritersPartsAreAlsoThoseThatAnotherSavedFirst) {
  for (const char* key : {"a", "b", "c", "d"}) SaveAs("0", Whole(key, "uint8", {1}), "0");
  SaveAs("1", Whole("b", "uint8", {1}), "0");
  SaveAs("1", Whole("bb", "uint8", {1}), "0");
  SaveAs("1", Whole("d", "uint8", {1}), "0");
  for (const int page_size : {1, 2, 1000}) {
    EXPECT_THAT(Keys({.kind = {}, .key_prefix = "", .writer = "1"}, page_size),
                ElementsAre("b", "bb", "d"));
    EXPECT_THAT(Keys({.kind = {}, .key_prefix = "", .writer = "0"}, page_size),
                ElementsAre("a", "b", "c", "d"));
  }
}

TEST_F(SliceListTest, DigestsComeWithThePiecesAndOnlyWhenAskedFor) {
  const std::string bytes = SomeBytes((2 << 20) + 5, 1);
  SaveAs("0", Whole("w", "uint8", {(2 << 20) + 5}), bytes);
  SaveAs("0", Whole("small", "uint8", {3}), "abc");
  EXPECT_THAT(List({})[1].record.pieces(), IsEmpty());
  const std::vector<StoredPart> parts =
      List({.kind = {}, .key_prefix = "", .writer = "", .digests = true});
  ASSERT_EQ(parts[1].record.pieces_size(), 3);
  EXPECT_EQ(parts[1].record.pieces(0).crc32c(), Crc32c(bytes.substr(0, 1 << 20)));
  EXPECT_EQ(parts[1].record.pieces(2).length(), 5);
  EXPECT_EQ(parts[1].record.pieces(2).xxh3_128().size(), 16u);
  for (const StoredPart& part : parts) {
    EXPECT_THAT(part.record.segments(), IsEmpty());
    for (const v1::Piece& piece : part.record.pieces()) {
      EXPECT_THAT(piece.extents(), IsEmpty());
      EXPECT_THAT(piece.inline_bytes(), IsEmpty());
    }
  }
}

TEST_F(SliceListTest, APageEndsWhereItWouldGrowTooLarge) {
  const std::string long_name(4000, 'k');
  std::unique_ptr<SliceWriter> stream = NewWriter();
  for (int i = 0; i < 900; ++i) {
    ASSERT_OK(Send(stream.get(), Whole(absl::StrCat(long_name, i), "uint8", {1}), "x"));
  }
  ASSERT_OK(stream->Finish());
  ASSERT_OK_AND_ASSIGN(const ListPage<StoredPart> first,
                       ListSlices(&table_, manifest_, "/", {}, "", 1000));
  int64_t bytes = 0;
  for (const StoredPart& part : first.items) {
    bytes += static_cast<int64_t>(part.key.size() + part.record.ByteSizeLong());
  }
  EXPECT_LT(bytes, kMaxSliceListBytes + (72 << 10));
  EXPECT_GT(bytes, kMaxSliceListBytes / 2);
  EXPECT_FALSE(first.next.empty());
  EXPECT_EQ(Keys({}).size(), 900u);
}

TEST_F(SliceListTest, ATokenOrAWriterThatIsNoneIsRefused) {
  EXPECT_THAT(ListSlices(&table_, manifest_, "/", {}, "nonsense", 10),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_THAT(
      ListSlices(&table_, manifest_, "/", {.kind = {}, .key_prefix = "", .writer = "a/b"}, "", 10),
      HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

}  // namespace
}  // namespace cairn::storage
