#include "formats/safetensors/index_file.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/safetensors/json_visitor.h"

namespace cairn {
namespace {

constexpr absl::string_view kWeightMap = "weight_map";

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

absl::Status WrongTensor(absl::string_view name, absl::string_view what) {
  return Wrong(absl::StrCat("tensor \"", KeyTextFromBytes(name), "\" ", what));
}

class IndexVisitor : public JsonVisitor {
 public:
  bool has_map() const { return has_map_; }
  SafetensorsWeightMap Take() { return std::move(files_); }

  absl::Status BeginObject() override {
    ++depth_;
    if (depth_ == kInIndex) return absl::OkStatus();
    return depth_ == kInMap && in_map_ ? absl::OkStatus() : Unwanted();
  }
  absl::Status EndObject() override {
    if (depth_-- == kInMap) in_map_ = false;
    return absl::OkStatus();
  }
  absl::Status BeginArray() override {
    ++depth_;
    return Unwanted();
  }
  absl::Status EndArray() override {
    --depth_;
    return absl::OkStatus();
  }
  absl::Status Key(std::string key) override {
    if (depth_ == kInIndex) {
      in_map_ = key == kWeightMap;
      if (in_map_ && std::exchange(has_map_, true)) return Wrong("weight_map is there twice");
    } else if (in_map_) {
      const auto [place, is_new] = files_.emplace(std::move(key), "");
      if (!is_new) return WrongTensor(place->first, "is in weight_map twice");
      entry_ = place;
    }
    return absl::OkStatus();
  }
  absl::Status String(std::string value) override {
    if (!in_map_ || depth_ != kInMap) return Unwanted();
    const size_t slash = value.rfind('/');
    if (slash != std::string::npos) value.erase(0, slash + 1);
    if (value.empty() || value == "." || value == ".." || value.find('\0') != std::string::npos) {
      return WrongTensor(entry_->first, "is in a file without a name");
    }
    entry_->second = std::move(value);
    return absl::OkStatus();
  }
  absl::Status Unsigned(uint64_t) override { return Unwanted(); }
  absl::Status Null() override { return Unwanted(); }
  absl::Status Other() override { return Unwanted(); }

 private:
  // How many objects and arrays are open.
  static constexpr int64_t kInIndex = 1;
  static constexpr int64_t kInMap = 2;

  // A value of no interest, unless the map or a file should stand in its place.
  absl::Status Unwanted() const {
    if (!in_map_) return absl::OkStatus();
    return Wrong("its weight_map is not an object of strings, a file for each tensor");
  }

  SafetensorsWeightMap files_;
  SafetensorsWeightMap::iterator entry_;  // the one that is read
  int64_t depth_ = 0;
  bool in_map_ = false;
  bool has_map_ = false;
};

}  // namespace

absl::StatusOr<SafetensorsWeightMap> ParseSafetensorsIndex(absl::string_view json) {
  IndexVisitor visitor;
  CAIRN_RETURN_IF_ERROR(VisitJson(json, visitor));
  if (!visitor.has_map()) return Wrong("it has no weight_map");
  SafetensorsWeightMap files = visitor.Take();
  if (files.empty()) return Wrong("its weight_map names no tensor");
  return files;
}

}  // namespace cairn
