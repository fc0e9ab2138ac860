// Rank 0: shares out the inputs, reads its own, collects the parts, and gives up whoever is gone. A
// rank that is lost costs its own files only: its children in the tree send their parts straight to
// the root.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "mpi/link.h"

namespace rankdx::mpi {

/// Is that process gone for sure? False where that cannot be known (another host).
using IsGone = std::function<bool(const Hello&)>;

struct LostRank {
  int rank = 0;
  std::string host, why;
  size_t inputs = 0;
};

class Root {
 public:
  /// `inputs` with their sizes. Link and reader outlive the root.
  Root(Link& link, Reader& reader, Patience patience, const std::vector<InputPath>& inputs,
       const std::vector<uint64_t>& sizes, IsGone is_gone, double now_s);

  /// Does what can be done now; true when every rank has given its part or is lost.
  bool step(double now_s);
  void hurry(double now_s);
  /// After the last step: everything that was read, left_out in the order of the inputs.
  ReadResult result();
  std::vector<LostRank> lost() const;
  /// Tells all ranks that it is over.
  void dismiss();

 private:
  struct Peer {
    std::optional<Hello> hello;
    double last_s = 0;
    bool is_in = false;  ///< its part has come
    std::optional<std::string> lost;
  };
  void take(Message message, double now_s);
  void take_own_part(bool too_late);
  void look_for_lost(double now_s);
  void lose(int rank, const std::string& why);
  void check_in(const std::vector<int>& ranks);

  Link& link_;
  Reader& reader_;
  const Patience patience_;
  const IsGone is_gone_;
  std::vector<Work> work_;   ///< by rank
  std::vector<Peer> peers_;  ///< by rank; the root's own entry is in when its part is
  Part part_;
  double last_beat_s_, last_look_s_;
  std::optional<double> hurried_s_;
};

}  // namespace rankdx::mpi
