// Jobs and diagnoses made by hand, for the tests of this room.
#pragma once

#include <deque>
#include <string>

#include "report/report.h"

namespace rankdx::test {

/// A job of `hosts` hosts with `per_host` ranks each, all ready, in one ring. Owns the facts that
/// the job points to.
struct MadeJob {
  std::deque<ProcessFacts> processes;
  std::deque<SourceFacts> sources;
  std::deque<CommFacts> comms;
  Job job;

  MadeJob(int hosts, int per_host) {
    Communicator world;
    world.id = "0xabc";
    world.nranks = hosts * per_host;
    world.nnodes = hosts;
    world.channels = 2;
    for (int h = 0; h < hosts; ++h) add_host(world, h, per_host);
    for (int r = 0; r < world.nranks; ++r) add_link(world, r, (r + 1) % world.nranks, per_host);
    job.communicators.push_back(std::move(world));
    job.nccl_versions = {{"2.28.9", {}, {}}};
    job.input = {static_cast<uint64_t>(hosts * per_host), 1 << 20, 5000, 4000, 0, 0};
  }

  Member& member(int rank) { return job.communicators[0].ranks[rank]; }

 private:
  static std::string name(int host) { return "gpu-" + std::to_string(1000 + host); }

  void add_host(Communicator& world, int h, int per_host) {
    const std::string address =
        "10.0." + std::to_string(h / 250) + "." + std::to_string(1 + h % 250);
    job.hosts.push_back({name(h), {"eth0:" + address}, "IB", per_host});
    for (int g = 0; g < per_host; ++g) {
      const int rank = h * per_host + g;
      ProcessFacts& facts = processes.emplace_back();
      facts.versions = {"2.28.9+cuda13.0"};
      facts.networks = {"IB"};
      SourceFacts& source = sources.emplace_back();
      source.name = "/home/alice/logs/" + name(h) + "-rank" + std::to_string(rank) + ".log";
      CommFacts& comm = comms.emplace_back();
      comm.cuda_dev = g;
      comm.nvml_dev = g;
      Process p;
      p.host = name(h);
      p.pid = 100 + rank;
      p.host_index = h;
      p.world_rank = rank;
      p.source = source.name;
      p.facts = {&facts};
      p.sources = {&source};
      job.processes.push_back(std::move(p));
      world.ranks.push_back({rank, rank, &comm, &source, Stage::InitComplete});
    }
  }

  static void add_link(Communicator& world, int from, int to, int per_host) {
    Link l;
    l.from = from;
    l.to = to;
    l.same_host = from / per_host == to / per_host;
    l.transport = *l.same_host ? "P2P/CUMEM" : "NET/IB/0/GDRDMA";
    l.channels = 2;
    world.links.push_back(std::move(l));
  }
};

inline Finding finding(std::string id, Role role, Severity severity, std::string title) {
  Finding f;
  f.id = std::move(id);
  f.role = role;
  f.severity = severity;
  f.confidence = Confidence::Likely;
  f.title = std::move(title);
  return f;
}

/// A full shared memory on gpu-1001 with two consequences in a chain and a note.
inline Diagnosis made_diagnosis() {
  Diagnosis d;
  d.verdict = Verdict::Failed;
  d.summary = "Shared memory is full (rank 3 on gpu-1001)";
  Finding lead =
      finding("shm-too-small", Role::RootCause, Severity::Error, "Shared memory is full");
  lead.confidence = Confidence::Certain;
  lead.cause = "NCCL could not allocate 9637888 bytes in /dev/shm of this container.";
  lead.where = {{"gpu-1001", "", 3, 1, "", ""}};
  lead.evidence = {{"rank3.log", 118,
                    "gpu-1001:9:9 [1] NCCL WARN Error while creating shared memory segment", 0}};
  lead.fix = {{"kubernetes", "Mount an emptyDir with medium: Memory at /dev/shm", ""},
              {"docker", "Give it more", "docker run --shm-size=16g"}};
  lead.explains = {"init-failed"};
  Finding init = finding("init-failed", Role::Consequence, Severity::Error, "NCCL could not start");
  init.explains = {"remote-closed", "shm-too-small"};
  init.evidence = {{"rank3.log", 120, "", 0}};
  Finding closed =
      finding("remote-closed", Role::Consequence, Severity::Error, "Peers lost the connection");
  closed.where = {{"gpu-1000", "", 0, {}, "10.0.0.2", ""}, {"gpu-1000", "", 1, {}, "10.0.0.2", ""}};
  d.findings = {lead, closed, init,
                finding("debug-left-on", Role::Note, Severity::Info, "Debug output is on")};
  return d;
}

}  // namespace rankdx::test
