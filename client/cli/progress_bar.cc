#include "client/cli/progress_bar.h"

#include "absl/strings/str_cat.h"
#include "base/human.h"

namespace cairn::cli {
namespace {

constexpr char kWipeLine[] = "\r\033[K";

}  // namespace

ProgressBar::ProgressBar(absl::string_view what, Output& output, Clock* clock)
    : what_(what), output_(output), clock_(clock), start_(clock->Now()) {}

ProgressBar::~ProgressBar() {
  if (output_.show_progress()) output_.errors() << kWipeLine << std::flush;
}

ProgressFn ProgressBar::callback() {
  if (!output_.show_progress()) return nullptr;
  return [this](const Progress& progress) {
    output_.errors() << kWipeLine << Line(progress) << std::flush;
  };
}

std::string ProgressBar::Line(const Progress& progress) const {
  std::string line = absl::StrCat(what_, "  ", HumanBytes(progress.done_bytes), " of ",
                                  HumanBytes(progress.total_bytes));
  const double seconds = absl::ToDoubleSeconds(clock_->Now() - start_);
  if (seconds <= 0 || progress.done_bytes <= 0) return line;
  const double rate = static_cast<double>(progress.done_bytes) / seconds;
  const double left_bytes = static_cast<double>(progress.total_bytes - progress.done_bytes);
  absl::StrAppend(&line, "  ", HumanRate(rate), "  ",
                  HumanDuration(absl::Seconds(left_bytes / rate)), " left");
  return line;
}

}  // namespace cairn::cli
