// Several answers of NCCL's RAS service laid over each other: per rank, which answers have it and
// which miss it. Plain values, no threads.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/finding.h"
#include "cluster/ras.h"

namespace rankdx {

/// What all answers together say of one rank of one communicator.
struct RankView {
  RasRank last;                          ///< as the last answer that named it has it
  std::set<size_t> missing_in, seen_in;  ///< indexes of replies
  bool dead = false;
};

struct CommunicatorView {
  std::string hash;
  int size = 0;
  std::map<int, RankView> ranks;
  std::vector<size_t> told_in;  ///< replies that describe it, in order
};

struct Views {
  std::map<std::string, CommunicatorView> communicators;
  std::map<RasProcess, std::set<size_t>> lost;  ///< key without the `dead` mark and GPUs
  std::map<RasProcess, RasProcess> lost_details;
  int64_t ranks = 0;  ///< filled in so far
};

RasProcess key_of(const std::string& host, int pid);
void add_answer(const RasAnswer& answer, size_t reply, Views& views);

/// "rank 3 on 10.244.2.21 (process 250, GPU 1)".
std::string place_of(const RasRank& r);
Where where_of(const RasRank& r);
/// Several of them; of many the first four.
std::string listed(const std::vector<RasRank>& ranks);

struct Behind {
  std::string collective;
  uint64_t least = 0, most = 0;
  std::vector<RasRank> ranks;
};

/// Who launched fewer operations in one answer; text answers name single ranks and count the
/// others.
std::vector<Behind> behind_in(const RasCommunicator& c);

}  // namespace rankdx
