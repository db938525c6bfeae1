// Aligned columns of text.
#ifndef CAIRN_CLIENT_CLI_TABLE_H_
#define CAIRN_CLIENT_CLI_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cairn::cli {

enum class Align { kLeft, kRight };

class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns);

  // Requires: one cell per column.
  void AddRow(std::vector<std::string> cells);

  // The titles and the rows, each line with its end. Without rows: nothing.
  std::string ToString() const;

 private:
  void AppendLine(const std::vector<std::string>& cells, std::string* text) const;

  const std::vector<Column> columns_;
  std::vector<size_t> widths_;  // code points
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_TABLE_H_
