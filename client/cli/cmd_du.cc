#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/table.h"

namespace cairn::cli {
namespace {

// A directory or a checkpoint and what it takes.
struct Line {
  std::string name;
  v1::Usage usage;
};

absl::StatusOr<v1::Usage> UsageOf(CommandContext& context, const std::string& directory,
                                  const std::string& checkpoint) {
  v1::GetUsageRequest request;
  request.set_directory(directory);
  request.set_checkpoint(checkpoint);
  return context.client.connection().GetUsage(request);
}

Json UsageDocument(const v1::Usage& usage) {
  return {{"logical_bytes", usage.logical_bytes()},
          {"stored_bytes", usage.stored_bytes()},
          {"shared_bytes", usage.shared_bytes()},
          {"freed_by_delete_bytes", usage.freed_by_delete_bytes()}};
}

Json LineDocuments(absl::string_view noun, const std::vector<Line>& lines) {
  Json list = Json::array();
  for (const Line& line : lines) {
    Json document = UsageDocument(line.usage);
    document[std::string(noun)] = line.name;
    list.push_back(std::move(document));
  }
  return list;
}

void PrintTable(absl::string_view noun, const std::vector<Line>& lines, Output& output) {
  Table table({{std::string(noun)},
               {"LOGICAL", Align::kRight},
               {"STORED", Align::kRight},
               {"SHARED", Align::kRight},
               {"FREED BY DELETE", Align::kRight}});
  for (const Line& line : lines) {
    table.AddRow({line.name, HumanBytes(line.usage.logical_bytes()),
                  HumanBytes(line.usage.stored_bytes()), HumanBytes(line.usage.shared_bytes()),
                  HumanBytes(line.usage.freed_by_delete_bytes())});
  }
  output.Print(table.ToString());
}

absl::Status ShowCheckpoint(const std::string& argument, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference, ParseReference(argument));
  CAIRN_ASSIGN_OR_RETURN(const v1::Usage usage,
                         UsageOf(context, reference.directory, reference.checkpoint));
  if (!context.output.json()) {
    PrintTable("CHECKPOINT", {{argument, usage}}, context.output);
    return absl::OkStatus();
  }
  Json document = UsageDocument(usage);
  document["reference"] = argument;
  context.output.PrintJson(document);
  return absl::OkStatus();
}

absl::Status ShowDirectory(const std::string& argument, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(argument));
  CAIRN_ASSIGN_OR_RETURN(const v1::Usage total, UsageOf(context, directory, ""));
  CAIRN_ASSIGN_OR_RETURN(const std::vector<v1::Checkpoint> checkpoints,
                         context.client.ListCheckpoints(directory));
  std::vector<Line> lines;
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    absl::StatusOr<v1::Usage> usage =
        UsageOf(context, directory, absl::StrCat("uid:", checkpoint.uid()));
    if (absl::IsNotFound(usage.status())) continue;  // deleted since it was listed
    CAIRN_RETURN_IF_ERROR(usage.status());
    lines.push_back({checkpoint.reference(), *std::move(usage)});
  }
  if (context.output.json()) {
    Json document = UsageDocument(total);
    document["directory"] = directory;
    document["checkpoints"] = LineDocuments("reference", lines);
    context.output.PrintJson(document);
    return absl::OkStatus();
  }
  lines.push_back({directory, total});
  PrintTable("CHECKPOINT", lines, context.output);
  return absl::OkStatus();
}

absl::Status ShowStore(CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<v1::Directory> directories,
                         context.client.ListDirectories());
  std::vector<Line> lines;
  for (const v1::Directory& directory : directories) {
    absl::StatusOr<v1::Usage> usage = UsageOf(context, directory.directory(), "");
    if (absl::IsNotFound(usage.status())) continue;
    CAIRN_RETURN_IF_ERROR(usage.status());
    lines.push_back({directory.directory(), *std::move(usage)});
  }
  if (context.output.json()) {
    context.output.PrintJson({{"directories", LineDocuments("directory", lines)}});
  } else {
    PrintTable("DIRECTORY", lines, context.output);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunUsageCommand(const UsageArguments& arguments, CommandContext& context) {
  if (arguments.of.empty()) return ShowStore(context);
  if (absl::StrContains(arguments.of, "@")) return ShowCheckpoint(arguments.of, context);
  return ShowDirectory(arguments.of, context);
}

}  // namespace cairn::cli
