#include "live/live_join.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "probe/checklist.h"

namespace rankdx {
namespace {

bool leads(const Finding& f) {
  return f.role == Role::RootCause && f.severity == Severity::Error &&
         f.confidence != Confidence::Possible;
}

const Finding* leading(const std::vector<Finding>& findings) {
  const auto found = std::find_if(findings.begin(), findings.end(), leads);
  return found == findings.end() ? nullptr : &*found;
}

const Finding* ras_blames(const LiveEvidence& s) {
  return s.ras ? leading(s.ras->findings) : nullptr;
}

const Finding* logs_blame(const LiveEvidence& s) {
  return s.diagnosis && s.diagnosis->verdict == Verdict::Failed ? leading(s.diagnosis->findings)
                                                                : nullptr;
}

double rate_of(const LiveEvidence& s) {
  double rate = 0;
  for (const ProcessChange& p : s.host.processes) rate += p.read_bytes_per_s;
  return std::max(rate, s.host.gpu_memory_growth_per_s);
}

/// Time that loading still takes: from the bytes that are missing, else from the bar in the logs.
std::optional<double> remaining_s(const LiveEvidence& s) {
  if (s.host.remaining_s) return s.host.remaining_s;
  if (s.bar.total > 0 && s.bar.left_s >= 0) return s.bar.left_s;
  return std::nullopt;
}

std::string loading_text(const LiveEvidence& s) {
  std::string out;
  if (s.host.state == LiveState::Loading)
    out = fmt::format("{}/s", bytes_text(static_cast<uint64_t>(rate_of(s))));
  if (s.bar.total > 0)
    out += fmt::format("{}{:.0f} of {:.0f} done", out.empty() ? "" : ", ", s.bar.done, s.bar.total);
  if (const auto left = remaining_s(s))
    out += fmt::format("{}about {:.0f} s left", out.empty() ? "" : ", ", *left);
  return out.empty() ? "the logs say so" : out;
}

bool has_motion(const LiveEvidence& s, Motion motion) {
  return s.motion && s.motion->motion == motion;
}

bool is_loading(const LiveEvidence& s) {
  const bool by_logs = s.motion && s.motion->phase == Phase::Load &&
                       (s.motion->motion == Motion::Moving || s.motion->motion == Motion::Slow);
  return s.host.state == LiveState::Loading || by_logs;
}

/// So slow that what is left takes longer than a healthy launch is silent while it loads.
bool is_slow_load(const LiveEvidence& s) {
  const auto left = remaining_s(s);
  return is_loading(s) && left && *left > patience_s(Phase::Load);
}

const ProcessChange* first_in(const LiveEvidence& s, LiveState state) {
  for (const ProcessChange& p : s.host.processes) {
    if (p.state == state) return &p;
  }
  return nullptr;
}

std::string process_text(const LiveEvidence& s, LiveState state) {
  const ProcessChange* p = first_in(s, state);
  return p == nullptr ? "" : fmt::format("{} (pid {}) {}", p->process.name, p->process.pid, p->why);
}

/// The first row that applies decides: what is certain before what is likely, and movement that was
/// seen before silence.
struct Row {
  LaunchIs state;
  bool (*applies)(const LiveEvidence&);
  std::string (*because)(const LiveEvidence&);
};

constexpr std::array<Row, 13> kRows = {{
    {LaunchIs::Failed,
     [](const LiveEvidence& s) { return first_in(s, LiveState::Gone) != nullptr; },
     [](const LiveEvidence& s) { return process_text(s, LiveState::Gone); }},
    {LaunchIs::Hung, [](const LiveEvidence& s) { return first_in(s, LiveState::Stuck) != nullptr; },
     [](const LiveEvidence& s) { return process_text(s, LiveState::Stuck); }},
    {LaunchIs::Hung, [](const LiveEvidence& s) { return ras_blames(s) != nullptr; },
     [](const LiveEvidence& s) { return "RAS: " + ras_blames(s)->title; }},
    {LaunchIs::Failed, [](const LiveEvidence& s) { return has_motion(s, Motion::Failed); },
     [](const LiveEvidence& s) { return s.motion->text; }},
    {LaunchIs::Serving, [](const LiveEvidence& s) { return s.api_listens; },
     [](const LiveEvidence&) { return std::string("the API port listens"); }},
    {LaunchIs::Slow, is_slow_load, loading_text},
    {LaunchIs::Loading, [](const LiveEvidence& s) { return s.host.state == LiveState::Loading; },
     loading_text},
    {LaunchIs::Serving, [](const LiveEvidence& s) { return has_motion(s, Motion::Serving); },
     [](const LiveEvidence&) { return std::string("the logs say so"); }},
    {LaunchIs::Hung,
     [](const LiveEvidence& s) {
       return logs_blame(s) != nullptr && !has_motion(s, Motion::Moving);
     },
     [](const LiveEvidence& s) { return "logs: " + logs_blame(s)->title; }},
    {LaunchIs::Hung, [](const LiveEvidence& s) { return has_motion(s, Motion::Stuck); },
     [](const LiveEvidence& s) { return s.motion->text; }},
    {LaunchIs::Slow, [](const LiveEvidence& s) { return has_motion(s, Motion::Slow); },
     [](const LiveEvidence& s) { return s.motion->text; }},
    {LaunchIs::Loading, is_loading, loading_text},
    {LaunchIs::Starting,
     [](const LiveEvidence& s) {
       return has_motion(s, Motion::Moving) || s.host.state == LiveState::Busy;
     },
     [](const LiveEvidence& s) {
       return s.motion ? "the logs move at " + std::string(name_of(s.motion->phase))
                       : std::string(
                             "processes compute; a rank that waits inside a collective looks the "
                             "same from here");
     }},
}};

/// The causes that were found, the strongest witness first; only the first stays a root cause.
std::vector<Finding> joined_findings(const LiveEvidence& s) {
  std::vector<Finding> all = s.host.report.findings;
  const auto take = [&](const std::vector<Finding>& from) {
    for (const Finding& f : from) {
      const auto same =
          std::find_if(all.begin(), all.end(), [&](const Finding& o) { return o.id == f.id; });
      if (same == all.end()) {
        all.push_back(f);
        continue;
      }
      same->evidence.insert(same->evidence.end(), f.evidence.begin(), f.evidence.end());
      same->where.insert(same->where.end(), f.where.begin(), f.where.end());
      same->confidence = std::min(same->confidence, f.confidence);
    }
  };
  if (s.ras) take(s.ras->findings);
  if (s.diagnosis && s.diagnosis->verdict != Verdict::Healthy) take(s.diagnosis->findings);
  std::stable_sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) {
    return std::make_pair(a.role, a.severity) < std::make_pair(b.role, b.severity);
  });
  bool has_root = false;
  for (Finding& f : all) {
    if (f.role == Role::RootCause && has_root) f.role = Role::Contributing;
    has_root = has_root || f.role == Role::RootCause;
  }
  return all;
}

