#include "launch/lint/sbatch.h"

#include <array>
#include <cstdio>

#include "base/text.h"
#include "catalogue/nearest.h"

namespace rankdx::lint {
namespace {

/// sbatch(1) of Slurm 22.05 to 24.11: long names.
constexpr std::array<std::string_view, 86> kOptions = {"account",
                                                       "acctg-freq",
                                                       "array",
                                                       "batch",
                                                       "bb",
                                                       "bbf",
                                                       "begin",
                                                       "chdir",
                                                       "cluster-constraint",
                                                       "clusters",
                                                       "comment",
                                                       "constraint",
                                                       "container",
                                                       "contiguous",
                                                       "core-spec",
                                                       "cores-per-socket",
                                                       "cpu-freq",
                                                       "cpus-per-gpu",
                                                       "cpus-per-task",
                                                       "deadline",
                                                       "delay-boot",
                                                       "dependency",
                                                       "distribution",
                                                       "error",
                                                       "exclude",
                                                       "exclusive",
                                                       "export",
                                                       "export-file",
                                                       "extra-node-info",
                                                       "get-user-env",
                                                       "gid",
                                                       "gpu-bind",
                                                       "gpu-freq",
                                                       "gpus",
                                                       "gpus-per-node",
                                                       "gpus-per-socket",
                                                       "gpus-per-task",
                                                       "gres",
                                                       "gres-flags",
                                                       "hint",
                                                       "hold",
                                                       "ignore-pbs",
                                                       "input",
                                                       "job-name",
                                                       "kill-on-invalid-dep",
                                                       "licenses",
                                                       "mail-type",
                                                       "mail-user",
                                                       "mcs-label",
                                                       "mem",
                                                       "mem-bind",
                                                       "mem-per-cpu",
                                                       "mem-per-gpu",
                                                       "mincpus",
                                                       "network",
                                                       "nice",
                                                       "no-kill",
                                                       "no-requeue",
                                                       "nodefile",
                                                       "nodelist",
                                                       "nodes",
                                                       "ntasks",
                                                       "ntasks-per-core",
                                                       "ntasks-per-gpu",
                                                       "ntasks-per-node",
                                                       "ntasks-per-socket",
                                                       "open-mode",
                                                       "output",
                                                       "overcommit",
                                                       "oversubscribe",
                                                       "parsable",
                                                       "partition",
                                                       "prefer",
                                                       "priority",
                                                       "profile",
                                                       "propagate",
                                                       "qos",
                                                       "quiet",
                                                       "reboot",
                                                       "requeue",
                                                       "reservation",
                                                       "segment",
                                                       "signal",
                                                       "sockets-per-node",
                                                       "switches",
                                                       "threads-per-core"};
constexpr std::array<std::string_view, 16> kMoreOptions = {
    "test-only",     "thread-spec", "time",          "time-min", "tmp",  "tres-bind",
    "tres-per-task", "uid",         "use-min-nodes", "verbose",  "wait", "wait-all-nodes",
    "wckey",         "wrap",        "spread-job",    "stepmgr"};
constexpr std::pair<char, std::string_view> kShort[] = {
    {'A', "account"}, {'a', "array"},      {'C', "constraint"},   {'c', "cpus-per-task"},
    {'D', "chdir"},   {'d', "dependency"}, {'e', "error"},        {'F', "nodefile"},
    {'G', "gpus"},    {'J', "job-name"},   {'m', "distribution"}, {'N', "nodes"},
    {'n', "ntasks"},  {'o', "output"},     {'p', "partition"},    {'q', "qos"},
    {'t', "time"},    {'w', "nodelist"},   {'x', "exclude"},      {'M', "clusters"}};

struct Option {
  std::string name;
  Text value;
  Span span;
};

/// "--gres=gpu:4", "-N 2" of one line; the offset is of the text behind "#SBATCH".
std::vector<Option> options_of(std::string_view line, uint32_t offset) {
  std::vector<Option> out;
  size_t at = 0;
  auto word = [&]() -> Text {
    while (at < line.size() && is_space(line[at])) ++at;
    const size_t begin = at;
    while (at < line.size() && !is_space(line[at])) ++at;
    return {std::string(line.substr(begin, at - begin)),
            {offset + static_cast<uint32_t>(begin), offset + static_cast<uint32_t>(at)},
            false};
  };
  for (Text w = word(); !w.text.empty() && w.text[0] != '#'; w = word()) {
    Option o{w.text, {}, w.span};
    const size_t equals = w.text.find('=');
    if (w.text.starts_with("--")) {
      o.name = w.text.substr(2, equals == w.text.npos ? equals : equals - 2);
      if (equals != w.text.npos) {
        o.value = {w.text.substr(equals + 1),
                   {w.span.begin + static_cast<uint32_t>(equals) + 1, w.span.end},
                   false};
      }
    } else if (w.text.size() > 1 && w.text[0] == '-') {
      for (const auto& [letter, name] : kShort) {
        if (letter == w.text[1]) o.name = name;
      }
      if (w.text.size() > 2) o.value = {w.text.substr(2), {w.span.begin + 2, w.span.end}, false};
    } else {
      if (!out.empty() && out.back().value.text.empty()) out.back().value = w;
      continue;
    }
    out.push_back(std::move(o));
  }
  return out;
}

/// "gpu:4", "gpu:h100:8", "8", "h100:8".
std::optional<int64_t> gpus_of(std::string_view text) {
  text = text.substr(0, text.find(','));
  const size_t colon = text.rfind(':');
  if (colon == text.npos && text == "gpu") return 1;
  return parse_int<int64_t>(colon == text.npos ? text : text.substr(colon + 1));
}

bool is_known(std::string_view name) {
  for (std::string_view o : kOptions)
    if (o == name) return true;
  for (std::string_view o : kMoreOptions)
    if (o == name) return true;
  return false;
}

void note_unknown(const Option& o, Launch& launch) {
  std::vector<std::string_view> all(kOptions.begin(), kOptions.end());
  all.insert(all.end(), kMoreOptions.begin(), kMoreOptions.end());
  const auto near = nearest(o.name, all, 1);
  std::string detail = "sbatch has no option --" + o.name;
  std::vector<Edit> edits;
  if (!near.empty()) {
    detail += "; --" + std::string(near[0]) + " is near";
    const auto begin = o.span.begin + 2;
    edits.push_back({{begin, begin + static_cast<uint32_t>(o.name.size())}, std::string(near[0])});
  }
  launch.remarks.push_back({"sbatch-option-unknown", o.span, detail + ".", std::move(edits)});
}

void apply(const Option& o, Group& group, Container& container, std::optional<int64_t>& all_gpus,
           std::optional<int64_t>& tasks_per_node, std::optional<int64_t>& per_task) {
  if (o.name == "nodes") {
    // "2-4" leaves it open.
    group.nodes = parse_int<int64_t>(o.value.text);
    group.nodes_text = o.value;
  } else if (o.name == "gpus-per-node" || (o.name == "gres" && o.value.text.starts_with("gpu"))) {
    container.gpus = o.value;
    container.gpu_count = gpus_of(o.value.text);
  } else if (o.name == "gpus") {
    all_gpus = gpus_of(o.value.text);
    container.gpus = o.value;
  } else if (o.name == "gpus-per-task") {
    per_task = gpus_of(o.value.text);
    container.gpus = o.value;
  } else if (o.name == "ntasks-per-node") {
    tasks_per_node = parse_int<int64_t>(o.value.text);
  } else if (o.name == "job-name") {
    group.name = o.value.text;
  } else if (o.name == "partition" || o.name == "qos") {
    const std::string word = lower(o.value.text);
    if (word.find("preempt") != word.npos || word.find("scavenge") != word.npos ||
        word.find("spot") != word.npos) {
      group.preemptible = o.value;
    }
  }
}

}  // namespace

bool read_sbatch_lines(const SourceText& source, Group& group, Container& container,
                       Launch& launch) {
  bool any = false, commands = false;
  std::optional<int64_t> all_gpus, tasks_per_node, per_task;
  const std::string_view bytes = source.bytes();
  for (uint32_t at = 0; at < source.size(); at = source.line_end(at)) {
    std::string_view line = bytes.substr(at, source.line_end(at) - at);
    if (!line.starts_with("#SBATCH")) {
      commands |= !trim(line).empty() && trim(line)[0] != '#';
      continue;
    }
    any = true;
    if (commands) {
      launch.remarks.push_back(
          {"sbatch-option-ignored", {at, at + static_cast<uint32_t>(trim(line).size())}, "", {}});
      continue;
    }
    for (const Option& o : options_of(line.substr(7), at + 7)) {
      if (!o.name.empty() && o.name[0] != '-' && !is_known(o.name)) note_unknown(o, launch);
      apply(o, group, container, all_gpus, tasks_per_node, per_task);
    }
  }
  if (!any) return false;
  if (!group.nodes && !group.nodes_text) group.nodes = 1;
  if (!container.gpu_count && per_task && tasks_per_node)
    container.gpu_count = *per_task * *tasks_per_node;
  if (!container.gpu_count && per_task && !tasks_per_node) container.gpu_count = per_task;
  if (!container.gpu_count && all_gpus && group.nodes && *group.nodes > 0)
    container.gpu_count = *all_gpus / *group.nodes;
  return true;
}

}  // namespace rankdx::lint
