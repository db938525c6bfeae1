// Tensors to be written into bundles, and a look at what was written, for tests.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_FIXTURE_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/bundle_writer.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/string_tensor.h"

namespace cairn {

// A tensor's plan, with the bytes and sums of its slices as a data file holds them.
struct Given {
  PlannedTensor plan;
  std::vector<std::string> bytes;  // by slice
  std::vector<uint32_t> crc32c;    // likewise
};

inline Given Tensor(const std::string& key, const std::string& dtype, std::vector<int64_t> shape,
                    const std::string& bytes) {
  return {PlannedWhole(key, dtype, std::move(shape), static_cast<int64_t>(bytes.size())),
          {bytes},
          {Crc32c(bytes)}};
}

inline Given Sliced(const std::string& key, const std::string& dtype, std::vector<int64_t> shape,
                    const std::vector<std::pair<Box, std::string>>& slices) {
  Given given{{key, dtype, std::move(shape), {}}, {}, {}};
  for (const auto& [box, bytes] : slices) {
    given.plan.slices.push_back({box, static_cast<int64_t>(bytes.size())});
    given.bytes.push_back(bytes);
    given.crc32c.push_back(Crc32c(bytes));
  }
  return given;
}

inline std::string Bytes(absl::string_view hex) { return absl::HexStringToBytes(hex); }

// Ours of strings: their lengths, then they.
inline std::string Strings(const std::vector<std::string>& strings) {
  std::string lengths, all;
  for (const std::string& s : strings) {
    AppendFixed(s.size(), 8, &lengths);
    all += s;
  }
  return lengths + all;
}

inline Given SlicedStrings(const std::string& key, std::vector<int64_t> shape,
                           const std::vector<std::pair<Box, std::vector<std::string>>>& slices) {
  Given given{{key, "string", std::move(shape), {}}, {}, {}};
  for (const auto& [box, strings] : slices) {
    const EncodedStrings encoded =
        EncodeStringTensor(Strings(strings), static_cast<int64_t>(strings.size())).value();
    given.plan.slices.push_back({box, static_cast<int64_t>(encoded.bytes.size())});
    given.bytes.push_back(encoded.bytes);
    given.crc32c.push_back(encoded.crc32c);
  }
  return given;
}

inline std::vector<PlannedTensor> Plans(const std::vector<Given>& tensors) {
  std::vector<PlannedTensor> plans;
  for (const Given& tensor : tensors) plans.push_back(tensor.plan);
  return plans;
}

// What the index holds, by raw key, but for the header.
inline std::map<std::string, formats::BundleEntry> Entries(MemoryFileSystem* files,
                                                           const std::string& path,
                                                           int* num_shards = nullptr) {
  std::map<std::string, formats::BundleEntry> entries;
  const auto file = files->OpenForRead(path);
  EXPECT_OK(file.status());
  EXPECT_OK(ReadIndexTable(**file, [&](absl::string_view key, absl::string_view value) {
    if (key.empty()) {
      formats::BundleHeader header;
      EXPECT_TRUE(header.ParseFromString(std::string(value)));
      if (num_shards != nullptr) *num_shards = header.num_shards();
    } else {
      EXPECT_TRUE(entries[std::string(key)].ParseFromString(std::string(value)));
    }
    return absl::OkStatus();
  }));
  return entries;
}

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_FIXTURE_H_
