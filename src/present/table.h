// A table of safe texts that fits a width: columns are as wide as their content; the widest shrink
// first.
#pragma once

#include <string>
#include <vector>

namespace rankdx {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  /// Columns that the longest line takes when nothing is cut.
  size_t natural_width() const;
  /// Lines with a final newline, each behind `indent`. Cells that do not fit end in "…"; the last
  /// columns are left out where there is no room at all, and columns that are empty in all rows.
  std::string text(size_t width, std::string_view indent = "") const;

 private:
  std::vector<size_t> used_columns() const;
  std::vector<size_t> natural_widths(const std::vector<size_t>& used) const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace rankdx
