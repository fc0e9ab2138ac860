#include "catalogue/nearest.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr size_t kMaxWord = 200;

/// One row of the table of the optimal string alignment distance.
using Row = std::array<int, kMaxWord + 1>;

int aligned(const std::string& a, const std::string& b, int limit) {
  Row rows[3];
  Row *before = &rows[0], *last = &rows[1], *now = &rows[2];
  for (size_t j = 0; j <= b.size(); ++j) (*last)[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    (*now)[0] = static_cast<int>(i);
    int least = (*now)[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = (*last)[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      int best = std::min({(*last)[j] + 1, (*now)[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, (*before)[j - 2] + 1);
      (*now)[j] = best;
      least = std::min(least, best);
    }
    if (least > limit) return limit + 1;
    Row* const free = before;
    before = last;
    last = now;
    now = free;
  }
  return std::min((*last)[b.size()], limit + 1);
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b, int limit) {
  const std::string x = lower(a), y = lower(b);
  if (x == y) return 0;
  const auto apart =
      std::llabs(static_cast<long long>(x.size()) - static_cast<long long>(y.size()));
  if (apart > limit || x.size() > kMaxWord || y.size() > kMaxWord) return limit + 1;
  return aligned(x, y, limit);
}

int typo_limit(std::string_view word) { return word.size() <= 5 ? 1 : word.size() <= 9 ? 2 : 3; }

std::vector<std::string_view> nearest(std::string_view word,
                                      std::span<const std::string_view> candidates, size_t most) {
  const int limit = typo_limit(word);
  std::vector<std::pair<int, std::string_view>> found;
  for (const std::string_view c : candidates) {
    if (const int edits = edit_distance(word, c, limit); edits <= limit)
      found.emplace_back(edits, c);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> words;
  for (size_t i = 0; i < found.size() && i < most; ++i) words.push_back(found[i].second);
  return words;
}

}  // namespace rankdx
