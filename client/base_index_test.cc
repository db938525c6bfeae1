#include "client/base_index.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "base/xxh3.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::NiceMock;

v1::StoredPart Part(const std::string& key, int64_t offset,
                    const std::vector<std::string>& pieces) {
  v1::StoredPart part;
  part.set_key(key);
  part.set_offset(offset);
  part.mutable_slice()->add_extents()->set_start(3);
  for (const std::string& bytes : pieces) {
    v1::StoredPart::Piece* piece = part.add_pieces();
    piece->set_length(static_cast<int64_t>(bytes.size()));
    piece->set_xxh3_128(Xxh3Digest(bytes));
  }
  return part;
}

TEST(BaseIndexTest, PiecesAreFoundByTheirBytesOnEveryPage) {
  NiceMock<MockConnection> connection;
  EXPECT_CALL(connection, ListSlices).WillRepeatedly([](const v1::ListSlicesRequest& request) {
    EXPECT_EQ(request.directory(), "runs/a");
    EXPECT_EQ(request.checkpoint(), "uid:1");
    EXPECT_TRUE(request.digests());
    v1::ListSlicesResponse page;
    if (request.page_token().empty()) {
      *page.add_parts() = Part("w", 0, {"abcd", "efgh"});
      page.set_next_page_token("2");
    } else {
      *page.add_parts() = Part("w", 8, {"ij"});
      *page.add_parts() = Part("copy of w", 0, {"abcd"});
    }
    return page;
  });
  ASSERT_OK_AND_ASSIGN(const BaseIndex index, BaseIndex::Read(connection, "runs/a", "uid:1"));
  ASSERT_TRUE(index.Find("efgh").has_value());
  EXPECT_EQ(index.Find("efgh")->key(), "w");
  EXPECT_EQ(index.Find("efgh")->offset(), 4);
  EXPECT_EQ(index.Find("efgh")->slice().extents(0).start(), 3);
  EXPECT_EQ(index.Find("ij")->offset(), 8);
  EXPECT_EQ(index.Find("abcd")->offset(), 0);
  EXPECT_FALSE(index.Find("cdef").has_value()) << "pieces are found whole";
  EXPECT_FALSE(index.Find("abc").has_value());
}

TEST(BaseIndexTest, AnErrorIsTheCallers) {
  NiceMock<MockConnection> connection;
  EXPECT_CALL(connection, ListSlices).WillOnce([](const auto&) {
    return absl::NotFoundError("deleted");
  });
  EXPECT_THAT(BaseIndex::Read(connection, "runs/a", "uid:1").status(),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cairn
