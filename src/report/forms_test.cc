// What the machines' forms share: nothing hostile passes, nothing redacted is left, limits hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "present/safe_text.h"
#include "report/test_jobs.h"

namespace rankdx {
namespace {

using test::made_diagnosis;
using test::MadeJob;

using Render = std::string (*)(const Report&);
const std::vector<std::pair<const char*, Render>> kForms = {
    {"text",
     [](const Report& r) {
       return render_text(r, {Colour::Never, Detail::Verbose, 100});
     }},
    {"json", render_json},
    {"markdown", render_markdown},
    {"sarif", render_sarif},
    {"junit", render_junit},
    {"prometheus", render_prometheus},
};

/// Valid UTF-8 without anything that steers a terminal, but for newlines.
void expect_safe(const std::string& text, const char* form) {
  std::string without_newlines = text;
  std::replace(without_newlines.begin(), without_newlines.end(), '\n', ' ');
  const std::string safe = safe_text(without_newlines);
  const auto at =
      std::mismatch(safe.begin(), safe.end(), without_newlines.begin(), without_newlines.end())
          .first;
  EXPECT_TRUE(safe == without_newlines)
      << form << ": " << std::string(at, std::min(at + 60, safe.end()));
}

void spoil(std::string& text) {
  text += "\x1b[2J\xff\xfe \xe2\x80\xae ]]>&<script>`|\"\\ \xc2\x9b" + std::string(1, '\0');
}

TEST(Forms, HostileTextEverywhere) {
  MadeJob made(2, 2);
  Report report{made_diagnosis(), &made.job, {{ErrorCode::Corrupt, "bad", "x", "y"}}, {}};
  spoil(report.diagnosis.summary);
  for (Finding& f : report.diagnosis.findings) {
    for (std::string* s : {&f.title, &f.cause, &f.id}) spoil(*s);
    for (Where& w : f.where) spoil(w.host), spoil(w.pod), spoil(w.peer), spoil(w.interface);
    for (Evidence& e : f.evidence) spoil(e.source), spoil(e.text);
    for (Fix& fix : f.fix) spoil(fix.for_), spoil(fix.text), spoil(fix.command);
    f.needs = {"\x1b[H"};
    f.references = {"https://\x1b[H"};
  }
  for (Error& e : report.left_out) spoil(e.text), spoil(e.place), spoil(e.hint);
  for (Process& p : made.job.processes) spoil(p.host), spoil(p.origin), spoil(p.actor);
  for (Host& h : made.job.hosts) spoil(h.name), spoil(h.network), spoil(h.interfaces[0]);
  for (SourceFacts& s : made.sources) spoil(s.name);
  for (ProcessFacts& p : made.processes) spoil(p.versions[0]), spoil(p.networks[0]);
  for (Link& l : made.job.communicators[0].links) spoil(l.transport);
  spoil(made.job.communicators[0].id);
  spoil(made.job.vllm_version);
  made.job.environment = {{"A\x1b", "\x1b]0;x\x07", {"h\x1b"}, {}, {}, ""}};
  for (const auto& [form, render] : kForms) expect_safe(render(report), form);
  EXPECT_TRUE(nlohmann::json::accept(render_json(report)));
  EXPECT_TRUE(nlohmann::json::accept(render_sarif(report)));
}

TEST(Forms, HugeFieldsStayReadable) {
  MadeJob made(2, 2);
  Report report{made_diagnosis(), &made.job, {}, {}};
  const std::string huge(1 << 14, 'x');
  report.diagnosis.summary = huge;
  Finding& f = report.diagnosis.findings[0];
  f.title = f.cause = huge;
  f.where.assign(50, {huge, "", 1, {}, "", ""});
  f.evidence.assign(20, {huge, 1, huge, 0});
  f.fix.assign(20, {"any", huge, huge});
  f.needs.assign(20, huge);
  report.diagnosis.findings.resize(30, f);
  EXPECT_LT(render_markdown(report).size(), 60'000u);
  EXPECT_NE(render_markdown(report).find("The rest was left out"), std::string::npos);
  EXPECT_LT(render_text(report, {}).size(), 100'000u);
}

TEST(Forms, NothingRedactedIsLeft) {
  MadeJob made(2, 2);
  made.job.environment = {{"HF_TOKEN", "Winter2026", {"gpu-1000"}, {}, {}, ""},
                          {"NCCL_COMM_ID", "10.0.0.1:29500", {"gpu-1001"}, {}, {}, ""}};
  made.job.processes[0].origin = "pod/acme-llm-0/vllm";
  Report report{made_diagnosis(),
                &made.job,
                {{ErrorCode::Unreadable, "no", "/home/alice/gpu-1000.log", ""}},
                {}};
  report.diagnosis.findings[0].evidence[0].text += " bob:pw https://bob:pw@10.0.0.2/ acme-llm-0";
  Job storage;
  const Report hidden = redacted(report, storage);
  for (const auto& [form, render] : kForms) {
    const std::string text = render(hidden);
    for (const char* name :
         {"gpu-1000", "gpu-1001", "10.0.0", "alice", "Winter2026", "bob:pw@", "acme-llm-0"}) {
      EXPECT_EQ(text.find(name), text.npos) << form << ": " << name << "\n" << text;
    }
  }
  EXPECT_EQ(hidden.diagnosis.summary, "Shared memory is full (rank 3 on host-2)");
  EXPECT_EQ(storage.hosts[1].name, "host-2");
  EXPECT_EQ(storage.hosts[1].interfaces[0], "eth0:198.18.0.2");
  EXPECT_EQ(hidden.job->communicators[0].ranks[3].source->name,
            "/home/user-1/logs/host-2-rank3.log");
  // The first report is as it was.
  EXPECT_EQ(made.job.hosts[1].name, "gpu-1001");
  EXPECT_EQ(report.job->communicators[0].ranks[3].source->name,
            "/home/alice/logs/gpu-1001-rank3.log");
}

TEST(Forms, Junit) {
  MadeJob made(1, 1);
  Report report{made_diagnosis(), &made.job, {}, {}};
  report.diagnosis.findings.resize(1);
  EXPECT_EQ(render_junit(report),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="rankdx diagnose" tests="1" failures="1">
  <testcase classname="rankdx" name="shm-too-small"><failure message="Shared memory is full">NCCL could not allocate 9637888 bytes in /dev/shm of this container.
rank3.log:118: gpu-1001:9:9 [1] NCCL WARN Error while creating shared memory segment
fix: Mount an emptyDir with medium: Memory at /dev/shm
fix: Give it more $ docker run --shm-size=16g
</failure></testcase>
</testsuite>
)");
}

}  // namespace
}  // namespace rankdx
