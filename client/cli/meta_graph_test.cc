#include "client/cli/meta_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

class NoTensors : public CheckpointSource {
 public:
  explicit NoTensors(const std::string& path) : CheckpointSource(IdentityOf(path)) {}
  absl::Span<const SliceToSave> slices() const override { return {}; }

 private:
  static SourceIdentity IdentityOf(const std::string& path) {
    SourceIdentity identity;
    identity.path = path;
    return identity;
  }
};

// A file "out/ckpt.index" that Finish makes.
class IndexAlone : public CheckpointSink {
 public:
  explicit IndexAlone(MemoryFileSystem* files) : files_(files) {}
  std::vector<v1::Selector> selectors() const override { return {}; }
  RestoreTotals totals() const override { return {.tensors = 1, .attachments = 0, .bytes = 5}; }
  absl::Status Begin(const v1::OpenRestoreResponse&) override { return absl::OkStatus(); }
  absl::Status Write(const ArrivedPart&) override { return absl::OkStatus(); }
  absl::Status Finish() override {
    absl::Status changed = files_->Change();
    if (changed.ok()) files_->files["out/ckpt.index"] = "";
    return changed;
  }

 private:
  MemoryFileSystem* const files_;
};

class MetaGraphTest : public ::testing::Test {
 protected:
  MetaGraphTest() {
    graph_.set_key(kMetaGraphName);
    graph_.set_kind(v1::TENSOR_KIND_ATTACHMENT);
    graph_.set_logical_bytes(5);
  }
  absl::Status MakeSink(bool force = false) {
    CAIRN_ASSIGN_OR_RETURN(sink_,
                           MetaGraphSink::Create(&files_, "out/ckpt", graph_,
                                                 std::make_unique<IndexAlone>(&files_), force));
    return absl::OkStatus();
  }
  absl::Status WriteGraph() {
    v1::SlicePart part;
    part.set_key(kMetaGraphName);
    part.set_kind(v1::TENSOR_KIND_ATTACHMENT);
    const absl::string_view bytes = "graph";
    return sink_->Write({part, Box(), 0, 5, 0, absl::MakeConstSpan(&bytes, 1)});
  }
  absl::Status Restore(bool force = false) {
    CAIRN_RETURN_IF_ERROR(MakeSink(force));
    CAIRN_RETURN_IF_ERROR(WriteGraph());
    return sink_->Finish();
  }

  MemoryFileSystem files_;
  v1::Tensor graph_;
  std::unique_ptr<CheckpointSink> sink_;
};

TEST_F(MetaGraphTest, TheFileBesideAPrefixIsAnAttachment) {
  files_.files["runs/model.ckpt-7.meta"] = "graph";
  ASSERT_OK_AND_ASSIGN(const auto with,
                       WithMetaGraph(&files_, std::make_unique<NoTensors>("runs/model.ckpt-7")));
  ASSERT_THAT(with->slices(), SizeIs(1));
  EXPECT_EQ(with->slices()[0].key, ".meta");
  EXPECT_EQ(with->slices()[0].bytes_count, 5);
  EXPECT_EQ(with->identity().path, "runs/model.ckpt-7");
  ASSERT_OK_AND_ASSIGN(const auto without,
                       WithMetaGraph(&files_, std::make_unique<NoTensors>("runs/model.ckpt")));
  EXPECT_THAT(without->slices(), IsEmpty());
}

TEST_F(MetaGraphTest, TheGraphIsRestoredBesideTheFiles) {
  ASSERT_OK(Restore());
  EXPECT_THAT(files_.files,
              ElementsAre(Key("out/ckpt.index"), std::pair("out/ckpt.meta", "graph")));
  EXPECT_EQ(sink_->totals().attachments, 1);
  EXPECT_EQ(sink_->totals().bytes, 10);
}

TEST_F(MetaGraphTest, TheServerIsAskedForTheTensorsToo) {
  ASSERT_OK(MakeSink());
  const std::vector<v1::Selector> selectors = sink_->selectors();
  ASSERT_THAT(selectors, SizeIs(2));
  EXPECT_TRUE(selectors[0].has_key_prefix());
  EXPECT_EQ(selectors[1].key(), ".meta");
}

TEST_F(MetaGraphTest, AGraphThatIsThereIsReplacedOnlyByForce) {
  files_.files["out/ckpt.meta"] = "old";
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(files_.files, ElementsAre(std::pair("out/ckpt.meta", "old")));
  ASSERT_OK(Restore(/*force=*/true));
  EXPECT_EQ(files_.files.at("out/ckpt.meta"), "graph");
}

TEST_F(MetaGraphTest, AGraphWithoutItsBytesLeavesNothing) {
  ASSERT_OK(MakeSink());
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kDataLoss));
  sink_.reset();
  EXPECT_THAT(files_.files, IsEmpty());
}

TEST_F(MetaGraphTest, NothingStaysWhenAChangeFails) {
  ASSERT_OK(Restore());
  const int changes = files_.changes;
  for (int failing = 0; failing < changes; ++failing) {
    SCOPED_TRACE(failing);
    files_.files.clear();
    files_.changes = 0;
    files_.fail_from_change = failing;
    EXPECT_FALSE(Restore().ok());
    sink_.reset();
    EXPECT_THAT(files_.files, IsEmpty());
  }
}

}  // namespace
}  // namespace cairn::cli
