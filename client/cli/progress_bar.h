// One line that says how far a save or a restore is, with its rate and the time left.
#ifndef CAIRN_CLIENT_CLI_PROGRESS_BAR_H_
#define CAIRN_CLIENT_CLI_PROGRESS_BAR_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "client/cli/output.h"
#include "client/progress.h"

namespace cairn::cli {

// Where the output is no terminal it does nothing. The line is wiped when it is destroyed.
class ProgressBar {
 public:
  // `what`: "saving". The others are borrowed.
  ProgressBar(absl::string_view what, Output& output, Clock* clock);
  ~ProgressBar();

  // To be given to Client; must not be called after this is gone. Empty where nothing is shown.
  ProgressFn callback();

 private:
  std::string Line(const Progress& progress) const;

  const std::string what_;
  Output& output_;
  Clock* const clock_;
  const absl::Time start_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_PROGRESS_BAR_H_
