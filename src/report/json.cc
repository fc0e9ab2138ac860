#include <algorithm>
#include <nlohmann/json.hpp>

#include "present/finding_json.h"
#include "report/report.h"

#ifndef RANKDX_VERSION
#define RANKDX_VERSION "unknown"
#endif

namespace rankdx {
namespace {

OrderedJson known_or_null(int number) {
  return number >= 0 ? OrderedJson(number) : OrderedJson(nullptr);
}

/// 0x1b000 as NCCL prints it, "1b000".
OrderedJson bus_id(const CommFacts& facts) {
  if (!facts.has_bus_id) return nullptr;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint64_t rest = facts.bus_id; rest > 0 || text.empty(); rest >>= 4)
    text += kDigits[rest & 15];
  std::reverse(text.begin(), text.end());
  return text;
}

OrderedJson member_json(const Job& job, const Member& m) {
  const Process& p = job.processes[m.process];
  const CommFacts& f = *m.facts;
  return {
      {"rank", m.rank},
      {"host", text_or_null(p.host)},
      {"pod", text_or_null(p.origin)},
      {"pid", known_or_null(p.pid)},
      {"cuda_device", known_or_null(f.cuda_dev)},
      {"nvml_device", known_or_null(f.nvml_dev)},
      {"bus_id", bus_id(f)},
      {"stage", to_string(m.stage)},
      {"source", m.source->name},
      {"init_seconds", f.init_seconds >= 0 ? OrderedJson(f.init_seconds) : OrderedJson(nullptr)}};
}

OrderedJson links_json(const Communicator& c) {
  OrderedJson list = OrderedJson::array();
  for (const Link& l : c.links) {
    list.push_back({{"from", l.from},
                    {"to", l.to},
                    {"transport", l.transport},
                    {"same_host", l.same_host ? OrderedJson(*l.same_host) : OrderedJson(nullptr)},
                    {"channels", l.channels}});
  }
  return list;
}

OrderedJson communicator_json(const Job& job, const Communicator& c) {
  OrderedJson json = {
      {"id", c.id},
      {"parent", c.parent ? OrderedJson(*c.parent) : OrderedJson(nullptr)},
      {"nranks", known_or_null(c.nranks)},
      {"nnodes", c.nnodes ? OrderedJson(*c.nnodes) : OrderedJson(nullptr)},
      {"channels", c.channels > 0 ? OrderedJson(c.channels) : OrderedJson(nullptr)}};
  json["ranks"] = OrderedJson::array();
  for (const Member& m : c.ranks) json["ranks"].push_back(member_json(job, m));
  json["missing_ranks"] = c.missing_ranks;
  json["rings"] = c.rings;
  json["trees"] = OrderedJson::array();
  for (const TreePicture& t : c.trees)
    json["trees"].push_back({{"channel", t.channel}, {"edges", t.edges}});
  json["links"] = links_json(c);
  json["collectives"] = OrderedJson::array();
  for (const CollectiveCount& n : c.collectives) {
    json["collectives"].push_back({{"rank", n.rank}, {"count", n.count}, {"last", n.last}});
  }
  return json;
}

OrderedJson job_json(const Job& job) {
  OrderedJson json;
  json["nccl_versions"] = OrderedJson::array();
  for (const VersionSeen& v : job.nccl_versions)
    json["nccl_versions"].push_back({{"version", v.version}, {"hosts", v.hosts}});
  json["vllm_version"] = text_or_null(job.vllm_version);
  json["environment"] = OrderedJson::array();
  for (const EnvSeen& e : job.environment) {
    json["environment"].push_back({{"name", e.name}, {"value", e.value}, {"hosts", e.hosts}});
  }
  json["hosts"] = OrderedJson::array();
  for (const Host& h : job.hosts) {
    json["hosts"].push_back({{"name", h.name},
                             {"interfaces", h.interfaces},
                             {"network", text_or_null(h.network)},
                             {"processes", h.processes}});
  }
  json["communicators"] = OrderedJson::array();
  for (const Communicator& c : job.communicators)
    json["communicators"].push_back(communicator_json(job, c));
  return json;
}

OrderedJson input_json(const Report& report) {
  const InputTotals& in = report.job->input;
  OrderedJson json = {{"sources", in.sources},
                      {"bytes", in.bytes},
                      {"lines", in.lines},
                      {"nccl_lines", in.nccl_lines},
                      {"unrecognised_nccl_lines", in.unrecognised_nccl_lines},
                      {"damaged_lines", in.damaged_lines},
                      {"beyond_limits",
                       {{"communicators", in.communicators_dropped},
                        {"kept_lines", in.notables_dropped},
                        {"process_lines", in.processes_dropped},
                        {"long_lines", in.overlong_lines}}}};
  json["left_out"] = OrderedJson::array();
  for (const Error& e : report.left_out)
    json["left_out"].push_back(
        {{"source", e.place}, {"why", e.text}, {"hint", text_or_null(e.hint)}});
  return json;
}

}  // namespace

std::string render_json(const Report& report) {
  return dumped({{"schema", "rankdx.diagnosis/1"},
                 {"tool", {{"name", "rankdx"}, {"version", RANKDX_VERSION}}},
                 {"verdict", to_string(report.diagnosis.verdict)},
                 {"summary", report.diagnosis.summary},
                 {"findings", findings_to_json(report.diagnosis.findings)},
                 {"job", job_json(*report.job)},
                 {"input", input_json(report)}});
}

}  // namespace rankdx
