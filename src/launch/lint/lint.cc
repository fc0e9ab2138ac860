#include "launch/lint/lint.h"

#include <algorithm>
#include <climits>

#include "base/text.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

constexpr int kMostRounds = 10;
constexpr size_t kMostIssues = 10'000;

/// Edits are made in this order, a kind at a time: what breaks the text itself hides the rest; what
/// changes the number of pods or their commands waits until all else is mended.
int order_of(std::string_view rule) {
  if (rule.starts_with("shell-") || rule.starts_with("yaml-")) return 0;
  if (rule == "workers-besides-leader") return 2;
  return rule == "separate-servers" ? 3 : 1;
}

std::string_view kind_name(SourceKind kind) {
  switch (kind) {
    case SourceKind::Runai:
      return "Run:ai command";
    case SourceKind::Kubernetes:
      return "Kubernetes manifest";
    case SourceKind::Compose:
      return "compose file";
    case SourceKind::Slurm:
      return "batch script";
    case SourceKind::Environment:
      return "environment";
    default:
      return "shell text";
  }
}

size_t count_variables(const Launch& launch) {
  size_t n = 0;
  for (const Group& g : launch.groups) {
    for (const Container& c : g.containers) n += variables_of(c).size();
  }
  return n;
}

std::string number(size_t n, std::string_view word) {
  return std::to_string(n) + " " + std::string(word) + (n == 1 ? "" : "s");
}

void checks(const Judge& j, LintResult& result) {
  size_t serves = 0, flags = 0, containers = 0;
  std::string version;
  for (const Group& g : j.launch.groups) {
    containers += g.containers.size();
    for (const Container& c : g.containers) {
      serves += c.serves.size();
      for (const Serve& s : c.serves) flags += s.flags.size();
      if (const auto v = versions_of(j, c).vllm) version = to_string(*v);
    }
  }
  auto add = [&](std::string id, CheckStatus status, std::string value, std::string why = "") {
    result.checks.push_back(
        {std::move(id), status, std::move(value), std::move(why), j.source.name()});
  };
  const bool read = result.understood && !j.launch.unreadable;
  add("launch-read", read ? CheckStatus::Ok : CheckStatus::Unknown,
      std::string(kind_name(j.launch.kind)),
      read                ? ""
      : result.understood ? "a part could not be read"
                          : "nothing in it starts vLLM");
  if (j.launch.groups.empty()) return;
  result.checks.back().value = std::string(kind_name(j.launch.kind)) + " with " +
                               number(containers, "container") + " or host" +
                               (containers == 1 ? "" : "s");
  add("variables", CheckStatus::Ok, number(count_variables(j.launch), "variable"));
  if (serves > 0)
    add("flags", CheckStatus::Ok, number(serves, "vLLM command") + ", " + number(flags, "flag"));
  if (serves > 0)
    add("vllm-version", version.empty() ? CheckStatus::Unknown : CheckStatus::Ok, version,
        version.empty() ? "no version in the image's tag: flags were compared with the newest "
                          "release; --vllm-version sets it"
                        : "");
  if (!j.options.nccl)
    add("nccl-version", CheckStatus::Unknown, "",
        "not said: variables of all releases are taken; --nccl-version sets it");
}

bool says_something(const Launch& launch) {
  for (const Group& g : launch.groups) {
    for (const Container& c : g.containers) {
      if (!c.serves.empty() || !c.rays.empty() || !c.env.empty() || g.kind == GroupKind::Runai ||
          g.kind == GroupKind::Environment)
        return true;
    }
  }
  return false;
}

void sort_issues(std::vector<Issue>& issues) {
  std::stable_sort(issues.begin(), issues.end(),
                   [](const Issue& a, const Issue& b) { return a.span.begin < b.span.begin; });
  // One shell text may be read for several roles.
  const auto same = [](const Issue& a, const Issue& b) {
    return a.rule == b.rule && a.span == b.span && a.detail == b.detail;
  };
  issues.erase(std::unique(issues.begin(), issues.end(), same), issues.end());
}

}  // namespace

void judge_remarks(Judge& judge) {
  for (const Remark& r : judge.launch.remarks) judge.add(r.rule, r.span, r.detail, r.edits);
}

LintResult lint(const SourceText& source, const LintOptions& options) {
  const Launch launch = read_launch(source);
  Judge judge(source, launch, options);
  judge_remarks(judge);
  judge_variables(judge);
  judge_variable_sets(judge);
  judge_flags(judge);
  judge_parallelism(judge);
  judge_pods(judge);
  judge_secrets(judge);
  sort_issues(judge.issues);
  if (judge.issues.size() > kMostIssues) judge.issues.resize(kMostIssues);
  LintResult result{std::move(judge.issues), std::move(judge.secrets), {}, says_something(launch)};
  if (!result.understood && result.issues.empty()) {
    Issue& i = result.issues.emplace_back();
    i.rule = "document-has-no-launch";
    i.severity = Severity::Info;
  }
  checks(judge, result);
  return result;
}

std::string fixed(const SourceText& source, const LintOptions& options) {
  std::string text = source.bytes();
  for (int round = 0; round < kMostRounds; ++round) {
    const SourceText now(source.name(), text);
    const LintResult result = lint(now, options);
    int order = INT_MAX;
    for (const Issue& i : result.issues) {
      if (!i.edits.empty()) order = std::min(order, order_of(i.rule));
    }
    if (order == INT_MAX) break;
    std::vector<Edit> edits;
    for (const Issue& i : result.issues) {
      if (i.edits.empty() || order_of(i.rule) != order) continue;
      for (const Edit& e : i.edits) {
        if (std::find(edits.begin(), edits.end(), e) == edits.end()) edits.push_back(e);
      }
    }
    std::string next = edited(text, edits);
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace rankdx::lint
