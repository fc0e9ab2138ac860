#include "diagnose/context.h"

#include <fmt/format.h>

#include <algorithm>

namespace rankdx {
namespace {

std::string join(const std::vector<std::string>& words) {
  if (words.size() < 2) return words.empty() ? "" : words.front();
  std::string text;
  for (size_t i = 0; i + 1 < words.size(); ++i) text += (i ? ", " : "") + words[i];
  return text + " and " + words.back();
}

}  // namespace

Where Context::where(int process) const {
  Where w;
  if (process < 0) return w;
  const Process& p = job.processes[process];
  w.host = p.host;
  w.pod = p.origin;
  if (p.world_rank >= 0) w.rank = p.world_rank;
  for (const ProcessFacts* f : p.facts) {
    for (const CommFacts& c : f->comms) {
      if (c.cuda_dev >= 0) w.gpu = c.cuda_dev;
    }
  }
  return w;
}

Context::Context(const Facts& facts_in, const Job& job_in, const std::vector<RuleHit>& hits_in)
    : facts(facts_in), job(job_in), hits(hits_in) {
  for (size_t i = 0; i < job.processes.size(); ++i) {
    for (const ProcessFacts* f : job.processes[i].facts) {
      process_index_[f] = static_cast<int>(i);
      for (const InterfaceFacts& interface : f->interfaces) {
        address_hosts_[interface.address].insert(job.processes[i].host_index);
      }
    }
  }
  for (const RuleHit& h : hits) {
    const Rule& r = *h.rule;
    if (r.harmless.empty()) hit_ids_.insert(r.id);
    if (r.harmless.empty() && r.role == Role::RootCause && r.severity == Severity::Error) {
      with_own_cause_.insert(process_of(h));
    }
  }
}

int Context::process_of(const RuleHit& hit) const {
  if (!hit.notable || hit.notable->process < 0) return -1;
  auto found = process_index_.find(&hit.source->processes[hit.notable->process]);
  return found == process_index_.end() ? -1 : found->second;
}

std::string Context::pod_of(const RuleHit& hit) const {
  auto captured = [](const RuleHit& h) {
    const auto found = h.captures.find("pod");
    return found == h.captures.end() ? std::string() : found->second;
  };
  if (hit.rule->layer != Layer::Orchestrator && hit.rule->layer != Layer::Container) return {};
  if (std::string named = captured(hit); !named.empty()) return named;
  const int process = hit.notable->process;
  if (process >= 0 && !hit.source->processes[process].origin.empty())
    return hit.source->processes[process].origin;
  const RuleHit* described = nullptr;
  for (const RuleHit& h : hits) {
    if (h.rule->variant == "described" && h.source == hit.source &&
        h.notable->line <= hit.notable->line)
      described = &h;
  }
  return described ? captured(*described) : std::string();
}

int Context::host_of_address(std::string_view address) const {
  auto found = address_hosts_.find(std::string(address));
  return found == address_hosts_.end() || found->second.size() != 1 ? -1 : *found->second.begin();
}

bool Context::has_own_cause(int process) const { return with_own_cause_.count(process) != 0; }

const EnvSeen* Context::env(std::string_view name) const {
  auto found = std::find_if(job.environment.begin(), job.environment.end(),
                            [&](const EnvSeen& e) { return e.name == name; });
  return found == job.environment.end() ? nullptr : &*found;
}

bool Context::env_is(std::string_view name, std::string_view value) const {
  return std::any_of(job.environment.begin(), job.environment.end(), [&](const EnvSeen& e) {
    return e.name == name && (value.empty() || e.value == value);
  });
}

bool Context::hit(std::string_view id) const { return hit_ids_.find(id) != hit_ids_.end(); }

bool Context::any_failure_sign() const {
  const bool rule = std::any_of(hits.begin(), hits.end(), [](const RuleHit& h) {
    return h.rule->harmless.empty() && h.rule->severity == Severity::Error;
  });
  auto failed = [](const CommFacts& c) { return c.failed; };
  auto gave_up = [](const RetryFacts& r) { return r.exhausted; };
  return rule || std::any_of(job.processes.begin(), job.processes.end(), [&](const Process& p) {
           return std::any_of(p.facts.begin(), p.facts.end(), [&](const ProcessFacts* f) {
             return std::any_of(f->comms.begin(), f->comms.end(), failed) ||
                    std::any_of(f->retries.begin(), f->retries.end(), gave_up);
           });
         });
}

bool Context::engine_is_past_init() const {
  return std::any_of(job.processes.begin(), job.processes.end(), [](const Process& p) {
    return std::any_of(p.facts.begin(), p.facts.end(), [](const ProcessFacts* f) {
      return f->phase.entered.line != 0 && f->phase.phase >= Phase::Load;
    });
  });
}

bool Context::recognises_anything() const {
  auto known = [](const ProcessFacts& p) {
    return p.nccl_lines > 0 || p.phase.entered.line != 0 || !p.actor.empty();
  };
  return std::any_of(facts.sources.begin(), facts.sources.end(), [&](const auto& entry) {
    const SourceFacts& s = entry.second;
    return !s.notables.empty() || !s.python_errors.empty() || !s.vllm_version.empty() ||
           std::any_of(s.processes.begin(), s.processes.end(), known);
  });
}

Evidence Context::evidence(const SourceFacts& source, const KeptLine& line) const {
  return {source.name, line.line, line.text};
}

std::string Context::host_list(const std::set<int>& hosts) const {
  std::vector<std::string> names;
  for (int h : hosts) {
    if (h >= 0) names.push_back(job.hosts[h].name);
  }
  if (names.size() > 6) return fmt::format("{} hosts", names.size());
  return join(names);
}

bool is_serving(const SourceFacts& source) {
  return std::any_of(source.processes.begin(), source.processes.end(), [](const ProcessFacts& p) {
    return p.phase.entered.line != 0 && p.phase.phase == Phase::Serving;
  });
}

std::string rank_list(const std::vector<int>& ranks) {
  std::vector<std::string> words;
  for (size_t i = 0; i < ranks.size();) {
    size_t end = i;
    while (end + 1 < ranks.size() && ranks[end + 1] == ranks[end] + 1) ++end;
    if (end > i + 1) {
      words.push_back(fmt::format("{}-{}", ranks[i], ranks[end]));
    } else {
      for (size_t k = i; k <= end; ++k) words.push_back(std::to_string(ranks[k]));
    }
    i = end + 1;
  }
  return join(words);
}

MemberProgress progress_of(const Member& member) {
  return {member.facts->stage, member.facts->links.size(), member.facts->calls};
}

}  // namespace rankdx
