// The steps of assemble(), each in its own file.
#pragma once

#include "job/job.h"

namespace rankdx {

/// Ties the processes of all sources: one (host, pid) in two sources is one process unless their
/// communicators disagree.
void tie_processes(const Facts& facts, Job& job);
/// Hosts with interfaces and network, versions and environment with the hosts that have them,
/// totals of the input.
void describe_hosts(const Facts& facts, Job& job);
/// Groups the communicators of all processes by the key their NCCL version prints (reference:
/// notes.md section 1.2).
void tie_communicators(Job& job);
/// Rings, trees, links and collective counts of one communicator from what all its ranks printed.
void draw_communicator(const Job& job, Communicator& comm);

}  // namespace rankdx