Finding slow_load(const std::string& because) {
  Finding f;
  f.id = "model-load-slow", f.role = Role::RootCause, f.severity = Severity::Warning;
  f.confidence = Confidence::Certain, f.layer = Layer::Files;
  f.title = "The model loads slowly: " + because;
  f.cause =
      "What is left takes longer than most launches are given to start; probes and the "
      "timeouts of other ranks may end it before.";
  f.evidence.push_back({"/proc, logs", 0, because, 0});
  f.fix = {
      {"any", "Put the model on local disks or a faster volume, or load it from there once",
       "cp -r MODEL /local/ && vllm serve /local/MODEL"},
      {"kubernetes", "Give startupProbe enough failureThreshold for the time that is left", ""}};
  return f;
}

Finding no_progress(const std::string& because) {
  Finding f;
  f.id = "launch-makes-no-progress", f.role = Role::RootCause, f.severity = Severity::Error;
  f.confidence = Confidence::Likely, f.layer = Layer::NcclRun;
  f.title = "The launch makes no progress: " + because;
  f.cause =
      "Nothing is read, no log line comes and no port listens for longer than is usual at this "
      "point; what was seen does not say why.";
  f.evidence.push_back({"logs, /proc", 0, because, 0});
  f.fix = {{"any", "Compare stack traces of all ranks", "py-spy dump --pid PID"},
           {"any", "Ask the RAS ports of all hosts", "rankdx ras HOST1 HOST2"}};
  f.needs = {"the logs of all ranks, for rankdx diagnose"};
  return f;
}

