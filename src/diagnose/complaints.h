// Connect attempts that came to nothing, with whom they were meant for.
#pragma once

#include <vector>

#include "diagnose/context.h"

namespace rankdx {

enum class Refusal { Refused, Blocked, Other };

struct Complaint {
  int process = -1;
  int target_host =
      -1;  ///< owner of the address; -1 when the line prints none or nobody is known to own it
  Refusal kind = Refusal::Other;
  const RetryFacts* retry = nullptr;
  const SourceFacts* source = nullptr;
};

/// Every retry that was not followed by success, as far as the lines tell.
std::vector<Complaint> open_complaints(const Context& context);

/// Hosts that complaints of this kind point at: by address, or, where the version prints none, the
/// one host of the job from which nobody complains.
std::set<int> accused_hosts(const Context& context, const std::vector<Complaint>& complaints,
                            Refusal kind);

/// Whether any complaint of this kind prints the address it was meant for.
bool names_a_target(const std::vector<Complaint>& complaints, Refusal kind);

}  // namespace rankdx
