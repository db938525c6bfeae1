// Any tensors in any slices, written in any order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle_fixture.h"
#include "formats/tensor_bundle/bundle_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/shard_files.h"
#include "formats/tensor_bundle/slice_key.h"

namespace cairn {
namespace {

// A tiling of `box`, cut at random; not always all of it.
void Tile(const Box& box, std::mt19937* random, std::vector<Box>* boxes) {
  const int d = static_cast<int>((*random)() % box.rank());
  if (Volume(box) == 1 || (*random)() % 4 == 0 || box.length[d] < 2) {
    if ((*random)() % 8 > 0) boxes->push_back(box);
    return;
  }
  const int64_t at = 1 + static_cast<int64_t>((*random)() % (box.length[d] - 1));
  Box lower = box, upper = box;
  lower.length[d] = at;
  upper.start[d] += at;
  upper.length[d] -= at;
  Tile(lower, random, boxes);
  Tile(upper, random, boxes);
}

std::vector<Given> RandomTensors(std::mt19937* random) {
  std::vector<Given> tensors;
  const int count = 1 + static_cast<int>((*random)() % 6);
  for (int i = 0; i < count; ++i) {
    std::vector<int64_t> shape(1 + (*random)() % 3);
    for (int64_t& size : shape) size = 1 + static_cast<int64_t>((*random)() % 9);
    std::vector<Box> boxes;
    while (boxes.empty()) Tile(WholeBox(shape), random, &boxes);
    std::sort(boxes.begin(), boxes.end());
    std::vector<std::pair<Box, std::string>> slices;
    for (const Box& box : boxes) {
      std::string bytes(Volume(box), '\0');
      for (char& c : bytes) c = static_cast<char>((*random)());
      slices.emplace_back(box, bytes);
    }
    tensors.push_back(Sliced(absl::StrCat(i % 2 == 0 ? "t" : "\\x00", i), "int8", shape, slices));
  }
  return tensors;
}

// Every slice cut into runs, all written in an order of chance.
absl::Status WriteShuffled(FileSystem* files, const std::vector<Given>& tensors,
                           const BundleWriter::Options& options, std::mt19937* random) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<BundleWriter> writer,
                         BundleWriter::Create(files, "p", Plans(tensors), options));
  struct Run {
    BundleWriter::SliceNumber slice;
    int64_t offset;
    std::string bytes;
  };
  std::vector<Run> runs;
  for (size_t i = 0; i < tensors.size(); ++i) {
    for (size_t j = 0; j < tensors[i].bytes.size(); ++j) {
      const std::string& bytes = tensors[i].bytes[j];
      for (size_t done = 0; done < bytes.size();) {
        const size_t size = 1 + (*random)() % (bytes.size() - done);
        runs.push_back({{i, j}, static_cast<int64_t>(done), bytes.substr(done, size)});
        done += size;
      }
      writer->SetCrc32c({i, j}, tensors[i].crc32c[j]);
    }
  }
  std::shuffle(runs.begin(), runs.end(), *random);
  for (const Run& run : runs) {
    CAIRN_RETURN_IF_ERROR(writer->WriteAt(run.slice, run.offset, run.bytes));
  }
  return writer->Finish();
}

// Each planned slice as the index and the data files say.
void ExpectFound(MemoryFileSystem* files, const Given& tensor,
                 const std::map<std::string, formats::BundleEntry>& entries, int num_shards) {
  const std::string raw = BytesFromKeyText(tensor.plan.key).value();
  const formats::BundleEntry& own = entries.at(raw);
  for (size_t j = 0; j < tensor.plan.slices.size(); ++j) {
    const Box& box = tensor.plan.slices[j].box;
    std::vector<ExtentSpec> extents;
    for (int d = 0; d < box.rank(); ++d) extents.push_back({box.start[d], box.length[d]});
    const bool is_whole = own.slices().empty();
    if (!is_whole) {
      ASSERT_EQ(own.slices_size(), static_cast<int>(tensor.plan.slices.size()));
      for (int d = 0; d < box.rank(); ++d) {
        EXPECT_EQ(own.slices(static_cast<int>(j)).extent(d).start(), box.start[d]);
        EXPECT_EQ(own.slices(static_cast<int>(j)).extent(d).length(), box.length[d]);
      }
    }
    const formats::BundleEntry& entry = is_whole ? own : entries.at(EncodeSliceKey(raw, extents));
    const std::string& data = files->files.at(ShardPath("p", entry.shard_id(), num_shards));
    EXPECT_EQ(data.substr(entry.offset(), entry.size()), tensor.bytes[j]);
    EXPECT_EQ(entry.crc32c(), MaskCrc32c(tensor.crc32c[j]));
  }
}

TEST(BundleWriterTilingTest, AnyTilingWrittenInAnyOrderGivesTheSameBytes) {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    std::vector<Given> tensors = RandomTensors(&random);
    BundleWriter::Options options;
    if (round % 2 == 0) {
      options.shards = 1 + static_cast<int>(random() % 8);
    } else {
      options.max_shard_bytes = 1 + static_cast<int64_t>(random() % 50);
    }
    MemoryFileSystem first;
    ASSERT_OK(WriteShuffled(&first, tensors, options, &random));
    int num_shards = 0;
    const auto entries = Entries(&first, "p.index", &num_shards);
    EXPECT_EQ(first.files.size(), static_cast<size_t>(num_shards) + 1);
    for (const Given& tensor : tensors) ExpectFound(&first, tensor, entries, num_shards);
    for (int again = 0; again < 3; ++again) {
      std::shuffle(tensors.begin(), tensors.end(), random);
      MemoryFileSystem files;
      ASSERT_OK(WriteShuffled(&files, tensors, options, &random));
      EXPECT_EQ(files.files, first.files);
    }
  }
}

}  // namespace
}  // namespace cairn
