#include "storage/session_base.h"

#include <optional>
#include <utility>
#include <variant>

#include "storage/checkpoints.h"
#include "storage/reference.h"
#include "storage/session_settings.h"

namespace cairn::storage {

absl::StatusOr<Stored<CheckpointRecord>> ResolveBase(Table* table, const Directory& directory,
                                                     absl::string_view base) {
  CAIRN_ASSIGN_OR_RETURN(const Reference reference, ParseReference(base), "base");
  CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<CheckpointRecord>> found,
                         ResolveReference(table, directory, reference));
  if (!found) return WithContext(CheckpointNotFound(directory, base), "base");
  return *std::move(found);
}

absl::Status CheckSameBase(Table* table, const Directory& directory, const SessionRecord& session,
                           absl::string_view base) {
  if (base == session.base()) return absl::OkStatus();
  if (base.empty() || session.base_uid().empty()) {
    return SessionDiffers(session.session(), "base");
  }
  CAIRN_ASSIGN_OR_RETURN(const Reference reference, ParseReference(base), "base");
  if (std::holds_alternative<LatestReference>(reference)) return absl::OkStatus();
  if (const Uid* uid = std::get_if<Uid>(&reference)) {
    return uid->bytes() == session.base_uid() ? absl::OkStatus()
                                              : SessionDiffers(session.session(), "base");
  }
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<CheckpointRecord>> found,
                         ResolveReference(table, directory, reference));
  if (found && found->record.uid() == session.base_uid()) return absl::OkStatus();
  return SessionDiffers(session.session(), "base");
}

}  // namespace cairn::storage
