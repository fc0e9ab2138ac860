#include "cluster/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

enum Column : uint8_t {
  kState,
  kGpus,
  kImage,
  kEnv,
  kShm,
  kUser,
  kModel,
  kMemory,
  kNetwork,
  kLog,
  kColumns
};

std::string why_not_inside(const PodData& d) {
  if (!d.asked_inside) return d.inside_why.empty() ? "not looked at" : d.inside_why;
  switch (d.inside_end) {
    case ExecEnd::Exited:
      return d.inside.ran ? "" : "no usable answer";
    case ExecEnd::NoProgram:
      return "no rankdx and no sh in the image";
    case ExecEnd::NoContainer:
      return "not running";
    case ExecEnd::Forbidden:
      return "no right to exec";
    case ExecEnd::Unreachable:
      return "its node does not answer";
    case ExecEnd::Cut:
      return "connection broke";
    case ExecEnd::TimedOut:
      return "no answer in time";
    case ExecEnd::Failed:
      break;
  }
  return d.inside_why.empty() ? "exec failed" : d.inside_why;
}

bool concerns(const Finding& f, const std::string& pod) {
  return std::any_of(f.where.begin(), f.where.end(), [&](const Where& w) { return w.pod == pod; });
}

/// Findings of one id make the cell of a pod bad.
CheckStatus status_by(const std::vector<Finding>& findings, const std::string& pod,
                      std::initializer_list<std::string_view> ids) {
  CheckStatus status = CheckStatus::Ok;
  for (const Finding& f : findings) {
    if (f.severity == Severity::Info || !concerns(f, pod) ||
        std::find(ids.begin(), ids.end(), f.id) == ids.end())
      continue;
    status = f.severity == Severity::Error ? CheckStatus::Failed
             : status == CheckStatus::Ok   ? CheckStatus::Warning
                                           : status;
  }
  return status;
}

class RowMaker {
 public:
  RowMaker(const Gathered& g, const std::vector<Finding>& findings) : g_(g), findings_(findings) {}

  PodRow row(const PodData& d) const {
    PodRow row{d.pod.name, d.pod.node, std::vector<PodCell>(kColumns)};
    row.cells[kState] = state_cell(d.pod);
    row.cells[kGpus] = gpus(d);
    const std::string image = d.container() ? d.container()->image : "";
    row.cells[kImage] = {status_by(findings_, d.pod.name, {"different-images-per-node"}),
                         image.substr(image.rfind('/') + 1)};
    row.cells[kEnv] = {
        status_by(findings_, d.pod.name, {"nccl-env-differs-between-ranks"}),
        d.inside.ran ? fmt::format("{} variables", d.inside.env.size()) : "as specified"};
    row.cells[kShm] = shm(d);
    row.cells[kUser] =
        inside(d, d.inside.uid ? fmt::format("uid {}", *d.inside.uid) : "", CheckStatus::Ok);
    row.cells[kModel] = model(d);
    row.cells[kMemory] = memory(d);
    row.cells[kNetwork] = network(d);
    row.cells[kLog] = log(d);
    own_report(d, row);
    return row;
  }

 private:
  static PodCell inside(const PodData& d, std::string value, CheckStatus status) {
    if (!d.inside.ran || value.empty()) return {CheckStatus::Unknown, why_not_inside(d)};
    return {status, std::move(value)};
  }

  PodCell gpus(const PodData& d) const {
    const int64_t wanted = d.container() ? d.container()->gpu_limit : 0;
    if (!d.inside.ran)
      return {CheckStatus::Unknown, fmt::format("{} requested, {}", wanted, why_not_inside(d))};
    if (!d.inside.gpus)
      return {CheckStatus::Unknown,
              fmt::format("{} requested, no nvidia-smi in the image", wanted)};
    return {status_by(findings_, d.pod.name, {"gpu-not-visible", "duplicate-gpu"}),
            fmt::format("{} of {}", d.inside.gpus->size(), wanted)};
  }

  PodCell shm(const PodData& d) const {
    const CheckStatus status = status_by(findings_, d.pod.name, {"shm-too-small"});
    if (d.inside.shm_kib) return {status, fmt::format("{} MiB", *d.inside.shm_kib / 1024)};
    const ContainerInfo* c = d.container();
    const auto mount =
        c ? c->mounts.find("/dev/shm") : std::map<std::string, std::string>::const_iterator{};
    if (!c || (mount == c->mounts.end() && status == CheckStatus::Ok))
      return {CheckStatus::Unknown, why_not_inside(d)};
    return {status, mount == c->mounts.end() ? "64 MiB by default" : "volume " + mount->second};
  }

  PodCell model(const PodData& d) const {
    if (d.inside.ran && d.inside.model_path.empty())
      return {CheckStatus::Unknown, "the command names no directory"};
    return inside(
        d, d.inside.model_exists ? fmt::format("{} files", d.inside.model_files) : "missing",
        status_by(
            findings_, d.pod.name,
            {"model-path-missing", "model-missing-on-worker-node", "model-files-not-readable"}));
  }

