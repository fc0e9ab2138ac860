#include "diagnose/witness.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

Finding finding(std::string id, Role role, Severity severity, Confidence confidence,
                std::string source) {
  Finding f;
  f.id = std::move(id), f.role = role, f.severity = severity, f.confidence = confidence;
  f.title = f.id + " by " + source;
  f.evidence.push_back({std::move(source), 1, "line", 0});
  return f;
}

Finding cause(std::string id, Confidence confidence, std::string source) {
  return finding(std::move(id), Role::RootCause, Severity::Error, confidence, std::move(source));
}

std::string joined(Diagnosis d, std::vector<Finding> of_witness) {
  CheckReport witness;
  witness.findings = std::move(of_witness);
  add_witness(d, witness);
  std::string out(to_string(d.verdict));
  for (const Finding& f : d.findings) {
    out += " " + f.id + ":" + std::string(to_string(f.role));
    for (const Evidence& e : f.evidence) out += "," + e.source;
  }
  return out;
}

constexpr auto kLikely = Confidence::Likely, kPossible = Confidence::Possible;

TEST(Witness, LeadsWhereTheLogsDoNotDecide) {
  const Diagnosis open{Verdict::Undetermined, "open", {cause("stalled", kPossible, "log")}};
  EXPECT_EQ(joined(open, {cause("dead-rank", kLikely, "ras")}),
            "failed dead-rank:root-cause,ras stalled:contributing,log");
  EXPECT_EQ(joined({Verdict::Healthy, "fine", {}}, {cause("dead-rank", kLikely, "ras")}),
            "failed dead-rank:root-cause,ras");
}

TEST(Witness, ConfirmsTheLogs) {
  const Diagnosis known{Verdict::Failed, "known", {cause("dead-rank", kLikely, "log")}};
  EXPECT_EQ(joined(known, {cause("dead-rank", kLikely, "ras")}),
            "failed dead-rank:root-cause,log,ras");
  const Diagnosis maybe{Verdict::Undetermined, "maybe", {cause("dead-rank", kPossible, "log")}};
  EXPECT_EQ(joined(maybe, {cause("dead-rank", kLikely, "ras")}),
            "failed dead-rank:root-cause,log,ras");
}

TEST(Witness, StandsBesideAKnownCause) {
  const Diagnosis known{Verdict::Failed, "known", {cause("no-space", kLikely, "log")}};
  EXPECT_EQ(joined(known, {cause("dead-rank", kLikely, "ras")}),
            "failed no-space:root-cause,log dead-rank:contributing,ras");
  EXPECT_EQ(joined(known, {}), "failed no-space:root-cause,log");
}

TEST(Witness, ANoteChangesNoVerdict) {
  EXPECT_EQ(joined({Verdict::Healthy, "fine", {}},
                   {finding("behind", Role::Note, Severity::Info, kPossible, "ras")}),
            "healthy behind:note,ras");
}

}  // namespace
}  // namespace rankdx
