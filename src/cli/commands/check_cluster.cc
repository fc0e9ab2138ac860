// rankdx check cluster: the debug checklist over a group of pods.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cluster/cluster_check.h"
#include "present/check_report.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

constexpr size_t kMostRows = 40;

struct Options {
  ClusterAccess access;
  ClusterCheckOptions check;
  std::string transport, output, fail_on;
  bool no_exec = false, no_network = false, no_logs = false, all = false;
  int64_t parallel = 16;
  std::optional<double> timeout_s;
};

int badness(const PodRow& row) {
  int sum = 0;
  for (const PodCell& c : row.cells)
    sum += c.status == CheckStatus::Failed    ? 100
           : c.status == CheckStatus::Warning ? 10
           : c.status == CheckStatus::Unknown ? 1
                                              : 0;
  return sum;
}

/// "ok" cells show what was seen; the others say how they are first.
std::string cell_text(const PodCell& cell) {
  constexpr const char* kMarks[] = {"", "! ", "FAIL ", "?"};
  if (cell.status == CheckStatus::Unknown) return kMarks[3];
  return kMarks[static_cast<size_t>(cell.status)] + safe_text(cell.value);
}

/// Why the cells with a question mark are unknown: the reason that most of them share.
std::string unknown_because(const PodRow& row) {
  std::map<std::string, int> reasons;
  for (const PodCell& c : row.cells) {
    if (c.status == CheckStatus::Unknown) ++reasons[c.value];
  }
  const auto most =
      std::max_element(reasons.begin(), reasons.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == reasons.end() ? "" : safe_text(most->first);
}

/// One row per pod, one column per check; of many pods the worst ones.
std::string table_text(const ClusterPicture& p, const Options& o, int width) {
  std::vector<const PodRow*> rows;
  for (const PodRow& r : p.rows) rows.push_back(&r);
  size_t hidden = 0;
  if (!o.all && rows.size() > kMostRows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const PodRow* a, const PodRow* b) { return badness(*a) > badness(*b); });
    hidden = rows.size() - kMostRows;
    rows.resize(kMostRows);
  }
  std::vector<std::string> header = {"pod", "node"};
  header.insert(header.end(), p.columns.begin(), p.columns.end());
  header.emplace_back("? because");
  Table table(header);
  for (const PodRow* r : rows) {
    std::vector<std::string> cells = {safe_text(r->pod), safe_text(r->node)};
    for (const PodCell& c : r->cells) cells.push_back(cell_text(c));
    cells.push_back(unknown_because(*r));
    table.add(std::move(cells));
  }
  std::string out = table.text(static_cast<size_t>(width));
  if (hidden)
    out += std::to_string(hidden) + " more pods are no worse than these (--all shows them)\n";
  return out;
}

std::string rendered(const ClusterPicture& p, const Options& o) {
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  if (o.output != "text") return render_check(p.report, o.output, style);
  CheckReport report = p.report;
  // The table shows the cells; only what concerns no single pod stays in the list.
  std::erase_if(report.checks, [](const CheckResult& c) { return c.source.starts_with("pod "); });
  return check_text(report, style) + (p.rows.empty() ? "" : "\n" + table_text(p, o, style.width));
}

int run(Options& o) {
  o.access.way = o.transport == "proxy"   ? ClusterAccess::Way::ProxyOnly
                 : o.transport == "calls" ? ClusterAccess::Way::CallsOnly
                                          : ClusterAccess::Way::ProxyThenCalls;
  o.access.ns = o.check.selection.ns;
  if (o.timeout_s)
    o.access.timeout = std::chrono::milliseconds(static_cast<int64_t>(*o.timeout_s * 1000));
  using Part = ClusterCheckOptions::Part;
  o.check.inside = o.no_exec ? Part::Skip : Part::Do;
  o.check.network = o.no_network ? Part::Skip : Part::Do;
  o.check.logs = o.no_logs ? Part::Skip : Part::Do;
  o.check.parallel = static_cast<int>(o.parallel);
  auto api = connect_cluster(o.access);
  if (!api) return std::fprintf(stderr, "rankdx: %s\n", to_string(api.error()).c_str()), kUsage;
  const auto picture = check_cluster(**api, o.check);
  if (!picture)
    return std::fprintf(stderr, "rankdx: %s\n", to_string(picture.error()).c_str()), kUsage;
  const std::string text = rendered(*picture, o);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(picture->report.verdict, o.fail_on == "never"     ? FailOn::Never
                                               : o.fail_on == "warning" ? FailOn::Warning
                                                                        : FailOn::Error);
}

}  // namespace

const std::string_view kCheckClusterExamples =
    "  rankdx check cluster -n my-project --runai my-llm\n"
    "  rankdx check cluster -n inference --lws vllm -o json\n"
    "  rankdx check cluster -l app=vllm --no-exec   # read-only rights\n"
    "  rankdx check cluster --lws vllm --inject registry.example.com/rankdx:1\n";

std::function<int()> make_check_cluster(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("POD", o->check.selection.names,
                 "pods by name; without any, those of the selection below");
  flags.text("-n,--namespace", o->check.selection.ns, "default: that of the context");
  flags.text("-l,--selector", o->check.selection.selector, "label selector, as of kubectl");
  flags.text("--runai", o->check.selection.runai, "the pods of a Run:ai workload");
  flags.text("--lws", o->check.selection.lws, "the pods of a LeaderWorkerSet");
  flags.text("--kubeconfig", o->access.kubeconfig, "default: kubectl's own");
  flags.text("--context", o->access.context, "default: the current one");
  flags.text("--as", o->access.as_user, "user to act as");
  flags.text("--kubectl", o->access.kubectl, "the kubectl to use");
  flags.choice("--transport", o->transport, {"auto", "proxy", "calls"},
               "one kubectl proxy on a private socket, or single kubectl calls");
  flags.decimal("--timeout", o->timeout_s,
                "seconds for one request to the API server (default 10)");
  flags.number("--parallel", o->parallel, 1, 128, "pods looked at side by side");
  flags.on("--no-exec", o->no_exec, "run nothing inside the pods");
  flags.text("--inject", o->check.inject_image,
             "IMAGE with rankdx: adds an ephemeral container to each pod whose own image lacks it; "
             "it stays listed in the pod");
  flags.on("--no-network", o->no_network, "no connections between the pods");
  flags.on("--no-logs", o->no_logs, "do not read the logs");
  flags.on("--all", o->all, "a row for every pod, however many there are");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
