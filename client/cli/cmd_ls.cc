#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/human.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/table.h"

namespace cairn::cli {
namespace {

absl::Status ListDirectories(CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<v1::Directory> directories,
                         context.client.ListDirectories());
  if (context.output.json()) {
    Json list = Json::array();
    for (const v1::Directory& directory : directories) {
      list.push_back(
          {{"directory", directory.directory()},
           {"checkpoints", directory.checkpoint_count()},
           {"latest", directory.has_latest_number() ? Json(directory.latest_number()) : Json()}});
    }
    context.output.PrintJson({{"directories", std::move(list)}});
    return absl::OkStatus();
  }
  Table table({{"DIRECTORY"}, {"CHECKPOINTS", Align::kRight}, {"LATEST", Align::kRight}});
  for (const v1::Directory& directory : directories) {
    table.AddRow({directory.directory(), absl::StrCat(directory.checkpoint_count()),
                  directory.has_latest_number() ? absl::StrCat(directory.latest_number()) : "-"});
  }
  context.output.Print(table.ToString());
  return absl::OkStatus();
}

Json CheckpointDocument(const v1::Checkpoint& checkpoint) {
  Json document = CheckpointName(checkpoint);
  document.erase("directory");
  document["commit_time"] = TimeText(checkpoint.commit_time());
  document["save_time"] = TimeText(checkpoint.save_time());
  document["preserved"] = checkpoint.preserved();
  document["tensors"] = checkpoint.tensor_count();
  document["bytes"] = checkpoint.logical_bytes();
  document["tags"] = std::vector<std::string>(checkpoint.tags().begin(), checkpoint.tags().end());
  return document;
}

absl::Status ListCheckpoints(const std::string& directory, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<v1::Checkpoint> checkpoints,
                         context.client.ListCheckpoints(directory));
  if (context.output.json()) {
    Json list = Json::array();
    for (const v1::Checkpoint& checkpoint : checkpoints) {
      list.push_back(CheckpointDocument(checkpoint));
    }
    context.output.PrintJson({{"directory", directory}, {"checkpoints", std::move(list)}});
    return absl::OkStatus();
  }
  Table table({{"NUMBER", Align::kRight},
               {"COMMITTED"},
               {"TENSORS", Align::kRight},
               {"SIZE", Align::kRight},
               {"KEPT"},
               {"TAGS"}});
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    table.AddRow({checkpoint.has_number() ? absl::StrCat(checkpoint.number())
                                          : absl::StrCat("uid:", checkpoint.uid()),
                  TimeText(checkpoint.commit_time()), HumanCount(checkpoint.tensor_count()),
                  HumanBytes(checkpoint.logical_bytes()),
                  checkpoint.preserved() ? "preserved" : "-",
                  absl::StrJoin(checkpoint.tags(), " ")});
  }
  context.output.Print(table.ToString());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunListCommand(const ListArguments& arguments, CommandContext& context) {
  if (arguments.directory.empty()) return ListDirectories(context);
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  return ListCheckpoints(directory, context);
}

}  // namespace cairn::cli