CheckResult launch_check(const LiveAnswer& a) {
  constexpr std::array<CheckStatus, 7> kStatus = {
      CheckStatus::Failed, CheckStatus::Failed, CheckStatus::Warning, CheckStatus::Ok,
      CheckStatus::Ok,     CheckStatus::Ok,     CheckStatus::Unknown};
  CheckResult c{"launch", kStatus[static_cast<size_t>(a.state)], std::string(to_string(a.state)),
                a.because, "processes, GPUs, RAS, logs"};
  return c;
}

void add_checks(const LiveEvidence& s, CheckReport& report) {
  for (const CheckResult& c : s.host.report.checks) {
    if (c.id != "launch") report.checks.push_back(c);
  }
  if (s.ras)
    report.checks.insert(report.checks.end(), s.ras->checks.begin(), s.ras->checks.end());
  else
    report.checks.push_back({"ras", CheckStatus::Unknown, "", s.no_ras, "NCCL's RAS port"});
  if (!s.motion) {
    report.checks.push_back({"logs", CheckStatus::Unknown, "", s.no_logs, "logs"});
    return;
  }
  const bool bad = s.motion->motion == Motion::Failed || s.motion->motion == Motion::Stuck;
  report.checks.push_back(
      {"logs", bad ? CheckStatus::Failed : CheckStatus::Ok,
       fmt::format("{} files, {} at {}, quiet since {:.0f} s", s.log_files,
                   name_of(s.motion->motion), name_of(s.motion->phase), s.motion->quiet_s),
       bad ? s.motion->text : "", "logs"});
}

}  // namespace

std::string_view to_string(LaunchIs state) {
  constexpr std::array<std::string_view, 7> kWords = {"failed",  "hung",     "slow",   "loading",
                                                      "serving", "starting", "unknown"};
  return kWords[static_cast<size_t>(state)];
}

LiveAnswer join_live(const LiveEvidence& seen) {
  LiveAnswer a;
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.applies(seen); });
  if (row != kRows.end()) a.state = row->state, a.because = row->because(seen);
  if (row == kRows.end())
    a.because = seen.host.processes.empty() ? "no vLLM process is visible here, and no log was read"
                                            : "nothing moves, and nothing says whether it should";
  a.report.findings = joined_findings(seen);
  const bool explained = std::any_of(a.report.findings.begin(), a.report.findings.end(),
                                     [](const Finding& f) { return f.role == Role::RootCause; });
  if (a.state == LaunchIs::Slow && is_slow_load(seen) && !explained)
    a.report.findings.insert(a.report.findings.begin(), slow_load(a.because));
  if (a.state == LaunchIs::Hung && !explained)
    a.report.findings.insert(a.report.findings.begin(), no_progress(a.because));
  a.report.checks.push_back(launch_check(a));
  add_checks(seen, a.report);
  a.report.verdict = a.report.checks.front().status;
  // It serves or loads, and yet a cause of failure was found: of another time, or still to come.
  if (a.report.verdict == CheckStatus::Ok && leading(a.report.findings) != nullptr)
    a.report.verdict = CheckStatus::Warning;
  a.report.summary = fmt::format("the launch: {} ({})", to_string(a.state), a.because);
  return a;
}

}  // namespace rankdx
