// What the commands print: results on one stream, errors and progress on another.
#ifndef CAIRN_CLIENT_CLI_OUTPUT_H_
#define CAIRN_CLIENT_CLI_OUTPUT_H_

#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn::cli {

// Keeps the order of its fields.
using Json = nlohmann::ordered_json;

// One thread.
class Output {
 public:
  struct Options {
    bool json = false;           // one document instead of text
    bool show_progress = false;  // `errors` is a terminal
    bool colors = false;         // and wants them
  };
  // The streams are borrowed.
  Output(std::ostream& results, std::ostream& errors, const Options& options)
      : results_(results), errors_(errors), options_(options) {}

  bool json() const { return options_.json; }
  bool show_progress() const { return options_.show_progress; }
  std::ostream& errors() { return errors_; }

  // Text as it is. Requires: !json().
  void Print(absl::string_view text);
  // Bytes as they are. Errors: kUnavailable (they could not be written). Requires: !json().
  absl::Status Write(absl::string_view bytes);
  // The document, on one line. Requires: json(); once.
  void PrintJson(const Json& document);
  // "error: ..."; with json() the document {"error": {"code", "reason", "message"}} as well.
  void PrintError(const absl::Status& status);

 private:
  std::ostream& results_;
  std::ostream& errors_;
  const Options options_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_OUTPUT_H_
