#include "server/object_graphs.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::_;
using ::testing::NiceMock;
using ::testing::Return;

// A store whose checkpoints all hold one graph.
class ObjectGraphsTest : public ::testing::Test {
 protected:
  ObjectGraphsTest() {
    formats::TrackableObjectGraph graph;
    auto* const attribute = graph.add_nodes()->add_attributes();
    attribute->set_name("VARIABLE_VALUE");
    attribute->set_checkpoint_key("v");
    SetGraph(graph.SerializeAsString());
    ON_CALL(store_, OpenRestore).WillByDefault([this](auto&&...) {
      ++reads_;
      storage::RestoreInfo restore;
      restore.stream_tokens = {"t"};
      return restore;
    });
    ON_CALL(store_, CloseRestore).WillByDefault(Return(absl::OkStatus()));
    ON_CALL(store_, NewSliceReader).WillByDefault([this](auto&&...) {
      storage::OutgoingPart part;
      part.bytes = storage::PinnedBytes(bytes_);
      std::vector<absl::StatusOr<FakeSliceReader::Parts>> batches;
      batches.push_back(FakeSliceReader::Parts());
      batches[0]->push_back(std::move(part));
      return std::make_unique<FakeSliceReader>(std::move(batches));
    });
  }

  void SetGraph(const std::string& bytes, const std::string& dtype = "string",
                std::vector<int64_t> shape = {}) {
    storage::TensorInfo tensor;
    tensor.dtype = dtype;
    tensor.shape = std::move(shape);
    ON_CALL(store_, GetTensor).WillByDefault(Return(tensor));
    bytes_ = std::string(8, '\0') + bytes;
  }

  static storage::CheckpointRecord Checkpoint(char uid) {
    storage::CheckpointRecord checkpoint;
    checkpoint.set_uid(std::string(16, uid));
    return checkpoint;
  }

  NiceMock<MockStore> store_;
  std::string bytes_;
  int reads_ = 0;
};

TEST_F(ObjectGraphsTest, AGraphIsReadOnce) {
  ObjectGraphs graphs(&store_);
  for (const char uid : {'a', 'b', 'a', 'b'}) {
    ASSERT_OK_AND_ASSIGN(const auto paths, graphs.Paths("d", Checkpoint(uid)));
    int64_t steps = kObjectPathSteps;
    EXPECT_THAT(paths->KeysBelow("", &steps), IsOkAndHolds(std::vector<std::string>{"v"}));
  }
  EXPECT_EQ(reads_, 2);
}

TEST_F(ObjectGraphsTest, TheGraphsUsedLastAreKept) {
  int64_t bytes = 0;
  {
    ObjectGraphs graphs(&store_);
    ASSERT_OK_AND_ASSIGN(const auto paths, graphs.Paths("d", Checkpoint('a')));
    bytes = static_cast<int64_t>(paths->bytes());
  }
  reads_ = 0;
  ObjectGraphs graphs(&store_, /*cache_bytes=*/2 * bytes);
  // Reads: a, b, -, c (which drops b), -, b.
  for (const char uid : {'a', 'b', 'a', 'c', 'a', 'b'}) {
    ASSERT_OK(graphs.Paths("d", Checkpoint(uid)));
  }
  EXPECT_EQ(reads_, 4);
  ObjectGraphs none(&store_, /*cache_bytes=*/bytes - 1);
  reads_ = 0;
  for (int i = 0; i < 3; ++i) ASSERT_OK(none.Paths("d", Checkpoint('a')));
  EXPECT_EQ(reads_, 3);
}

TEST_F(ObjectGraphsTest, WhatIsNoGraphIsAnErrorEachTime) {
  ObjectGraphs graphs(&store_);
  SetGraph("garbage");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(graphs.Paths("d", Checkpoint('a')), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
    EXPECT_THAT(graphs.Read("d", Checkpoint('a')), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
  }
  SetGraph("", "float32");
  EXPECT_THAT(graphs.Paths("d", Checkpoint('a')), StatusIs(absl::StatusCode::kNotFound));
  SetGraph("", "string", {1});
  EXPECT_THAT(graphs.Paths("d", Checkpoint('a')), StatusIs(absl::StatusCode::kNotFound));
  SetGraph("");
  bytes_ = "short";
  EXPECT_THAT(graphs.Paths("d", Checkpoint('a')), StatusIs(absl::StatusCode::kNotFound));
  ON_CALL(store_, GetTensor).WillByDefault(Return(absl::NotFoundError("no such tensor")));
  EXPECT_THAT(graphs.Paths("d", Checkpoint('a')),
              HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  ON_CALL(store_, GetTensor).WillByDefault(Return(absl::DataLossError("damaged")));
  EXPECT_THAT(graphs.Paths("d", Checkpoint('a')), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn::server
