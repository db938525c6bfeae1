// Walks JSON text as it is parsed: a header of 100 MB would take gigabytes as a tree. Memory: its
// longest string. No exceptions.
#ifndef CAIRN_FORMATS_SAFETENSORS_JSON_VISITOR_H_
#define CAIRN_FORMATS_SAFETENSORS_JSON_VISITOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn {

// What is told of a document, in its order. An error ends the walk.
class JsonVisitor {
 public:
  virtual ~JsonVisitor() = default;
  virtual absl::Status BeginObject() = 0;
  virtual absl::Status EndObject() = 0;
  virtual absl::Status BeginArray() = 0;
  virtual absl::Status EndArray() = 0;
  // Of an object, before its value. Keys may come twice. Taken from by moving, as are strings.
  virtual absl::Status Key(std::string key) = 0;
  virtual absl::Status String(std::string value) = 0;
  virtual absl::Status Unsigned(uint64_t value) = 0;
  virtual absl::Status Null() = 0;
  // A boolean, a negative number (-0 too), one with a fraction or an exponent, or above 2^64-1.
  virtual absl::Status Other() = 0;
};

// Walks `text`, one JSON value in UTF-8 with white space at most around it.
// Errors: kInvalidArgument (something else; the byte is named), the visitor's own.
absl::Status VisitJson(absl::string_view text, JsonVisitor& visitor);

// `text` as a JSON string, quoted. Requires: IsUtf8(text).
std::string QuoteJson(absl::string_view text);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_JSON_VISITOR_H_
