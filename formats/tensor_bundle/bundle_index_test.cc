// Indexes of very many entries; what a few say is tested with the reader.
#include "formats/tensor_bundle/bundle_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include <memory>

#include "absl/strings/str_format.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/slice_key.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kTwoMillion = 2'000'000;
constexpr size_t kTenMegabytes = 10'000'000;

class StringSink : public leveldb::WritableFile {
 public:
  explicit StringSink(std::string* content) : content_(*content) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    content_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

 private:
  std::string& content_;
};

class ManyEntriesTest : public ::testing::Test {
 protected:
  // An index with a header and `count` times `value`, compressed with snappy.
  void WriteCompressed(int count, const std::string& value) {
    StringSink sink(&index());
    leveldb::Options options;
    options.compression = leveldb::kSnappyCompression;
    options.block_size = 256 << 10;
    leveldb::TableBuilder builder(options, &sink);
    builder.Add("", Header());
    for (int i = 0; i < count; ++i) builder.Add(absl::StrFormat("%07d", i), value);
    ASSERT_TRUE(builder.Finish().ok());
  }

  static std::string Header() {
    formats::BundleHeader header;
    header.set_num_shards(1);
    return header.SerializeAsString();
  }

  std::string& index() { return files_.files["p.index"]; }

  absl::StatusOr<BundleIndex> Read() {
    return ReadBundleIndex(*files_.OpenForRead("p.index").value());
  }

  MemoryFileSystem files_;
};

TEST_F(ManyEntriesTest, TwoMillionTensorsInTenMegabytesAreRefused) {
  formats::BundleEntry entry;
  entry.set_dtype(1);
  entry.mutable_shape()->add_dim()->set_size(0);
  WriteCompressed(kTwoMillion, entry.SerializeAsString());
  EXPECT_LT(index().size(), kTenMegabytes);
  EXPECT_THAT(Read(), AllOf(StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("more than Cairn reads at once")),
                            HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
}

TEST_F(ManyEntriesTest, TwoMillionEntriesOfNothingAreDamage) {
  const std::unique_ptr<RandomWriteFile> file = files_.CreateForWrite("p.index").value();
  IndexTableWriter writer(file.get());
  writer.Add("", Header());
  for (int i = 0; i < kTwoMillion; ++i) writer.Add(absl::StrFormat("%07d", i), "");
  ASSERT_OK(writer.Finish());
  ASSERT_OK(file->Finish());
  EXPECT_LT(index().size(), kTenMegabytes);
  EXPECT_THAT(Read(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("0000000: it has the dtype")));
}

TEST_F(ManyEntriesTest, AHundredThousandTensorsAreRead) {
  formats::BundleEntry entry;
  entry.set_dtype(4);
  entry.mutable_shape();
  entry.set_size(1);
  WriteCompressed(100'000, entry.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const BundleIndex read, Read());
  EXPECT_EQ(read.tensors.size(), 100'000);
  EXPECT_EQ(read.tensors.back().key, "0099999");
}

// Here with values as long as those of real entries, so that the file's size vouches for the
// number.
TEST_F(ManyEntriesTest, AMillionTensorsAreRead) {
  formats::BundleEntry entry;
  entry.set_dtype(4);
  entry.mutable_shape()->add_dim()->set_size(1);
  entry.set_size(1);
  entry.set_offset(int64_t{1} << 40);
  entry.set_crc32c(0x12345678);
  const std::unique_ptr<RandomWriteFile> file = files_.CreateForWrite("p.index").value();
  IndexTableWriter writer(file.get());
  writer.Add("", Header());
  constexpr int kMillion = 1'000'000;
  for (int i = 0; i < kMillion; ++i)
    writer.Add(absl::StrFormat("%07d", i), entry.SerializeAsString());
  ASSERT_OK(writer.Finish());
  ASSERT_OK(file->Finish());
  ASSERT_OK_AND_ASSIGN(const BundleIndex read, Read());
  EXPECT_EQ(read.tensors.size(), kMillion);
}

TEST_F(ManyEntriesTest, TenThousandSlicesOfATensorAreRead) {
  constexpr int kSlices = 10'000;
  formats::BundleEntry umbrella, entry;
  umbrella.set_dtype(4);
  umbrella.mutable_shape()->add_dim()->set_size(kSlices);
  entry.set_dtype(4);
  entry.mutable_shape()->add_dim()->set_size(1);
  entry.set_size(1);
  const std::unique_ptr<RandomWriteFile> file = files_.CreateForWrite("p.index").value();
  IndexTableWriter writer(file.get());
  writer.Add("", Header());
  for (int64_t i = 0; i < kSlices; ++i) {
    writer.Add(EncodeSliceKey("t", {{i, 1}}), entry.SerializeAsString());
    formats::TensorSlice::Extent* const extent = umbrella.add_slices()->add_extent();
    extent->set_start(i);
    extent->set_length(1);
  }
  writer.Add("t", umbrella.SerializeAsString());
  ASSERT_OK(writer.Finish());
  ASSERT_OK(file->Finish());
  ASSERT_OK_AND_ASSIGN(const BundleIndex read, Read());
  ASSERT_EQ(read.tensors.size(), 1);
  EXPECT_FALSE(read.tensors[0].partial);
  ASSERT_EQ(read.tensors[0].slices.size(), kSlices);
  for (int64_t i = 0; i < kSlices; ++i) EXPECT_EQ(read.tensors[0].slices[i].box.start[0], i);
}

}  // namespace
}  // namespace cairn
