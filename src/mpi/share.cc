#include "mpi/share.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace rankdx::mpi {

std::vector<int> share_out(const std::vector<uint64_t>& sizes, const std::vector<bool>& fixed,
                           int ranks) {
  using Load = std::pair<uint64_t, int>;  // bytes, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> least;
  uint64_t of_root = 0;
  for (size_t i = 0; i < sizes.size(); ++i) of_root += fixed[i] ? sizes[i] : 0;
  for (int r = 0; r < ranks; ++r) least.push({r == 0 ? of_root : 0, r});
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::vector<int> reader(sizes.size(), 0);
  constexpr uint64_t kOpening = 4096;  // an empty file costs something as well
  for (size_t i : order) {
    if (fixed[i]) continue;
    const auto [bytes, rank] = least.top();
    least.pop();
    reader[i] = rank;
    least.push({bytes + sizes[i] + kOpening, rank});
  }
  return reader;
}

int parent_of(int rank) { return rank & (rank - 1); }

std::vector<int> children_of(int rank, int ranks) {
  std::vector<int> children;
  for (int bit = 1; rank + bit < ranks && (rank & bit) == 0; bit <<= 1)
    children.push_back(rank + bit);
  return children;
}

}  // namespace rankdx::mpi
