#include <algorithm>
#include <map>
#include <set>

#include "job/assemble_parts.h"

namespace rankdx {
namespace {

/// Two records of one (host, pid) contradict each other when a communicator pointer or id stands
/// for different ranks.
bool contradict(const ProcessFacts& a, const ProcessFacts& b) {
  for (const CommFacts& x : a.comms) {
    for (const CommFacts& y : b.comms) {
      const bool same = x.has_comm_id && y.has_comm_id ? x.comm_id == y.comm_id && x.comm == y.comm
                                                       : x.comm && x.comm == y.comm;
      if (same && x.rank >= 0 && y.rank >= 0 && x.rank != y.rank) return true;
      const bool same_id = x.has_comm_id && y.has_comm_id && x.comm_id == y.comm_id;
      if (same_id && (x.rank != y.rank || (x.comm && y.comm && x.comm != y.comm))) return true;
    }
  }
  return !a.origin.empty() && !b.origin.empty() && a.origin != b.origin;
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

void add_process(Job& job, std::multimap<std::pair<std::string, int>, int>& known,
                 const SourceFacts& source, const ProcessFacts& p) {
  if (!p.host.empty()) {
    auto [from, to] = known.equal_range({p.host, p.pid});
    for (auto it = from; it != to; ++it) {
      Process& other = job.processes[it->second];
      auto clash = [&](const ProcessFacts* f) { return contradict(*f, p); };
      if (std::any_of(other.facts.begin(), other.facts.end(), clash)) continue;
      if (p.lines > other.facts.front()->lines) other.source = source.name;
      other.facts.push_back(&p);
      other.sources.push_back(&source);
      return;
    }
    known.emplace(std::make_pair(p.host, p.pid), static_cast<int>(job.processes.size()));
  }
  Process fresh;
  fresh.host = p.host;
  fresh.origin = p.origin;
  fresh.actor = p.actor;
  fresh.pid = p.pid;
  fresh.world_rank = p.label_rank;
  fresh.source = source.name;
  fresh.facts = {&p};
  fresh.sources = {&source};
  job.processes.push_back(std::move(fresh));
}

/// Processes come in order of their index.
void add_process(std::vector<int>& list, int index) {
  if (list.empty() || list.back() != index) list.push_back(index);
}

void describe_process(Job& job, int index, std::map<std::string, int>& by_version,
                      std::map<std::pair<std::string, std::string>, int>& by_env) {
  const Process& process = job.processes[index];
  Host& host = job.hosts[process.host_index];
  for (size_t i = 0; i < process.facts.size(); ++i) {
    const ProcessFacts& p = *process.facts[i];
    for (const InterfaceFacts& f : p.interfaces)
      add_once(host.interfaces, f.name + ":" + f.address);
    if (!p.networks.empty()) host.network = p.networks.back();
    for (const std::string& v : p.versions) {
      auto [at, fresh] = by_version.emplace(v, static_cast<int>(job.nccl_versions.size()));
      if (fresh) job.nccl_versions.push_back({v, {}, {}});
      add_process(job.nccl_versions[at->second].processes, index);
    }
    for (const EnvFacts& e : p.env) {
      auto [at, fresh] =
          by_env.emplace(std::make_pair(e.name, e.value), static_cast<int>(job.environment.size()));
      if (fresh)
        job.environment.push_back({e.name, e.value, {}, {}, e.at, process.sources[i]->name});
      add_process(job.environment[at->second].processes, index);
    }
  }
}

/// The hosts of these processes, in order of appearance.
std::vector<std::string> hosts_of(const Job& job, const std::vector<int>& processes) {
  std::vector<bool> seen(job.hosts.size());
  std::vector<std::string> names;
  for (int p : processes) {
    const auto host = static_cast<size_t>(job.processes[p].host_index);
    if (!seen[host]) names.push_back(job.processes[p].host);
    seen[host] = true;
  }
  return names;
}

}  // namespace

void tie_processes(const Facts& facts, Job& job) {
  std::multimap<std::pair<std::string, int>, int> known;
  for (const auto& [key, source] : facts.sources) {
    for (const ProcessFacts& p : source.processes) add_process(job, known, source, p);
  }
}

void describe_hosts(const Facts& facts, Job& job) {
  std::map<std::string, int> by_name, by_version;
  std::map<std::pair<std::string, std::string>, int> by_env;
  for (size_t i = 0; i < job.processes.size(); ++i) {
    Process& process = job.processes[i];
    if (process.host.empty()) continue;
    auto [at, fresh] = by_name.emplace(process.host, static_cast<int>(job.hosts.size()));
    if (fresh) job.hosts.push_back({process.host, {}, "", 0});
    process.host_index = at->second;
    ++job.hosts[at->second].processes;
    describe_process(job, static_cast<int>(i), by_version, by_env);
  }
  for (VersionSeen& v : job.nccl_versions) v.hosts = hosts_of(job, v.processes);
  for (EnvSeen& e : job.environment) e.hosts = hosts_of(job, e.processes);
  std::sort(job.environment.begin(), job.environment.end(), [](const EnvSeen& a, const EnvSeen& b) {
    return std::tie(a.name, a.value) < std::tie(b.name, b.value);
  });
  for (const auto& [key, source] : facts.sources) {
    InputTotals& t = job.input;
    ++t.sources;
    t.bytes += source.bytes;
    t.lines += source.lines;
    t.nccl_lines += source.nccl_lines;
    t.unrecognised_nccl_lines += source.unrecognised_nccl_lines;
    t.damaged_lines += source.damaged_lines;
    t.notables_dropped += source.notables_dropped;
    t.processes_dropped += source.processes_dropped;
    t.overlong_lines += source.overlong_lines;
    for (const ProcessFacts& p : source.processes) t.communicators_dropped += p.comms_dropped;
    if (job.vllm_version.empty()) job.vllm_version = source.vllm_version;
  }
}

Job assemble(const Facts& facts) {
  Job job;
  tie_processes(facts, job);
  describe_hosts(facts, job);
  tie_communicators(job);
  for (Communicator& comm : job.communicators) draw_communicator(job, comm);
  return job;
}

}  // namespace rankdx
