// One member of the mesh: joins the others, tests its ways when all are there, and learns the whole
// result. Members form a tree: each hangs below the first one of a smaller index that it can reach;
// what goes up reaches the root, what the root says goes down to all. So a member that cannot reach
// the root still takes part through another.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "probe/mesh/handshake.h"
#include "probe/mesh/model.h"
#include "probe/mesh/probe.h"

namespace rankdx {

struct MeshPeer {
  std::string listed;                  ///< as the user wrote it
  std::vector<std::string> addresses;  ///< numeric; empty when the name does not resolve
};

struct MeshOptions {
  std::vector<MeshPeer> peers;  ///< the list; or one: the rendezvous
  int self = 0;  ///< own index in `peers`; with a rendezvous: 0 the root, else any other number
  bool rendezvous = false;
  int size = 0;  ///< members in all; the list's length, or as told
  uint16_t control_port = 0;
  std::string control_bind;  ///< address to listen on; "": all
  std::string token;
  std::chrono::milliseconds wait{60000};  ///< for the others to arrive
  size_t parallel = 16;                   ///< ways tested at a time
  ProbeLimits limits;
};

/// What a run gives. `error` is set when this member saw no result (root gone, nobody reached).
struct MeshOutcome {
  std::optional<MeshData> data;
  std::string error;
};

class Participant {
 public:
  /// `own`: name, addresses, names and so on; ports are filled in here.
  Participant(Loop& loop, MeshOptions options, MeshMember own);
  ~Participant();
  /// Starts; before this object goes, the loop must have ended or abandoned what waits. `done` is
  /// called once, from the loop.
  void start(std::function<void(MeshOutcome)> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs one member to its end on a loop of its own.
MeshOutcome run_mesh(const MeshOptions& options, const MeshMember& own);

}  // namespace rankdx
