#include "present/table.h"

#include <algorithm>
#include <numeric>

#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kGap = 2, kLeastColumn = 4;

/// Takes columns from the widest until all fit: the widest are levelled to the next one, however
/// wide they were.
void shrink(std::vector<size_t>& widths, size_t room) {
  size_t sum = std::accumulate(widths.begin(), widths.end(), size_t{0});
  while (sum > room) {
    const size_t widest = *std::max_element(widths.begin(), widths.end());
    if (widest <= kLeastColumn) return;
    size_t next = kLeastColumn, several = 0;
    for (size_t w : widths) {
      if (w == widest) ++several;
      if (w < widest) next = std::max(next, w);
    }
    const size_t each = std::max<size_t>(1, std::min(widest - next, (sum - room) / several));
    for (size_t& w : widths) {
      if (w != widest || sum <= room) continue;
      w -= each;
      sum -= each;
    }
  }
}

}  // namespace

std::vector<size_t> Table::used_columns() const {
  std::vector<size_t> used;
  for (size_t c = 0; c < header_.size(); ++c) {
    auto filled = [&](const auto& row) { return c < row.size() && !row[c].empty(); };
    if (std::any_of(rows_.begin(), rows_.end(), filled)) used.push_back(c);
  }
  return used;
}

std::vector<size_t> Table::natural_widths(const std::vector<size_t>& used) const {
  std::vector<size_t> widths;
  for (size_t c : used) {
    size_t width = display_width(header_[c]);
    for (const auto& row : rows_)
      width = std::max(width, c < row.size() ? display_width(row[c]) : 0);
    widths.push_back(width);
  }
  return widths;
}

size_t Table::natural_width() const {
  const auto widths = natural_widths(used_columns());
  return std::accumulate(widths.begin(), widths.end(),
                         widths.empty() ? 0 : kGap * (widths.size() - 1));
}

std::string Table::text(size_t width, std::string_view indent) const {
  std::vector<size_t> used = used_columns();
  std::vector<size_t> widths = natural_widths(used);
  // Where not even the narrowest columns fit, the last go: tables put first what matters.
  auto least = [&] {
    size_t sum = indent.size() + kGap * (widths.size() - 1);
    for (size_t w : widths) sum += std::min(w, kLeastColumn);
    return sum;
  };
  while (used.size() > 2 && least() > width) {
    used.pop_back();
    widths.pop_back();
  }
  const size_t fixed = indent.size() + (used.empty() ? 0 : kGap * (used.size() - 1));
  shrink(widths, width > fixed ? width - fixed : 1);
  std::string out;
  auto line = [&](const std::vector<std::string>& row) {
    out += indent;
    for (size_t i = 0; i < used.size(); ++i) {
      const std::string cell = shortened(used[i] < row.size() ? row[used[i]] : "", widths[i]);
      out += cell;
      if (i + 1 < used.size())
        out.append(widths[i] - std::min(display_width(cell), widths[i]) + kGap, ' ');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += "\n";
  };
  line(header_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace rankdx