  static PodCell memory(const PodData& d) {
    if (!d.inside.gpus || d.inside.gpus->empty())
      return {CheckStatus::Unknown, d.inside.ran ? "no GPU seen" : why_not_inside(d)};
    int64_t used = 0, total = 0;
    for (const GpuInside& g : *d.inside.gpus) {
      if (g.used_mib && *g.used_mib >= used) used = *g.used_mib, total = g.total_mib.value_or(0);
    }
    return {CheckStatus::Ok, fmt::format("{} of {} GiB", used / 1024, total / 1024)};
  }

  /// What the mesh says of one member.
  PodCell mesh(const PodData& d) const {
    CheckStatus status = CheckStatus::Ok;
    for (const Finding& f : g_.mesh->findings) {
      const bool here = std::any_of(f.where.begin(), f.where.end(), [&](const Where& w) {
        return w.host == d.pod.name || w.peer == d.pod.name;
      });
      if (!here || f.severity == Severity::Info) continue;
      status = f.severity == Severity::Error ? CheckStatus::Failed
                                             : std::max(status, CheckStatus::Warning);
    }
    return {status, fmt::format("mesh of {} pods", g_.mesh_pods.size())};
  }

  PodCell network(const PodData& d) const {
    if (g_.mesh && g_.mesh_pods.count(d.pod.name)) return mesh(d);
    const CheckStatus status = status_by(findings_, d.pod.name, {"node-to-node-traffic-blocked"});
    if (d.inside.reach.empty()) {
      if (status != CheckStatus::Ok) return {status, "cut by a NetworkPolicy"};
      return {CheckStatus::Unknown, !d.network_why.empty() ? d.network_why : why_not_inside(d)};
    }
    size_t good = 0;
    for (const Reach& r : d.inside.reach)
      good += r.result == "open" || r.result == "refused" ? 1 : 0;
    return {good < d.inside.reach.size() ? CheckStatus::Failed : status,
            fmt::format("{} of {} peers", good, d.inside.reach.size())};
  }

  PodCell log(const PodData& d) const {
    uint64_t lines = 0;
    std::string problem;
    bool late = false;
    for (const LogSeen& l : d.logs) {
      lines += l.lines, late = late || l.starts_late;
      if (problem.empty()) problem = l.problem;
    }
    if (d.logs.empty())
      return {CheckStatus::Unknown, d.pod.node.empty() ? "not scheduled" : "no log yet"};
    if (lines == 0) return {CheckStatus::Unknown, problem.empty() ? "empty" : problem};
    const bool bad =
        g_.diagnosis &&
        std::any_of(
            g_.diagnosis->findings.begin(), g_.diagnosis->findings.end(), [&](const Finding& f) {
              return f.severity == Severity::Error && f.role != Role::Note &&
                     std::any_of(f.evidence.begin(), f.evidence.end(), [&](const Evidence& e) {
                       return e.source.starts_with(d.pod.name + "/");
                     });
            });
    return {bad    ? CheckStatus::Failed
            : late ? CheckStatus::Warning
                   : CheckStatus::Ok,
            fmt::format("{} lines{}", lines,
                        bad    ? " with an error"
                        : late ? ", start rotated away"
                               : "")};
  }

  /// Cells that rankdx itself filled, inside the pod.
  static void own_report(const PodData& d, PodRow& row) {
    if (!d.inside.report) return;
    struct Map {
      std::string_view prefix;
      Column column;
    };
    constexpr std::array<Map, 5> kMap = {{{"gpu", kGpus},
                                          {"shm", kShm},
                                          {"environment", kEnv},
                                          {"interface", kNetwork},
                                          {"model", kModel}}};
    for (const CheckResult& c : d.inside.report->checks) {
      for (const Map& m : kMap) {
        if (!c.id.starts_with(m.prefix) || c.status == CheckStatus::Unknown) continue;
        PodCell& cell = row.cells[m.column];
        if (cell.status == CheckStatus::Unknown ||
            (c.status == CheckStatus::Failed && cell.status != CheckStatus::Failed))
          cell = {c.status, c.value};
      }
    }
  }

  const Gathered& g_;
  const std::vector<Finding>& findings_;
};

/// Findings about single pods that say the same are one finding about several pods.
std::vector<Finding> joined(std::vector<Finding> findings) {
  std::vector<Finding> out;
  for (Finding& f : findings) {
    const std::string& pod = f.where.empty() ? std::string() : f.where[0].pod;
    const std::string says = f.title.starts_with(pod) ? f.title.substr(pod.size()) : f.title;
    auto same = std::find_if(out.begin(), out.end(), [&](const Finding& o) {
      return o.id == f.id && o.role == f.role && o.severity == f.severity && !o.where.empty() &&
             !pod.empty() && o.title.ends_with(says) &&
             o.title.size() == o.where[0].pod.size() + says.size();
    });
    if (same == out.end()) {
      out.push_back(std::move(f));
      continue;
    }
    same->where.push_back(f.where[0]);
    if (same->evidence.size() < 6)
      std::move(f.evidence.begin(), f.evidence.end(), std::back_inserter(same->evidence));
  }
  for (Finding& f : out) {
    if (f.where.size() > 1 && f.title.starts_with(f.where[0].pod) &&
        f.id != "node-to-node-traffic-blocked") {
      f.title = fmt::format("{} and {} more: {}", f.where[0].pod, f.where.size() - 1,
                            trim(f.title.substr(f.where[0].pod.size())));
    }
  }
  return out;
}

