// Bundles in memory whose bytes are right and whose fields are what a test wants.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_FORGED_BUNDLE_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_FORGED_BUNDLE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/slice_key.h"

namespace cairn {

// A bundle "p" of one data file and what is put into `entries`.
class ForgedBundleTest : public ::testing::Test {
 protected:
  using Extents = std::vector<ExtentSpec>;

  ForgedBundleTest() {
    header_.set_num_shards(1);
    header_.mutable_version()->set_producer(1);
    data();
  }

  std::string& data() { return files_.files["p.data-00000-of-00001"]; }

  // An entry of `bytes`, which go to the end of the data file. `crc32c`: where it is not theirs.
  formats::BundleEntry Stored(int32_t dtype, const std::vector<int64_t>& shape,
                              absl::string_view bytes,
                              std::optional<uint32_t> crc32c = std::nullopt) {
    formats::BundleEntry entry = Described(dtype, shape);
    entry.set_offset(static_cast<int64_t>(data().size()));
    entry.set_size(static_cast<int64_t>(bytes.size()));
    entry.set_crc32c(MaskCrc32c(crc32c.value_or(Crc32c(bytes))));
    data().append(bytes.data(), bytes.size());
    return entry;
  }

  // Puts a tensor in slices into the entries, each slice with the bytes that follow its extents.
  void AddSliced(const std::string& name, int32_t dtype, const std::vector<int64_t>& shape,
                 const std::vector<std::pair<Extents, std::string>>& slices) {
    formats::BundleEntry umbrella = Described(dtype, shape);
    for (const auto& [extents, bytes] : slices) {
      AddExtents(extents, &umbrella);
      const Box box = ResolveBox(extents, shape).value();
      entries_[EncodeSliceKey(name, extents)] = Stored(dtype, box.length, bytes);
    }
    entries_[name] = umbrella;
  }

  static formats::BundleEntry Described(int32_t dtype, const std::vector<int64_t>& shape) {
    formats::BundleEntry entry;
    entry.set_dtype(dtype);
    entry.mutable_shape();
    for (const int64_t size : shape) entry.mutable_shape()->add_dim()->set_size(size);
    return entry;
  }

  static void AddExtents(const Extents& extents, formats::BundleEntry* umbrella) {
    formats::TensorSlice* const slice = umbrella->add_slices();
    for (const ExtentSpec& extent : extents) {
      formats::TensorSlice::Extent* const added = slice->add_extent();
      added->set_start(extent.start);
      if (extent.length.has_value()) added->set_length(*extent.length);
    }
  }

  absl::StatusOr<std::unique_ptr<BundleReader>> Open() {
    std::map<std::string, std::string> values = {{"", header_.SerializeAsString()}};
    for (const auto& [key, entry] : entries_) values[key] = entry.SerializeAsString();
    return OpenValues(values);
  }

  absl::StatusOr<std::unique_ptr<BundleReader>> OpenValues(
      const std::map<std::string, std::string>& values) {
    files_.files.erase("p.index");
    const std::unique_ptr<RandomWriteFile> file = files_.CreateForWrite("p.index").value();
    IndexTableWriter writer(file.get());
    for (const auto& [key, value] : values) writer.Add(key, value);
    EXPECT_OK(writer.Finish());
    EXPECT_OK(file->Finish());
    return BundleReader::Open(&files_, "p");
  }

  MemoryFileSystem files_;
  formats::BundleHeader header_;
  std::map<std::string, formats::BundleEntry> entries_;  // by TensorFlow's bytes
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_FORGED_BUNDLE_H_
