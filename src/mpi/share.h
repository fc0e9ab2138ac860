// Who reads which input, and the tree along which results come together. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace rankdx::mpi {

/// For each input the rank that reads it: the largest first, each to whoever has least so far.
/// Standard input ("-", given as `fixed`) belongs to rank 0.
std::vector<int> share_out(const std::vector<uint64_t>& sizes, const std::vector<bool>& fixed,
                           int ranks);

/// The tree: a rank without its lowest set bit is its parent. Rank 0 is the root.
int parent_of(int rank);
std::vector<int> children_of(int rank, int ranks);

}  // namespace rankdx::mpi
