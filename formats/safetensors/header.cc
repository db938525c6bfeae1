#include "formats/safetensors/header.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/box.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/safetensors/dtype_map.h"
#include "formats/safetensors/json_visitor.h"

namespace cairn {
namespace {

constexpr size_t kAlignment = 8;
constexpr int kBitsPerByte = 8;

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

// "tensor w: its shape is no array".
absl::Status WrongTensor(absl::string_view name, absl::string_view what) {
  return Wrong(absl::StrCat("tensor \"", KeyTextFromBytes(name), "\": ", what));
}

// The bytes that dtype and shape say; nullopt for a dtype of unknown width.
absl::StatusOr<std::optional<int64_t>> BytesOf(const SafetensorsEntry& entry) {
  const std::optional<SafetensorsDtype> dtype = SafetensorsDtypeFromName(entry.dtype);
  if (!dtype.has_value()) {
    return Wrong(absl::StrCat("its dtype \"", KeyTextFromBytes(entry.dtype),
                              "\" is no name of 1 to 52 letters, digits and _.-"));
  }
  CAIRN_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(entry.shape));
  if (dtype->bits == 0) return std::nullopt;
  int64_t bits;
  if (__builtin_mul_overflow(elements, int64_t{dtype->bits}, &bits)) {
    return Wrong(
        absl::StrCat("its ", elements, " elements of ", dtype->bits, " bits pass 2^63-1 bits"));
  }
  if (bits % kBitsPerByte != 0) {
    return Wrong(absl::StrCat("its ", elements, " elements of ", dtype->bits,
                              " bits are no whole number of bytes"));
  }
  return bits / kBitsPerByte;
}

absl::Status CheckEntry(const SafetensorsEntry& entry, int64_t data_bytes) {
  if (entry.end < entry.begin) {
    return Wrong(absl::StrCat("its bytes begin at ", entry.begin, " and end at ", entry.end));
  }
  if (entry.end > data_bytes) {
    return Wrong(absl::StrCat("its bytes end at ", entry.end, ", past the ", data_bytes,
                              " bytes of data; the file may be cut off"));
  }
  CAIRN_ASSIGN_OR_RETURN(const std::optional<int64_t> bytes, BytesOf(entry));
  if (bytes.has_value() && *bytes != entry.end - entry.begin) {
    return Wrong(absl::StrCat("dtype ", entry.dtype, " and shape ", ShapeToString(entry.shape),
                              " make ", *bytes, " bytes, data_offsets ", entry.end - entry.begin));
  }
  return absl::OkStatus();
}

// Reads texts by name. The object that holds them has begun.
class MetadataBuilder {
 public:
  absl::Status Key(std::string key) {
    const auto [place, is_new] = metadata_.emplace(std::move(key), "");
    if (!is_new) {
      return Wrong(absl::StrCat("__metadata__ has \"", KeyTextFromBytes(place->first), "\" twice"));
    }
    value_ = &place->second;
    return absl::OkStatus();
  }
  absl::Status String(std::string value) {
    *value_ = std::move(value);
    return absl::OkStatus();
  }
  absl::Status NoString() const { return Wrong("__metadata__ may hold nothing but strings"); }
  SafetensorsMetadata Take() { return std::move(metadata_); }

 private:
  SafetensorsMetadata metadata_;
  std::string* value_ = nullptr;
};

class MetadataVisitor : public JsonVisitor {
 public:
  SafetensorsMetadata Take() { return builder_.Take(); }

  absl::Status BeginObject() override {
    if (std::exchange(begun_, true)) return builder_.NoString();
    return absl::OkStatus();
  }
  absl::Status EndObject() override { return absl::OkStatus(); }
  absl::Status BeginArray() override { return builder_.NoString(); }
  absl::Status EndArray() override { return builder_.NoString(); }
  absl::Status Key(std::string key) override { return builder_.Key(std::move(key)); }
  absl::Status String(std::string value) override {
    return begun_ ? builder_.String(std::move(value)) : builder_.NoString();
  }
  absl::Status Unsigned(uint64_t) override { return builder_.NoString(); }
  absl::Status Null() override { return builder_.NoString(); }
  absl::Status Other() override { return builder_.NoString(); }

 private:
  bool begun_ = false;
  MetadataBuilder builder_;
};

class HeaderVisitor : public JsonVisitor {
 public:
  explicit HeaderVisitor(int64_t data_bytes) : data_bytes_(data_bytes) {}

  SafetensorsHeader Take() { return std::move(header_); }

