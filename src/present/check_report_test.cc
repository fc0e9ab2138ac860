#include "present/check_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rankdx {
namespace {

CheckReport made_report() {
  CheckReport r;
  r.verdict = CheckStatus::Failed;
  r.summary = "1 of 3 files is broken";
  Finding f;
  f.id = "model-file-truncated";
  f.role = Role::RootCause;
  f.severity = Severity::Error;
  f.confidence = Confidence::Certain;
  f.title = "A model file is cut";
  f.cause = "The header says 20 bytes, the file has 10.";
  f.evidence = {{"a b/model-1.safetensors", 3, "x", 7}, {"config.json", 0, "", 0}};
  f.fix = {{"any", "Download it again", "hf download org/model"}};
  r.findings = {f};
  r.checks = {{"safetensors-headers", CheckStatus::Failed, "59 files", "1 is cut", "model/"},
              {"tokenizer", CheckStatus::Ok, "loads", "", ""},
              {"gpu-memory", CheckStatus::Unknown, "",
               "no driver in this container, so that nothing can be asked", ""}};
  return r;
}

TEST(CheckReport, Text) {
  EXPECT_EQ(check_text(made_report(), {Colour::Never, 70}),
            R"(FAILED  1 of 3 files is broken

A model file is cut
  model-file-truncated: root-cause, error, certain
  why       The header says 20 bytes, the file has 10.
  evidence  a b/model-1.safetensors:3:7
              x
            config.json
  fix       Download it again
              hf download org/model

  failed   safetensors-headers  59 files: 1 is cut; from model/
  ok       tokenizer            loads
  unknown  gpu-memory           no driver in this container, so that
                                nothing can be asked
)");
}

TEST(CheckReport, Json) {
  const auto json = nlohmann::json::parse(check_json(made_report()));
  EXPECT_EQ(json["schema"], "rankdx.check/1");
  EXPECT_EQ(json["verdict"], "failed");
  EXPECT_EQ(json["checks"][2]["value"], nullptr);
  EXPECT_EQ(json["checks"][1]["why"], nullptr);
  EXPECT_EQ(json["findings"][0]["evidence"][0]["column"], 7);
  EXPECT_FALSE(json["findings"][0]["evidence"][1].contains("column"));
}

TEST(CheckReport, Sarif) {
  const auto run = nlohmann::json::parse(check_sarif(made_report()))["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["id"], "model-file-truncated");
  const auto& places = run["results"][0]["locations"];
  EXPECT_EQ(places[0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b/model-1.safetensors");
  EXPECT_EQ(places[0]["physicalLocation"]["region"]["startLine"], 3);
  EXPECT_FALSE(places[1]["physicalLocation"].contains("region"));
}

TEST(CheckReport, Markdown) {
  CheckReport r = made_report();
  r.findings.clear();
  r.checks.resize(1);
  r.checks[0].value = "a|b <i>";
  EXPECT_EQ(check_markdown(r), R"(### FAILED: 1 of 3 files is broken

| status | check | seen |
|---|---|---|
| failed | safetensors-headers | a\|b &lt;i&gt;: 1 is cut |
)");
}

TEST(CheckReport, FormsByName) {
  const CheckReport r = made_report();
  EXPECT_EQ(render_check(r, "json", {}), check_json(r));
  EXPECT_EQ(render_check(r, "sarif", {}), check_sarif(r));
  EXPECT_EQ(render_check(r, "markdown", {}), check_markdown(r));
  EXPECT_EQ(render_check(r, "text", {}), check_text(r, {}));
}

}  // namespace
}  // namespace rankdx
