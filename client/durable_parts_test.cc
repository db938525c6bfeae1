#include "client/durable_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "client/mocks/mock_connection.h"
#include "client/slice_box.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::NiceMock;

class DurablePartsTest : public ::testing::Test {
 protected:
  DurablePartsTest() {
    session_.set_directory("runs/a");
    session_.set_session("s");
    ON_CALL(connection_, ListSlices).WillByDefault([this](const v1::ListSlicesRequest& request) {
      EXPECT_EQ(request.directory(), "runs/a");
      EXPECT_EQ(request.session(), "s");
      EXPECT_EQ(request.writer(), "3");
      // One part a page.
      const size_t at = request.page_token().empty() ? 0 : std::stoul(request.page_token());
      v1::ListSlicesResponse page;
      if (at < stored_.size()) *page.add_parts() = stored_[at];
      if (at + 1 < stored_.size()) page.set_next_page_token(std::to_string(at + 1));
      return page;
    });
  }

  size_t AddSlice(const std::string& key, const Box& box,
                  v1::TensorKind kind = v1::TENSOR_KIND_TENSOR) {
    SliceToSave slice;
    slice.kind = kind;
    slice.key = key;
    slice.shape = {100};
    slice.box = box;
    slices_.push_back(slice);
    return slices_.size() - 1;
  }
  void Store(size_t slice, int64_t offset, int64_t length) {
    v1::StoredPart& part = stored_.emplace_back();
    part.set_kind(slices_[slice].kind);
    part.set_key(slices_[slice].key);
    part.add_shape(100);
    *part.mutable_slice() = SliceFromBox(slices_[slice].box);
    part.set_offset(offset);
    part.set_length(length);
  }
  absl::StatusOr<std::vector<bool>> Find(const std::vector<PartToSave>& parts) {
    return FindDurable(connection_, session_, "3", slices_, parts);
  }

  NiceMock<MockConnection> connection_;
  v1::SaveSession session_;
  std::vector<SliceToSave> slices_;
  std::vector<v1::StoredPart> stored_;
};

TEST_F(DurablePartsTest, WholePartsAreFoundByKindKeyAndBox) {
  const size_t left = AddSlice("w", {{0}, {50}});
  const size_t right = AddSlice("w", {{50}, {50}});
  const size_t named_alike = AddSlice("w", {{0}, {50}}, v1::TENSOR_KIND_ATTACHMENT);
  Store(left, 0, 50);
  Store(AddSlice("other", {{0}, {100}}), 0, 100);
  EXPECT_THAT(Find({{left, 0, 50}, {right, 0, 50}, {named_alike, 0, 50}}),
              IsOkAndHolds(ElementsAre(true, false, false)));
}

TEST_F(DurablePartsTest, APartMayBeStoredInSeveralPieces) {
  const size_t slice = AddSlice("w", {{0}, {100}});
  Store(slice, 0, 30);
  Store(slice, 30, 20);
  Store(slice, 60, 40);
  EXPECT_THAT(Find({{slice, 0, 50}, {slice, 50, 50}, {slice, 0, 60}, {slice, 60, 40}}),
              IsOkAndHolds(ElementsAre(true, false, false, true)));
}

TEST_F(DurablePartsTest, ASliceWithoutBytesIsThereWhenItIsListed) {
  const size_t listed = AddSlice("a", {{0}, {0}});
  const size_t missing = AddSlice("b", {{0}, {0}});
  Store(listed, 0, 0);
  EXPECT_THAT(Find({{listed, 0, 0}, {missing, 0, 0}}), IsOkAndHolds(ElementsAre(true, false)));
}

}  // namespace
}  // namespace cairn