  absl::Status BeginObject() override {
    switch (at_) {
      case At::kStart:
        return Go(At::kHeader);
      case At::kHeader:
        return Go(in_metadata_ ? At::kMetadata : At::kTensor);
      default:
        return BeginOther();
    }
  }
  absl::Status EndObject() override {
    switch (at_) {
      case At::kHeader:
        return Go(At::kEnd);
      case At::kMetadata:
        header_.metadata = metadata_.Take();
        return Go(At::kHeader);
      case At::kTensor:
        CAIRN_RETURN_IF_ERROR(FinishTensor());
        return Go(At::kHeader);
      default:
        return EndOther();
    }
  }
  absl::Status BeginArray() override {
    if (at_ == At::kTensor && field_ == Field::kShape) return Go(At::kShape);
    if (at_ == At::kTensor && field_ == Field::kOffsets) return Go(At::kOffsets);
    return BeginOther();
  }
  absl::Status EndArray() override {
    switch (at_) {
      case At::kShape:
        return Go(At::kTensor);
      case At::kOffsets:
        if (offset_count_ != 2) return WrongValue();
        return Go(At::kTensor);
      default:
        return EndOther();
    }
  }
  absl::Status Key(std::string key) override {
    switch (at_) {
      case At::kHeader:
        return BeginEntry(key);
      case At::kMetadata:
        return metadata_.Key(std::move(key));
      case At::kTensor:
        return BeginField(key);
      default:
        return absl::OkStatus();
    }
  }
  absl::Status String(std::string value) override {
    if (at_ == At::kMetadata) return metadata_.String(std::move(value));
    if (at_ == At::kTensor && field_ == Field::kDtype) {
      entry_.dtype = std::move(value);
      return absl::OkStatus();
    }
    return Scalar();
  }
  absl::Status Unsigned(uint64_t value) override {
    if (at_ != At::kShape && at_ != At::kOffsets) return Scalar();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return WrongValue();
    return at_ == At::kShape ? AddDimension(static_cast<int64_t>(value))
                             : AddOffset(static_cast<int64_t>(value));
  }
  absl::Status Null() override {
    // The reference implementation reads it as none.
    if (at_ == At::kHeader && in_metadata_) return absl::OkStatus();
    return Scalar();
  }
  absl::Status Other() override { return Scalar(); }

 private:
  // In what the walk is.
  enum class At { kStart, kHeader, kMetadata, kTensor, kShape, kOffsets, kUnknown, kEnd };
  enum class Field { kDtype, kShape, kOffsets, kUnknown };

  absl::Status Go(At at) {
    at_ = at;
    return absl::OkStatus();
  }

  absl::Status BeginEntry(const std::string& name) {
    in_metadata_ = name == kSafetensorsMetadataName;
    if (in_metadata_) {
      if (std::exchange(has_metadata_, true)) return Wrong("__metadata__ is there twice");
      return absl::OkStatus();
    }
    entry_ = SafetensorsEntry();
    entry_.name = name;
    has_dtype_ = has_shape_ = has_offsets_ = false;
    offset_count_ = 0;
    return absl::OkStatus();
  }

  absl::Status BeginField(absl::string_view name) {
    field_ = Field::kUnknown;
    bool unknown = false;
    bool* seen = &unknown;
    if (name == "dtype") {
      field_ = Field::kDtype;
      seen = &has_dtype_;
    } else if (name == "shape") {
      field_ = Field::kShape;
      seen = &has_shape_;
    } else if (name == "data_offsets") {
      field_ = Field::kOffsets;
      seen = &has_offsets_;
    }
    if (std::exchange(*seen, true)) {
      return WrongTensor(entry_.name, absl::StrCat("it has ", name, " twice"));
    }
    return absl::OkStatus();
  }

  absl::Status AddDimension(int64_t size) {
    if (entry_.shape.size() == static_cast<size_t>(kMaxRank)) {
      return WrongTensor(entry_.name, absl::StrCat("it has more than ", kMaxRank, " dimensions"));
    }
    entry_.shape.push_back(size);
    return absl::OkStatus();
  }

  absl::Status AddOffset(int64_t offset) {
    if (offset_count_ == 2) return WrongValue();
    (offset_count_++ == 0 ? entry_.begin : entry_.end) = offset;
    return absl::OkStatus();
  }

  absl::Status FinishTensor() {
    for (const auto& [has, field] : {std::pair(has_dtype_, "dtype"), std::pair(has_shape_, "shape"),
                                     std::pair(has_offsets_, "data_offsets")}) {
      if (!has) return WrongTensor(entry_.name, absl::StrCat("it has no ", field));
    }
    const absl::Status status = CheckEntry(entry_, data_bytes_);
    if (!status.ok()) return WrongTensor(entry_.name, status.message());
    header_.tensors.push_back(std::move(entry_));
    return absl::OkStatus();
  }

  // An object or array, or the end of one, that is none of those above.
  absl::Status BeginOther() {
    if (at_ != At::kUnknown) CAIRN_RETURN_IF_ERROR(Scalar());
    ++depth_;
    return Go(At::kUnknown);
  }
  absl::Status EndOther() { return Go(--depth_ > 0 ? At::kUnknown : At::kTensor); }

  // A value that is none of those above.
  absl::Status Scalar() const {
    if (at_ == At::kUnknown || (at_ == At::kTensor && field_ == Field::kUnknown)) {
      return absl::OkStatus();
    }
    return WrongValue();
  }

