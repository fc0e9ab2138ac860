#include "live/live_join.h"

#include <gtest/gtest.h>

#include <functional>

namespace rankdx {
namespace {

ProcessChange process(LiveState state, double read_bytes_per_s = 0) {
  ProcessChange p;
  p.process = {40, "vllm serve /models/m", "VLLM::Worker_TP0"};
  p.state = state;
  p.read_bytes_per_s = read_bytes_per_s;
  p.why = std::string(to_string(state));
  return p;
}

LiveEvidence launch(LiveState state, double read_bytes_per_s = 0) {
  LiveEvidence e;
  e.host.state = state;
  e.host.processes.push_back(process(state, read_bytes_per_s));
  e.no_ras = "nobody listens";
  e.no_logs = "none named";
  return e;
}

Finding cause(std::string id, Confidence confidence) {
  Finding f;
  f.id = std::move(id), f.title = f.id, f.role = Role::RootCause, f.severity = Severity::Error;
  f.confidence = confidence;
  return f;
}

LaunchVerdict moves(Motion motion, Phase phase) {
  LaunchVerdict v;
  v.motion = motion, v.phase = phase, v.text = "text of the logs";
  return v;
}

CheckReport ras(Confidence confidence) {
  CheckReport r;
  r.findings.push_back(cause("rank-not-responding", confidence));
  r.checks.push_back({"ras", CheckStatus::Failed, "", "", "10.0.0.4"});
  return r;
}

struct Case {
  std::string what;
  LiveEvidence seen;
  std::string state;
  std::string finding;  ///< the first; "" none
  CheckStatus verdict;
};

std::vector<Case> cases() {
  using enum CheckStatus;
  const double gib = 1 << 30;
  std::vector<Case> out;
  const auto add = [&](std::string what, LiveEvidence seen, std::string state, std::string finding,
                       CheckStatus verdict) {
    out.push_back(
        {std::move(what), std::move(seen), std::move(state), std::move(finding), verdict});
  };
  LiveEvidence none;
  none.no_ras = none.no_logs = "none";
  add("nothing", none, "unknown", "", Unknown);

  LiveEvidence serving = launch(LiveState::Busy);
  serving.api_listens = true;
  add("serving", serving, "serving", "", Ok);
  serving.ras = ras(Confidence::Likely);
  add("a port that listens is no proof", serving, "hung", "rank-not-responding", Failed);
  serving.ras = ras(Confidence::Possible);
  add("one doubtful answer of RAS is none either", serving, "serving", "rank-not-responding", Ok);

  LiveEvidence loading = launch(LiveState::Loading, 2 * gib);
  loading.host.remaining_s = 30;
  add("loading", loading, "loading", "", Ok);
  loading.motion = moves(Motion::Stuck, Phase::Load);
  add("quiet logs, but files are read", loading, "loading", "", Ok);
  loading.motion.reset();
  loading.host.remaining_s = 2 * patience_s(Phase::Load);
  add("loads for too long", loading, "slow", "model-load-slow", Warning);

  LiveEvidence by_logs = launch(LiveState::Waiting);
  by_logs.motion = moves(Motion::Moving, Phase::Load);
  by_logs.bar = {3, 9, 20, 3};
  add("loading, from the logs", by_logs, "loading", "", Ok);
  by_logs.motion = moves(Motion::Stuck, Phase::NcclInit);
  add("stuck without a word", by_logs, "hung", "launch-makes-no-progress", Failed);
  by_logs.diagnosis = {Verdict::Failed, "s", {cause("mtu-mismatch", Confidence::Certain)}};
  add("stuck, and the logs say why", by_logs, "hung", "mtu-mismatch", Failed);
  by_logs.motion = moves(Motion::Moving, Phase::NcclInit);
  add("an error in logs that still move", by_logs, "starting", "mtu-mismatch", Warning);
  by_logs.motion = moves(Motion::Failed, Phase::NcclInit);
  add("failed", by_logs, "failed", "mtu-mismatch", Failed);

  LiveEvidence slow = launch(LiveState::Waiting);
  slow.motion = moves(Motion::Slow, Phase::Compile);
  add("slow", slow, "slow", "", Warning);

  LiveEvidence gone = launch(LiveState::Gone);
  gone.host.report.findings.push_back(cause("rank-process-died", Confidence::Certain));
  gone.ras = ras(Confidence::Likely);
  add("gone beats what the others say of it", gone, "failed", "rank-process-died", Failed);
  LiveEvidence stuck = launch(LiveState::Stuck);
  stuck.host.report.findings.push_back(cause("process-stuck", Confidence::Likely));
  stuck.api_listens = true;
  add("stopped", stuck, "hung", "process-stuck", Failed);
  add("busy", launch(LiveState::Busy), "starting", "", Ok);
  add("waiting and nothing else known", launch(LiveState::Waiting), "unknown", "", Unknown);
  return out;
}

TEST(LiveJoin, States) {
  for (const Case& c : cases()) {
    const LiveAnswer a = join_live(c.seen);
    EXPECT_EQ(to_string(a.state), c.state) << c.what << ": " << a.because;
    EXPECT_EQ(a.report.findings.empty() ? "" : a.report.findings.front().id, c.finding) << c.what;
    EXPECT_EQ(to_string(a.report.verdict), to_string(c.verdict)) << c.what;
    EXPECT_FALSE(a.because.empty()) << c.what;
    EXPECT_EQ(a.report.checks.front().id, "launch") << c.what;
  }
}

TEST(LiveJoin, TellsRateAndTimeLeft) {
  LiveEvidence e = launch(LiveState::Loading, 1 << 30);
  e.host.remaining_s = 90;
  EXPECT_EQ(join_live(e).report.summary, "the launch: loading (1 GiB/s, about 90 s left)");
  e = launch(LiveState::Waiting);
  e.motion = moves(Motion::Moving, Phase::Load);
  e.bar = {2, 8, 45, 7};
  EXPECT_EQ(join_live(e).report.summary, "the launch: loading (2 of 8 done, about 45 s left)");
}

TEST(LiveJoin, OneRootCause) {
  LiveEvidence e = launch(LiveState::Waiting);
  e.ras = ras(Confidence::Likely);
  e.motion = moves(Motion::Stuck, Phase::NcclInit);
  e.diagnosis = {Verdict::Failed,
                 "s",
                 {cause("rank-not-responding", Confidence::Possible),
                  cause("duplicate-gpu", Confidence::Certain)}};
  const LiveAnswer a = join_live(e);
  ASSERT_EQ(a.report.findings.size(), 2u);
  EXPECT_EQ(a.report.findings[0].id, "rank-not-responding");
  EXPECT_EQ(a.report.findings[0].confidence, Confidence::Likely);
  EXPECT_EQ(a.report.findings[1].role, Role::Contributing);
}

TEST(LiveJoin, UnseenIsNotOk) {
  const LiveAnswer a = join_live(launch(LiveState::Busy));
  for (const CheckResult& c : a.report.checks) {
    const bool asked = c.id != "ras" && c.id != "logs";
    EXPECT_EQ(c.status == CheckStatus::Unknown, !asked) << c.id;
  }
}

}  // namespace
}  // namespace rankdx
