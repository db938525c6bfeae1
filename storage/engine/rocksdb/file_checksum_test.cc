#include "storage/engine/rocksdb/file_checksum.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace cairn::storage {
namespace {

std::string SumOf(std::initializer_list<std::string> pieces) {
  const auto generator = NewXxh3FileChecksumFactory()->CreateFileChecksumGenerator({});
  for (const std::string& piece : pieces) generator->Update(piece.data(), piece.size());
  generator->Finalize();
  return absl::BytesToHexString(generator->GetChecksum());
}

TEST(FileChecksumTest, IsXxh3OfAllBytes) {
  EXPECT_EQ(SumOf({}), "2d06800538d394c2");  // published vector of the empty input
  EXPECT_EQ(SumOf({"ab", "", "cd"}), SumOf({"abcd"}));
  EXPECT_NE(SumOf({"abcd"}), SumOf({"abce"}));
}

TEST(FileChecksumTest, RefusesToStandInForAnotherSum) {
  rocksdb::FileChecksumGenContext context;
  context.requested_checksum_func_name = "FileChecksumCrc32c";
  EXPECT_EQ(NewXxh3FileChecksumFactory()->CreateFileChecksumGenerator(context), nullptr);
  context.requested_checksum_func_name =
      NewXxh3FileChecksumFactory()->CreateFileChecksumGenerator({})->Name();
  EXPECT_NE(NewXxh3FileChecksumFactory()->CreateFileChecksumGenerator(context), nullptr);
}

}  // namespace
}  // namespace cairn::storage