  absl::Status WrongValue() const {
    switch (at_) {
      case At::kStart:
        return Wrong("it is not a JSON object");
      case At::kMetadata:
        return metadata_.NoString();
      case At::kHeader:
        if (in_metadata_) return Wrong("__metadata__ is not an object");
        return WrongTensor(entry_.name, "it is not an object");
      default:
        break;
    }
    switch (field_) {
      case Field::kDtype:
        return WrongTensor(entry_.name, "its dtype is not a string");
      case Field::kShape:
        return WrongTensor(entry_.name, "its shape is not an array of whole numbers to 2^63-1");
      default:
        return WrongTensor(entry_.name,
                           "its data_offsets are not an array of two whole numbers to 2^63-1");
    }
  }

  const int64_t data_bytes_;
  SafetensorsHeader header_;
  At at_ = At::kStart;
  bool in_metadata_ = false;  // and not in a tensor, below the header
  bool has_metadata_ = false;
  MetadataBuilder metadata_;
  SafetensorsEntry entry_;  // the one that is read
  Field field_ = Field::kUnknown;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int offset_count_ = 0;
  int64_t depth_ = 0;  // in what we do not know
};

absl::Status CheckNames(const std::vector<SafetensorsEntry>& tensors) {
  std::vector<absl::string_view> names;
  names.reserve(tensors.size());
  for (const SafetensorsEntry& entry : tensors) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  return WrongTensor(*twice, "it is there twice");
}

// Requires: in the order of their bytes.
absl::Status CheckDense(const std::vector<SafetensorsEntry>& tensors, int64_t data_bytes) {
  const SafetensorsEntry* before = nullptr;
  int64_t end = 0;
  for (const SafetensorsEntry& entry : tensors) {
    if (entry.begin < end) {
      return WrongTensor(
          entry.name,
          absl::StrCat("its bytes begin at ", entry.begin, ", inside those of tensor \"",
                       KeyTextFromBytes(before->name), "\", which end at ", end));
    }
    if (entry.begin > end) {
      return WrongTensor(entry.name, absl::StrCat("its bytes begin at ", entry.begin,
                                                  "; those from ", end, " on are no tensor's"));
    }
    end = entry.end;
    before = &entry;
  }
  if (end == data_bytes) return absl::OkStatus();
  return Wrong(absl::StrCat("its tensors end at byte ", end, " of ", data_bytes,
                            " bytes of data; the rest is no tensor's"));
}

void AppendEntry(const SafetensorsEntry& entry, std::string* json) {
  absl::StrAppend(json, QuoteJson(entry.name), R"(:{"dtype":)", QuoteJson(entry.dtype),
                  R"(,"shape":[)", absl::StrJoin(entry.shape, ","), R"(],"data_offsets":[)",
                  entry.begin, ",", entry.end, "]}");
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json,
                                                         int64_t data_bytes) {
  // So that the file's first bytes tell what it is.
  if (json.substr(0, 1) != "{") return Wrong("it does not begin with {");
  HeaderVisitor visitor(data_bytes);
  CAIRN_RETURN_IF_ERROR(VisitJson(json, visitor));
  SafetensorsHeader header = visitor.Take();
  CAIRN_RETURN_IF_ERROR(CheckNames(header.tensors));
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  CAIRN_RETURN_IF_ERROR(CheckDense(header.tensors, data_bytes));
  return header;
}

std::string EncodeSafetensorsHeader(const SafetensorsHeader& header) {
  std::string json = "{";
  if (header.metadata.has_value()) {
    absl::StrAppend(&json, "\"", kSafetensorsMetadataName,
                    "\":", EncodeSafetensorsMetadata(*header.metadata));
  }
  for (const SafetensorsEntry& entry : header.tensors) {
    if (json.size() > 1) json += ',';
    AppendEntry(entry, &json);
  }
  json += '}';
  json.resize((json.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string bytes;
  bytes.reserve(kSafetensorsLengthBytes + json.size());
  for (int i = 0; i < kSafetensorsLengthBytes; ++i) {
    bytes += static_cast<char>(static_cast<uint64_t>(json.size()) >> (kBitsPerByte * i));
  }
  return bytes += json;
}

std::string EncodeSafetensorsMetadata(const SafetensorsMetadata& metadata) {
  return absl::StrCat(
      "{",
      absl::StrJoin(metadata, ",",
                    [](std::string* json, const SafetensorsMetadata::value_type& text) {
                      absl::StrAppend(json, QuoteJson(text.first), ":", QuoteJson(text.second));
                    }),
      "}");
}

absl::StatusOr<SafetensorsMetadata> ParseSafetensorsMetadata(absl::string_view json) {
  MetadataVisitor visitor;
  CAIRN_RETURN_IF_ERROR(VisitJson(json, visitor));
  return visitor.Take();
}

}  // namespace cairn
