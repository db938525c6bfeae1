#include "storage/engine/conformance_test.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "storage/engine/faulty/faulty_engine.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/engine/test_folder.h"

namespace cairn::storage {
namespace {

class Memory : public EngineUnderTest {
 public:
  Table* table() override { return &table_; }
  SegmentStore* segments() override { return &segments_; }

 private:
  MemoryTable table_;
  MemorySegmentStore segments_;
};

class Faulty : public EngineUnderTest {
 public:
  Table* table() override { return &table_; }
  SegmentStore* segments() override { return &segments_; }

 private:
  Memory memory_;
  FaultPlan no_faults_;
  FaultyTable table_{memory_.table(), &no_faults_};
  FaultySegmentStore segments_{memory_.segments(), &no_faults_};
};

class RocksDb : public EngineUnderTest {
 public:
  Table* table() override { return engine_->table(); }
  SegmentStore* segments() override { return engine_->segments(); }

 private:
  static std::unique_ptr<RocksDbEngine> Open(const std::string& folder) {
    auto engine = RocksDbEngine::Open(folder);
    CAIRN_CHECK(engine.ok());
    return *std::move(engine);
  }

  const TestFolder folder_;
  const std::unique_ptr<RocksDbEngine> engine_ = Open(folder_.path());
};

template <typename Engine>
EngineMaker MakerOf(std::string name) {
  return {std::move(name), [] { return std::make_unique<Engine>(); }};
}

}  // namespace

testing::internal::ParamGenerator<EngineMaker> AllEngines() {
  return testing::Values(MakerOf<Memory>("Memory"), MakerOf<Faulty>("Faulty"),
                         MakerOf<RocksDb>("RocksDb"));
}

}  // namespace cairn::storage
