#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"
#include "client/cli/command.h"
#include "client/cli/output.h"

namespace cairn::cli {

absl::Status RunCollectCommand(const CollectArguments& /*arguments*/, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const admin::v1::CollectResponse done,
                         context.client.connection().Collect({}));
  if (context.output.json()) {
    context.output.PrintJson({{"freed_bytes", done.freed_bytes()},
                              {"manifests", done.manifests()},
                              {"segments", done.segments()},
                              {"shrunk_segments", done.shrunk_segments()},
                              {"sessions", done.sessions()}});
    return absl::OkStatus();
  }
  context.output.Print(absl::StrCat("freed ", HumanBytes(done.freed_bytes()), ": ",
                                    done.manifests(), " manifests, ", done.segments(),
                                    " segments, a part of ", done.shrunk_segments(), " more\n"));
  return absl::OkStatus();
}

}  // namespace cairn::cli
