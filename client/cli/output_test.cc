#include "client/cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"

namespace cairn::cli {
namespace {

absl::Status NumberTaken() {
  return MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
                   "runs/mnist@7 is in use");
}

class OutputTest : public ::testing::Test {
 protected:
  std::ostringstream results_;
  std::ostringstream errors_;
};

TEST_F(OutputTest, AnErrorIsTextOnTheOtherStream) {
  Output(results_, errors_, {}).PrintError(NumberTaken());
  EXPECT_EQ(errors_.str(), "error: runs/mnist@7 is in use\n");
  EXPECT_EQ(results_.str(), "");
}

TEST_F(OutputTest, AnErrorAsJsonIsOneDocument) {
  Output(results_, errors_, {.json = true}).PrintError(NumberTaken());
  EXPECT_EQ(results_.str(),
            "{\"error\":{\"code\":\"ALREADY_EXISTS\",\"reason\":\"NUMBER_TAKEN\","
            "\"message\":\"runs/mnist@7 is in use\"}}\n");
}

TEST_F(OutputTest, ColorsOnlyWhereTheyAreWanted) {
  Output(results_, errors_, {.colors = true}).PrintError(NumberTaken());
  EXPECT_NE(errors_.str().find("\033[31m"), std::string::npos);
}

TEST_F(OutputTest, BytesThatAreNotUtf8DoNotBreakADocument) {
  Output(results_, errors_, {.json = true}).PrintError(absl::NotFoundError("no \xff.index"));
  EXPECT_EQ(Json::parse(results_.str())["error"]["message"], "no \xEF\xBF\xBD.index");
}

}  // namespace
}  // namespace cairn::cli
