// `rankdx check mesh` run in all pods of a group at once, where their images have rankdx: every
// pair, both ways. Blocking; starts a thread per member.
#pragma once

#include "cluster/api.h"
#include "cluster/gathered.h"

namespace rankdx {

/// More members than this are not tested pair by pair: each costs a thread and an exec here.
inline constexpr size_t kMostMeshPods = 64;

/// Fills `g.mesh`, or says in `g.failed` why there is none. Does nothing where fewer than two pods
/// can take part.
void gather_mesh(ClusterApi& api, Gathered& g);

/// Takes part: runs, has rankdx in its image, and an address that no other pod of the group has.
std::vector<size_t> mesh_members(const Gathered& g);

}  // namespace rankdx