/// What comes first when several things are wrong: what keeps a pod from running explains the rest,
/// then what the network or the GPUs do, then what the logs tell, then a crash that nothing else
/// explains.
int priority(const Finding& f, bool from_logs) {
  if (f.severity != Severity::Error) return 50 + static_cast<int>(f.severity);
  const bool crash =
      f.id == "worker-pod-not-running" && (f.title.find("crashing") != std::string::npos ||
                                           f.title.find("has failed") != std::string::npos);
  if (crash) return 40;
  if (from_logs) return f.confidence == Confidence::Possible ? 35 : 20;
  if (f.id == "rank-not-responding" || f.id == "rank-process-died" || f.id == "collective-mismatch")
    return 30;
  return 10;
}

struct Ranked {
  Finding finding;
  int priority = 0;
};

std::vector<Finding> in_order(const Gathered& g, std::vector<Finding> found) {
  std::vector<Ranked> all;
  for (Finding& f : found)
    all.push_back({std::move(f), 0}), all.back().priority = priority(all.back().finding, false);
  if (g.ras) {
    for (const Finding& f : g.ras->findings) all.push_back({f, priority(f, false)});
  }
  if (g.diagnosis && g.diagnosis->verdict != Verdict::Healthy) {
    for (const Finding& f : g.diagnosis->findings) {
      if (f.severity != Severity::Info || f.role == Role::RootCause)
        all.push_back({f, priority(f, true)});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Ranked& a, const Ranked& b) { return a.priority < b.priority; });
  std::vector<Finding> out;
  bool has_root = false;
  for (Ranked& r : all) {
    const bool crash = r.priority == 40;
    if (r.finding.role == Role::RootCause && has_root)
      r.finding.role = crash || r.priority == 30 ? Role::Consequence : Role::Contributing;
    out.push_back(std::move(r.finding));
    has_root = has_root || out.back().role == Role::RootCause;
  }
  auto order = [](const Finding& f) {
    return std::make_pair(static_cast<int>(f.role), static_cast<int>(f.severity));
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const Finding& a, const Finding& b) { return order(a) < order(b); });
  return out;
}

std::string summary_of(const ClusterPicture& p, const Gathered& g) {
  if (g.pods.empty()) return fmt::format("No pod in namespace {} matches the selection", g.ns);
  size_t ready = 0;
  for (const PodData& d : g.pods) ready += d.pod.ready ? 1 : 0;
  const std::string count = fmt::format("{} of {} pods ready", ready, g.pods.size());
  const auto& findings = p.report.findings;
  if (findings.empty() || findings[0].severity == Severity::Info)
    return count + ", nothing wrong was seen";
  return count + "; " + findings[0].title;
}

}  // namespace

const std::vector<std::string>& cluster_columns() {
  static const std::vector<std::string> columns = {"state",   "gpus", "image", "environment",
                                                   "shm",     "user", "model", "gpu-memory",
                                                   "network", "log"};
  return columns;
}

ClusterPicture judge_cluster(const Gathered& g) {
  ClusterPicture p;
  p.columns = cluster_columns();
  std::vector<Finding> found;
  for (const PodData& d : g.pods) {
    for (Finding& f : pod_findings(d)) found.push_back(std::move(f));
  }
  found = joined(std::move(found));
  for (Finding& f : group_findings(g)) found.push_back(std::move(f));
  const RowMaker rows(g, found);
  for (const PodData& d : g.pods) {
    p.rows.push_back(rows.row(d));
    for (size_t i = 0; i < p.columns.size(); ++i) {
      const PodCell& cell = p.rows.back().cells[i];
      const bool unknown = cell.status == CheckStatus::Unknown;
      p.report.checks.push_back({p.columns[i], cell.status, unknown ? "" : cell.value,
                                 unknown ? cell.value : "", "pod " + g.ns + "/" + d.pod.name});
    }
  }
  for (const MissingRight& m : g.missing_rights)
    p.report.checks.push_back({m.check, CheckStatus::Unknown, "",
                               fmt::format("needs the right to {} ({})", m.right, m.text),
                               "API server"});
  for (const auto& [check, why] : g.failed)
    p.report.checks.push_back({check, CheckStatus::Unknown, "", why, "API server"});
  p.report.findings = in_order(g, std::move(found));
  p.report.verdict = g.pods.empty() ? CheckStatus::Unknown : verdict_of(p.report);
  p.report.summary = summary_of(p, g);
  return p;
}

}  // namespace rankdx
