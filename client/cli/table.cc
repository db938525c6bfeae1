#include "client/cli/table.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cairn::cli {
namespace {

constexpr absl::string_view kGap = "  ";

// Code points of UTF-8: every byte that continues none.
size_t WidthOf(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) widths_.push_back(WidthOf(column.title));
}

void Table::AddRow(std::vector<std::string> cells) {
  CAIRN_CHECK(cells.size() == columns_.size());
  for (size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], WidthOf(cells[i]));
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  if (rows_.empty()) return "";
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::string text;
  AppendLine(titles, &text);
  for (const std::vector<std::string>& row : rows_) AppendLine(row, &text);
  return text;
}

void Table::AppendLine(const std::vector<std::string>& cells, std::string* text) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths_[i] - WidthOf(cells[i]), ' ');
    if (i > 0) line.append(kGap.data(), kGap.size());
    line += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  *text += line + "\n";
}

}  // namespace cairn::cli
