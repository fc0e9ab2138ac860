// The picture of a job as tables: ranks, transports, differences. Short for any number of ranks:
// what is alike is one row, and what is not comes first.
#pragma once

#include <string>

#include "report/report.h"

namespace rankdx {

/// "4 ranks on 2 hosts, NCCL 2.28.9, network Socket".
std::string job_in_a_line(const Job& job);

/// One row per rank of the first communicator, or one per group of hosts that look alike where
/// there are many; the processes of a job without a communicator.
std::string rank_table(const Job& job, int width);

/// Transport per pair of ranks as a matrix; per pair of hosts where there are many ranks; counts,
/// and the hosts that do not do as most do, where there are many hosts.
std::string transport_picture(const Job& job, int width);

/// Pairs counted by transport: "P2P/CUMEM on one host, 96 pairs, first 0 -> 1".
std::string transport_counts(const Communicator& communicator, int width);

/// What is not the same on all hosts: versions, variables, networks. "" when nothing differs.
std::string differences(const Job& job, int width);

/// Rings, trees, links, environment and communicators, for --verbose.
std::string everything_else(const Job& job, int width);

/// Where a process runs, safe: the host as NCCL printed it, else the name that a wrapper gave it.
std::string host_of(const Job& job, int process);

/// "a, b", "first, second and 1,278 more": names made safe, in at most about 60 columns.
std::string names_in_short(const std::vector<std::string>& names);

}  // namespace rankdx
