#include "server/slice_collect.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::_;
using ::testing::Eq;
using ::testing::Return;
using Parts = FakeSliceReader::Parts;

storage::OutgoingPart Part(const Box& box, int64_t offset, const std::string& bytes) {
  storage::OutgoingPart part;
  part.box = box;
  part.offset = offset;
  part.bytes = storage::PinnedBytes(bytes);
  return part;
}

class SliceCollectTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<SliceBytes>> Collect(std::vector<absl::StatusOr<Parts>> batches,
                                                  int64_t max_bytes) {
    storage::RestoreInfo restore;
    restore.restore = "r";
    restore.stream_tokens = {"t"};
    EXPECT_CALL(store_, OpenRestore(Eq("d"), Eq("uid:" + std::string(32, '0')), _, 1))
        .WillOnce(Return(restore));
    EXPECT_CALL(store_, NewSliceReader(Eq("t")))
        .WillOnce(Return(std::make_unique<FakeSliceReader>(std::move(batches))));
    EXPECT_CALL(store_, CloseRestore(Eq("r"))).WillOnce(Return(absl::OkStatus()));
    storage::CheckpointRecord checkpoint;
    checkpoint.set_uid(std::string(16, '\0'));
    return CollectSlices(&store_, "d", checkpoint, storage::Selector(), max_bytes);
  }

  MockStore store_;
};

TEST_F(SliceCollectTest, RunsOfOneSliceComeTogether) {
  const Box first{{0}, {4}}, second{{4}, {2}};
  ASSERT_OK_AND_ASSIGN(
      std::vector<SliceBytes> slices,
      Collect({Parts{Part(first, 0, "ab")}, Parts{Part(first, 2, "cd"), Part(second, 0, "ef")}},
              100));
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_EQ(slices[0].bytes, "abcd");
  EXPECT_EQ(slices[1].bytes, "ef");
  EXPECT_EQ(slices[1].box, second);
}

TEST_F(SliceCollectTest, ReadsNoMoreThanAsked) {
  const Box box{{0}, {9}};
  ASSERT_OK_AND_ASSIGN(std::vector<SliceBytes> slices,
                       Collect({Parts{Part(box, 0, "abc")}, Parts{Part(box, 3, "def")},
                                absl::DataLossError("never read")},
                               4));
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].bytes, "abcd");
}

TEST_F(SliceCollectTest, DamageIsReportedAndTheLeaseEnds) {
  EXPECT_THAT(Collect({absl::DataLossError("damaged")}, 10), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn::server
