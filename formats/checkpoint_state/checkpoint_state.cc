#include "formats/checkpoint_state/checkpoint_state.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{64} << 20;

absl::Status BadState(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("not a checkpoint state file: ", what));
}

// Keeps the first error; the default one prints to stderr.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AppendLine(absl::string_view field, absl::string_view value, std::string* out) {
  absl::StrAppend(out, field, ": ", value, "\n");
}

void AppendPath(absl::string_view field, absl::string_view path, std::string* out) {
  AppendLine(field, absl::StrCat("\"", absl::Utf8SafeCEscape(path), "\""), out);
}

}  // namespace

absl::StatusOr<formats::CheckpointState> ParseCheckpointState(absl::string_view text) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  formats::CheckpointState state;
  if (!parser.ParseFromString(std::string(text), &state)) return BadState(error.text());
  if (state.model_checkpoint_path().empty()) {
    return BadState("it names no model_checkpoint_path; remove it or name the latest checkpoint");
  }
  const int timestamps = state.all_model_checkpoint_timestamps_size();
  if (timestamps > 0 && timestamps != state.all_model_checkpoint_paths_size()) {
    return BadState(absl::StrCat("it has ", timestamps, " timestamps for ",
                                 state.all_model_checkpoint_paths_size(), " checkpoints"));
  }
  return state;
}

std::string PrintCheckpointState(const formats::CheckpointState& state) {
  std::string text;
  if (!state.model_checkpoint_path().empty()) {
    AppendPath("model_checkpoint_path", state.model_checkpoint_path(), &text);
  }
  for (const std::string& path : state.all_model_checkpoint_paths()) {
    AppendPath("all_model_checkpoint_paths", path, &text);
  }
  for (const double timestamp : state.all_model_checkpoint_timestamps()) {
    AppendLine("all_model_checkpoint_timestamps", PrintTimestamp(timestamp), &text);
  }
  if (state.last_preserved_timestamp() != 0) {
    AppendLine("last_preserved_timestamp", PrintTimestamp(state.last_preserved_timestamp()), &text);
  }
  return text;
}

absl::StatusOr<formats::CheckpointState> ReadCheckpointState(FileSystem* file_system,
                                                             const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const std::string text, file_system->ReadWhole(path, kMaxFileBytes));
  CAIRN_ASSIGN_OR_RETURN(formats::CheckpointState state, ParseCheckpointState(text), path);
  return state;
}

// As Python's repr() has it, which TensorFlow prints with: with a point or an exponent, the
// exponent from 1e16 up and below 1e-4.
std::string PrintTimestamp(double timestamp) {
  if (std::isnan(timestamp)) return "nan";
  if (std::isinf(timestamp)) return timestamp > 0 ? "inf" : "-inf";
  const double size = std::abs(timestamp);
  const bool has_exponent = size != 0 && (size >= 1e16 || size < 1e-4);
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), timestamp,
                    has_exponent ? std::chars_format::scientific : std::chars_format::fixed);
  const absl::string_view digits(buffer, end.ptr - buffer);
  return absl::StrCat(digits, has_exponent || absl::StrContains(digits, ".") ? "" : ".0");
}

absl::StatusOr<double> ParseTimestamp(absl::string_view text) {
  double timestamp = 0;
  if (!absl::SimpleAtod(text, &timestamp) || !std::isfinite(timestamp)) {
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                     absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\" is no timestamp"));
  }
  return timestamp;
}

absl::string_view RecordedName(absl::string_view recorded) {
  return recorded.substr(recorded.rfind('/') + 1);  // npos + 1 is 0
}

std::string PrefixBesideState(absl::string_view state_path, absl::string_view recorded) {
  const absl::string_view folder = state_path.substr(0, state_path.rfind('/') + 1);
  return absl::StrCat(folder, RecordedName(recorded));
}

}  // namespace cairn
