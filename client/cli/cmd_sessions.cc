#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/table.h"

namespace cairn::cli {
namespace {

std::string StateText(const v1::SaveSession& session) {
  const std::string name = v1::SaveSession::State_Name(session.state());
  return absl::AsciiStrToLower(absl::StripPrefix(name, "STATE_"));
}

Json SessionDocument(const v1::SaveSession& session) {
  std::vector<std::string> sealed;
  for (const v1::SaveSession::Writer& writer : session.writers()) sealed.push_back(writer.writer());
  return {{"session", session.session()},
          {"state", StateText(session)},
          {"number", session.has_checkpoint_number() ? Json(session.checkpoint_number()) : Json()},
          {"uid", session.uid()},
          {"writers_expected", session.expected_writers()},
          {"writers_sealed", sealed},
          {"create_time", TimeText(session.create_time())},
          {"expire_time", TimeText(session.expire_time())}};
}

}  // namespace

absl::Status RunSessionsCommand(const SessionsArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  CAIRN_ASSIGN_OR_RETURN(const std::vector<v1::SaveSession> sessions,
                         context.client.ListSaveSessions(directory));
  if (context.output.json()) {
    Json list = Json::array();
    for (const v1::SaveSession& session : sessions) list.push_back(SessionDocument(session));
    context.output.PrintJson({{"directory", directory}, {"sessions", std::move(list)}});
    return absl::OkStatus();
  }
  Table table({{"SESSION"},
               {"STATE"},
               {"NUMBER", Align::kRight},
               {"SEALED", Align::kRight},
               {"OPENED"},
               {"EXPIRES"}});
  for (const v1::SaveSession& session : sessions) {
    const bool open = session.state() == v1::SaveSession::STATE_OPEN;
    table.AddRow({session.session(), StateText(session),
                  session.has_checkpoint_number() ? absl::StrCat(session.checkpoint_number()) : "-",
                  absl::StrCat(session.writers_size(), "/", session.expected_writers()),
                  TimeText(session.create_time()), open ? TimeText(session.expire_time()) : "-"});
  }
  context.output.Print(table.ToString());
  return absl::OkStatus();
}

absl::Status RunAbortCommand(const AbortArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  v1::AbortSaveSessionRequest request;
  request.set_directory(directory);
  request.set_session(arguments.session);
  request.set_reason("cairn abort");
  CAIRN_ASSIGN_OR_RETURN(const v1::SaveSession session,
                         context.client.connection().AbortSaveSession(request));
  if (context.output.json()) {
    Json document = SessionDocument(session);
    document["directory"] = directory;
    context.output.PrintJson(document);
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
