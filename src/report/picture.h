// The picture of a job as tables: ranks, transports, differences. Short for any number of ranks.
#pragma once

#include <string>

#include "report/report.h"

namespace rankdx {

/// "4 ranks on 2 hosts, NCCL 2.28.9, network Socket".
std::string job_in_a_line(const Job& job);

/// One row per rank, or one per host where there are many.
std::string rank_table(const Job& job, int width);

/// Transport per pair of ranks as a matrix, or counts per kind of pair where there are many.
std::string transport_picture(const Job& job, int width);

/// What is not the same on all hosts: versions, variables, networks. "" when nothing differs.
std::string differences(const Job& job, int width);

/// Rings, trees, links, environment and communicators, for --verbose.
std::string everything_else(const Job& job, int width);

}  // namespace rankdx
