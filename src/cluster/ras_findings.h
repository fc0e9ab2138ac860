// Answers of NCCL's RAS service to findings. One answer proves little: a process that was asked
// late looks lost, both sides of a cut blame the other, and operation counts of a working job
// differ from one moment to the next. Therefore answers of several moments and several nodes are
// held against each other. Plain functions, no threads.
#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "cluster/ras.h"

namespace rankdx {

/// One question to one address and what came of it.
struct RasReply {
  std::string asked;  ///< address, pod or file
  double at_s = 0;    ///< when, in seconds from the first question
  int swallowed = 0;  ///< connections that were taken and never answered before this one
  std::optional<RasAnswer> answer;
  std::string problem;  ///< why there is none
  enum class Failure : uint8_t {
    None,
    Refused,
    Unreachable,
    Silent,
    Slow,
    Garbage
  } failure = Failure::None;
};

CheckReport judge_ras(const std::vector<RasReply>& replies);

/// Whether asking again a little later would tell more (somebody missing, counts that differ).
bool worth_asking_again(const RasAnswer& answer);

}  // namespace rankdx
