#include "client/cli/table.h"

#include <gtest/gtest.h>

namespace cairn::cli {
namespace {

TEST(TableTest, AlignsItsColumns) {
  Table table({{"KEY"}, {"SIZE", Align::kRight}, {"TAGS"}});
  table.AddRow({"model/l1", "4 B", ""});
  table.AddRow({"b", "1.5 KiB", "prod"});
  EXPECT_EQ(table.ToString(),
            "KEY          SIZE  TAGS\n"
            "model/l1      4 B\n"
            "b         1.5 KiB  prod\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({{"KEY"}, {"N"}});
  table.AddRow({"größe", "1"});
  table.AddRow({"abcde", "2"});
  EXPECT_EQ(table.ToString(), "KEY    N\ngröße  1\nabcde  2\n");
}

TEST(TableTest, WithoutRowsIsNothing) { EXPECT_EQ(Table({{"KEY"}}).ToString(), ""); }

}  // namespace
}  // namespace cairn::cli
