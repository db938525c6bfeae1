// The suite that every engine passes, and how an engine offers itself to it.
#ifndef CAIRN_STORAGE_ENGINE_CONFORMANCE_TEST_H_
#define CAIRN_STORAGE_ENGINE_CONFORMANCE_TEST_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/uid.h"
#include "gtest/gtest.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// A fresh engine, and all that it stands on.
class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() = default;
  virtual Table* table() = 0;
  virtual SegmentStore* segments() = 0;
};

struct EngineMaker {
  std::string name;
  std::function<std::unique_ptr<EngineUnderTest>()> make;
  friend void PrintTo(const EngineMaker& maker, std::ostream* os) { *os << maker.name; }
};

// All makers that conformance_test.cc knows, for INSTANTIATE_TEST_SUITE_P.
testing::internal::ParamGenerator<EngineMaker> AllEngines();
inline std::string EngineName(const testing::TestParamInfo<EngineMaker>& info) {
  return info.param.name;
}

class ConformanceTest : public testing::TestWithParam<EngineMaker> {
 protected:
  Table& table() { return *engine_->table(); }
  SegmentStore& segments() { return *engine_->segments(); }
  Uid NewUid() { return random_.NextUid(); }

  SeededRandom random_{1};

 private:
  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_CONFORMANCE_TEST_H_
