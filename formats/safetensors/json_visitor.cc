#include "formats/safetensors/json_visitor.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

using Json = nlohmann::json;

absl::Status NotJson(size_t byte) {
  return absl::InvalidArgumentError(
      absl::StrCat("it is not UTF-8 text of one JSON value, from byte ", byte, " on"));
}

// What the parser calls; false ends it.
class Adapter : public nlohmann::json_sax<Json> {
 public:
  explicit Adapter(JsonVisitor& visitor) : visitor_(visitor) {}

  absl::Status TakeStatus() { return std::move(status_); }

  bool null() override { return Take(visitor_.Null()); }
  bool boolean(bool) override { return Take(visitor_.Other()); }
  bool number_integer(number_integer_t) override { return Take(visitor_.Other()); }
  bool number_unsigned(number_unsigned_t value) override { return Take(visitor_.Unsigned(value)); }
  bool number_float(number_float_t, const string_t&) override { return Take(visitor_.Other()); }
  bool string(string_t& value) override { return Take(visitor_.String(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // never in text
  bool start_object(size_t) override { return Take(visitor_.BeginObject()); }
  bool key(string_t& value) override { return Take(visitor_.Key(std::move(value))); }
  bool end_object() override { return Take(visitor_.EndObject()); }
  bool start_array(size_t) override { return Take(visitor_.BeginArray()); }
  bool end_array() override { return Take(visitor_.EndArray()); }
  bool parse_error(size_t byte, const std::string&, const Json::exception&) override {
    return Take(NotJson(byte));
  }

 private:
  bool Take(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  JsonVisitor& visitor_;
  absl::Status status_;
};

}  // namespace

absl::Status VisitJson(absl::string_view text, JsonVisitor& visitor) {
  // The parser would skip the one and take the other for the end.
  if (text.substr(0, 1) == "\xef") return NotJson(0);
  if (const size_t zero = text.find('\0'); zero != absl::string_view::npos) return NotJson(zero);
  Adapter adapter(visitor);
  const bool parsed = Json::sax_parse(text.begin(), text.end(), &adapter);
  absl::Status status = adapter.TakeStatus();
  CAIRN_CHECK(parsed == status.ok());
  return status;
}

std::string QuoteJson(absl::string_view text) {
  constexpr int kOneLine = -1;
  return Json(std::string(text)).dump(kOneLine, ' ', /*ensure_ascii=*/false);
}

}  // namespace cairn
