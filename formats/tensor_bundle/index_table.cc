#include "formats/tensor_bundle/index_table.h"

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/error.h"
#include "formats/tensor_bundle/table_block.h"

namespace cairn {

absl::Status ReadIndexTable(
    const RandomReadFile& file,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> visit) {
  std::optional<std::string> last_key;
  const auto visit_in_order = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    if (last_key.has_value() && key <= *last_key) return DamagedTable("its keys are not in order");
    last_key = std::string(key);
    return visit(key, value);
  };
  return VisitDataBlocks(file, [&](const BlockHandle& handle) -> absl::Status {
    CAIRN_ASSIGN_OR_RETURN(const std::string block, ReadBlock(file, handle));
    return VisitBlock(block, visit_in_order);
  });
}

bool LooksLikeIndexTable(const RandomReadFile& file) { return ReadTableFooter(file).ok(); }

}  // namespace cairn
