#include "client/cli/reference_argument.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

TEST(ParseReferenceTest, TakesEveryKindOfReference) {
  const std::string uid = "uid:" + std::string(32, 'a');
  for (const std::string& checkpoint :
       {std::string("10"), std::string("latest"), std::string("prod"), std::string("best"), uid}) {
    ASSERT_OK_AND_ASSIGN(const ReferenceArgument reference,
                         ParseReference("team-a/run 7@" + checkpoint));
    EXPECT_EQ(reference.directory, "team-a/run 7");
    EXPECT_EQ(reference.checkpoint, checkpoint);
  }
}

TEST(ParseReferenceTest, ADirectoryAloneMeansItsLatest) {
  ASSERT_OK_AND_ASSIGN(const ReferenceArgument reference, ParseReference("runs/mnist"));
  EXPECT_EQ(reference.checkpoint, "latest");
}

TEST(ParseReferenceTest, RefusesHalfAReference) {
  for (absl::string_view argument : {"", "@", "@10", "runs/mnist@"}) {
    EXPECT_EQ(ExitStatus(ParseReference(argument).status()), kExitWrongUsage) << argument;
  }
}

TEST(ParseReferenceToDeleteTest, TakesNumbersAndUidsOnly) {
  EXPECT_OK(ParseReferenceToDelete("a@0"));
  EXPECT_OK(ParseReferenceToDelete("a@uid:0123456789abcdef0123456789abcdef"));
  for (absl::string_view argument : {"a", "a@", "a@latest", "a@best", "a@prod", "a@-1", "a@1x",
                                     "a@99999999999999999999", "a@uid:12", "@1"}) {
    EXPECT_EQ(ExitStatus(ParseReferenceToDelete(argument).status()), kExitWrongUsage) << argument;
  }
}

TEST(ParseDirectoryTest, RefusesAReference) {
  EXPECT_EQ(ExitStatus(ParseDirectory("runs/mnist@10").status()), kExitWrongUsage);
}

TEST(KeyFromArgumentTest, TakesWhatTheOutputPrints) {
  EXPECT_EQ(KeyFromArgument("model/l1/kernel"), "model/l1/kernel");
  EXPECT_EQ(KeyFromArgument("a\\x0ab"), "a\\x0ab");
  EXPECT_EQ(KeyFromArgument("a\\x5cb"), "a\\x5cb");
  EXPECT_EQ(KeyFromArgument("a\\xffb"), "a\\xffb");
}

TEST(KeyFromArgumentTest, TakesOtherSpellingsOfTheSameBytes) {
  EXPECT_EQ(KeyFromArgument("a\nb"), "a\\x0ab");
  EXPECT_EQ(KeyFromArgument("a\\x0Ab"), "a\\x0ab");
  EXPECT_EQ(KeyFromArgument("a\\b"), "a\\x5cb");
  EXPECT_EQ(KeyFromArgument("\\x61"), "a");
  EXPECT_EQ(KeyFromArgument("a\\x"), "a\\x5cx");
}

TEST(PrefixFromArgumentTest, IgnoresASlashAtTheEnd) {
  EXPECT_EQ(PrefixFromArgument("model/l1/"), "model/l1");
  EXPECT_EQ(PrefixFromArgument("model/l1"), "model/l1");
  EXPECT_EQ(PrefixFromArgument("/"), "/");
}

}  // namespace
}  // namespace cairn::cli
