#include "launch/lint/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/vllm_variables.h"
#include "launch/lint/manifest_fields.h"
#include "launch/lint/rule_table.h"
#include "launch/lint/settings_table.h"

namespace rankdx::lint {
namespace {

/// The ids that are found, in the order of the text, with blanks between.
std::string ids(const std::string& text, const LintOptions& options = {}) {
  std::string out;
  const SourceText source("t", text);
  for (const Issue& i : lint(source, options).issues)
    out += (out.empty() ? "" : " ") + std::string(i.rule);
  return out;
}

bool finds(const std::string& text, std::string_view id, const LintOptions& options = {}) {
  const SourceText source("t", text);
  const auto issues = lint(source, options).issues;
  return std::any_of(issues.begin(), issues.end(), [&](const Issue& i) { return i.rule == id; });
}

LintOptions with(std::string_view vllm, std::string_view nccl = "") {
  return {.vllm = parse_version(vllm), .nccl = parse_version(nccl)};
}

TEST(LintTables, SortedUniqueAndInWords) {
  const auto rules = rule_table();
  for (size_t i = 0; i + 1 < rules.size(); ++i) EXPECT_LT(rules[i].id, rules[i + 1].id);
  for (const RuleWords& r : rules) EXPECT_FALSE(r.title.empty()) << r.id;
  const auto settings = setting_warnings();
  for (size_t i = 0; i + 1 < settings.size(); ++i)
    EXPECT_LE(settings[i].name, settings[i + 1].name);
  for (const SettingWarning& w : settings) {
    EXPECT_EQ(rule_words(w.rule).id, w.rule);
    EXPECT_TRUE(find_nccl_variable(w.name) || find_launch_variable(w.name)) << w.name;
  }
  for (int t = 0; t <= static_cast<int>(FieldTable::LwsTemplate); ++t) {
    const auto fields = fields_of(static_cast<FieldTable>(t));
    EXPECT_TRUE(std::is_sorted(fields.begin(), fields.end())) << t;
  }
}

TEST(LintTables, EachRuleHasALineInTheManual) {
  std::ifstream in(RANKDX_SOURCE_DIR "/docs/lint.md");
  std::stringstream manual;
  manual << in.rdbuf();
  for (const RuleWords& r : rule_table()) {
    const std::string severity = r.severity == Severity::Error     ? "error"
                                 : r.severity == Severity::Warning ? "warning"
                                                                   : "note";
    const std::string line = "| `" + std::string(r.id) + "` | " + severity + " | " +
                             std::string(r.title) + " | " +
                             (r.fix.empty() ? "-" : std::string(r.fix)) + " |\n";
    EXPECT_NE(manual.str().find(line), std::string::npos) << line;
  }
}

/// The name with two letters of its end swapped, or one doubled where they are the same.
std::string mistyped(std::string_view name) {
  std::string out(name);
  char &a = out[out.size() - 2], &b = out[out.size() - 1];
  if (a == b || a == '_') return out + b;
  std::swap(a, b);
  return out;
}

TEST(LintVariables, EveryNcclVariable) {
  size_t numbers = 0, ranges = 0;
  for (const NcclVariable& v : nccl_variables()) {
    const std::string name(v.name);
    const bool number = v.type == VariableType::Number || v.type == VariableType::Hex;
    // Type: text where NCCL reads a number.
    if (number) {
      ++numbers;
      EXPECT_TRUE(finds(name + "=many\n", "nccl-env-value-invalid")) << name;
      EXPECT_TRUE(finds(name + "=8MB\n", "nccl-env-value-invalid")) << name;
    }
    // Range: one beyond what the table allows.
    if (number && v.allowed.most) {
      ++ranges;
      EXPECT_TRUE(
          finds(name + "=" + std::to_string(*v.allowed.most + 1) + "\n", "nccl-env-value-invalid"))
          << name;
    }
    if (number && !v.allowed.words.empty()) {
      ++ranges;
      EXPECT_TRUE(finds(name + "=77\n", "nccl-env-value-invalid")) << name;
    }
    // Default: what NCCL uses by itself is never called wrong.
    if (const auto value = parse_int<int64_t>(v.default_value)) {
      const std::string line = name + "=" + std::to_string(*value) + "\n";
      EXPECT_FALSE(finds(line, "nccl-env-value-invalid")) << line;
    }
    // Version: before the first and after the last release that reads it.
    if (const auto first = parse_version(v.first_version); first && first->part[1] > 4) {
      EXPECT_TRUE(finds(name + "=0\n", "variable-not-yet", with("", "2.4.8"))) << name;
    }
    if (!v.last_version.empty()) {
      EXPECT_TRUE(finds(name + "=1\n", "variable-removed", with("", "2.30.7"))) << name;
    }
    // Empty, quoted, mistyped.
    EXPECT_TRUE(finds(name + "=\n", "variable-empty")) << name;
    EXPECT_TRUE(finds(name + "=\"1\"\n", "variable-quoted")) << name;
    const std::string typo = mistyped(name);
    if (find_nccl_variable(typo) == nullptr) {
      EXPECT_TRUE(finds(typo + "=1\n", "variable-unknown")) << typo;
    }
  }
  EXPECT_EQ(nccl_variables().size(), 269u);
  EXPECT_GT(numbers, 200u);
  EXPECT_GT(ranges, 100u);
}

TEST(LintVariables, EveryOtherVariable) {
  size_t typed = 0;
  for (const LaunchVariable& v : launch_variables()) {
    const std::string name(v.name);
    const bool checked = v.rule.kind == ValueKind::Switch || v.rule.kind == ValueKind::Integer ||
                         v.rule.kind == ValueKind::Decimal || v.rule.kind == ValueKind::Word;
    const std::string_view rule = "variable-value-invalid";
    if (checked) {
      ++typed;
      EXPECT_TRUE(finds(name + "=nonsense\n", rule)) << name;
    }
    if (v.rule.most) {
      EXPECT_TRUE(
          finds(name + "=" + std::to_string(static_cast<int64_t>(*v.rule.most) + 1) + "\n", rule))
          << name;
    }
    if (v.span && v.span->gone()) {
      EXPECT_TRUE(finds(name + "=1\n", "variable-removed", with("0.26.0"))) << name;
    }
    if (v.span && !v.span->since().empty()) {
      EXPECT_TRUE(finds(name + "=1\n", "variable-not-yet", with("0.6.0")) || v.releases == "v0.6.0")
          << name;
    }
    const std::string typo = mistyped(name);
    const bool known = find_launch_variable(typo) != nullptr || !is_closed_family(typo);
    if (!known) {
      EXPECT_TRUE(finds(typo + "=1\n", "variable-unknown")) << typo;
    }
  }
  EXPECT_GT(typed, 250u);
}

TEST(LintVariables, NamesOfOthersAreLeftAlone) {
  EXPECT_FALSE(finds("NCCL_VERSION=2.27.3-1\nNCCL_OFI_TUNER=1\nVLLM_SERVICE_HOST=10.0.0.1\n",
                     "variable-unknown"));
  EXPECT_FALSE(finds("VLLM_PORT_8000_TCP=tcp://10.0.0.1:8000\nMODEL_NAME=x\nHF_SOMETHING_ELSE=1\n",
                     "variable-unknown"));
}

struct Case {
  const char *text, *ids;
};

TEST(LintVariables, KindsOfMistakes) {
  const Case cases[] = {
      {"NCCL_SOCKET_IFNMAE=eth0\n", "variable-unknown"},
      {"NCCL_P2P_LEVEL=NVLINK\n", "nccl-env-value-invalid"},
      {"NCCL_ALGO=^Tree\nNCCL_PROTO=^LL128\n", "variable-dangerous variable-dangerous"},
      {"NCCL_DEBUG=info\nPYTHONUNBUFFERED=1\n", "debug-leftover"},
      {"NCCL_DEBUG=VERBOSE\n", "debug-variable-invalid"},
      {"NCCL_DEBUG_SUBSYS=INIT,NETT\nNCCL_DEBUG=WARN\n",
       "nccl-env-values-conflict debug-variable-invalid"},
      {"NCCL_DEBUG_FILE=/tmp/nccl.log\n", "debug-file-shared"},
      {"NCCL_DEBUG_FILE=/tmp/nccl.%h.%p\n", ""},
      {"NCCL_IB_DISABLE=1\nNCCL_IB_HCA=mlx5\n", "ib-disabled nccl-env-values-conflict"},
      {"NCCL_P2P_DISABLE=1\nNCCL_SHM_DISABLE=1\n",
       "p2p-disabled-by-env shm-disabled-by-env p2p-and-shm-disabled-by-env"},
      {"NCCL_SOCKET_NTHREADS=8\nNCCL_NSOCKS_PERTHREAD=9\n", "nccl-env-values-conflict"},
      {"NCCL_MIN_NCHANNELS=8\nNCCL_MAX_NCHANNELS=4\n", "nccl-env-values-conflict"},
      {"NCCL_BUFFSIZE=16777216\n", "nccl-buffsize-too-large"},
      {"NCCL_IB_TIMEOUT=32\n", "variable-dangerous"},
      {"HF_HUB_OFFLINE=0\nTRANSFORMERS_OFFLINE=1\n", "offline-contradiction"},
      {"VLLM_PORT=tcp://10.0.0.1:8000\n", "vllm-port-from-service"},
      {"CUDA_VISIBLE_DEVICES=\n", "variable-empty"},
      {"NCCL_RAS_ADDR=localhost\n", "nccl-env-value-invalid"},
      {"NCCL_IB_ADDR_RANGE=10.0.0.0\n", "nccl-env-value-invalid"},
      {"AWS_SECRET_ACCESS_KEY=abcdefghij\n", "secret-in-plain-text"},
      {"HF_TOKEN=<your token>\n", ""},
      {"A=1\nA=2\n", "variable-twice"},
  };
  for (const Case& c : cases) EXPECT_EQ(ids(c.text), c.ids) << c.text;
}

TEST(LintCommands, KindsOfMistakes) {
  const Case cases[] = {
      {"vllm serve m -tp 4 --port 8000\n", ""},
      {"vllm serve m --tensor_parallel_size 4\n", ""},
      {"vllm serve m --max-model-lenght 4\n", "flag-unknown"},
      {"vllm serve m --swap-space 4\n", "flag-removed"},
      {"vllm serve m --port 99999\n", "flag-value-invalid"},
      {"vllm serve m --port\n", "flag-value-invalid"},
      {"vllm serve m -tp 2 -tp 4\n", "flag-duplicate"},
      {"vllm serve m --nnodes 2 --node-rank 2 --master-addr h\n", "flags-conflict"},
      {"vllm serve m --nnodes 2 --node-rank 1 --master-addr 127.0.0.1 --headless\n",
       "master-addr-missing"},
      {"vllm serve m --port 29501 --nnodes 2 --master-addr h\n", "port-in-use"},
      {"vllm serve m --enable-auto-tool-choice\n", "flags-conflict"},
      {"CUDA_VISIBLE_DEVICES=0,1 vllm serve m -tp 4\n", "gpus-do-not-fit-parallelism"},
      {"vllm serve m --api-key abcdefgh12\n", "secret-in-plain-text"},
      {"vllm serve m $EXTRA\n", ""},
      {"docker run --gpus 4 --ipc=host vllm/vllm-openai:v0.11.0 --model m -tp 4\n", ""},
      {"docker run --gpus 4 vllm/vllm-openai:v0.11.0 --model m -tp 4\n", "shm-too-small"},
      {"docker run --gpus 4 --ipc=host vllm/vllm-openai --model m -tp 4\n", "image-tag-latest"},
      {"docker run --gpus 4 --ipc=host vllm/vllm-openai:v0.11.0 --model m --nnodes 1\n",
       "gpus-booked-idle flag-not-yet"},
      {"docker run --ipc=host vllm/vllm-openai:v0.11.0 --model m\n", "gpus-not-requested"},
      {"echo hello\n", "document-has-no-launch"},
  };
  for (const Case& c : cases) EXPECT_EQ(ids(c.text), c.ids) << c.text;
}

TEST(LintCommands, VersionsDecide) {
  const std::string text = "vllm serve m --disable-log-requests\n";
  EXPECT_EQ(ids(text, with("0.16.0")), "");
  EXPECT_EQ(ids(text, with("0.17.0")), "flag-removed");
  const SourceText source("t", text);
  EXPECT_EQ(lint(source, with("0.16.1")).issues[0].severity, Severity::Warning);
  EXPECT_EQ(lint(source, with("0.17.0")).issues[0].severity, Severity::Error);
  EXPECT_EQ(lint(source, {}).issues[0].severity, Severity::Warning);
}

struct Fixed {
  const char *text, *fixed;
};

TEST(LintFix, Texts) {
  const Fixed cases[] = {
      {"NCCL_DEBUG=INFO\nA=1\n", "NCCL_DEBUG=WARN\nA=1\n"},
      {"A=1\nNCCL_IB_DISABLE=true\n", "A=1\n"},
      {"A=1\nNCCL_IB_DISABLE=no\n", "A=1\nNCCL_IB_DISABLE=0\n"},
      {"NCCL_SOCKET_IFNAME='eth0'\n", "NCCL_SOCKET_IFNAME=eth0\n"},
      {"NCCL_BUFFSIZE=4MB\n", "NCCL_BUFFSIZE=4194304\n"},
      {"export NCCL_P2P_DISABLE=1\nvllm serve m\n", "vllm serve m\n"},
      {"NCCL_P2P_DISABLE=1 vllm serve m\n", "vllm serve m\n"},
      {"vllm serve m \\\n  --swap-space 4 \\\n  --port 80\n", "vllm serve m \\\n  --port 80\n"},
      {"vllm serve m \\\n  --port 80 \\\n  --swap-space 4\n", "vllm serve m \\\n  --port 80\n"},
      {"vllm serve m --max-model-lenght 8192\n", "vllm serve m --max-model-len 8192\n"},
      {"vllm serve m -tp 2\n", "vllm serve m -tp 2\n"},
  };
  for (const Fixed& c : cases) EXPECT_EQ(fixed(SourceText("t", c.text), {}), c.fixed) << c.text;
}

TEST(LintReport, MasksSecretsAndPlacesFindings) {
  const SourceText source(
      "t", "# \xc3\xa9\nexport HF_TOKEN=hf_abcdefghijklmnopqrstu NCCL_DEBUGG=INFO\n");
  const CheckReport report = lint_report(source, lint(source, {}));
  ASSERT_EQ(report.findings.size(), 2u);
  for (const Finding& f : report.findings) {
    EXPECT_EQ(f.evidence[0].text, "export HF_TOKEN=*** NCCL_DEBUGG=INFO");
    EXPECT_EQ(f.evidence[0].line, 2u);
  }
  EXPECT_EQ(report.findings[0].evidence[0].column, 17u);
}

}  // namespace
}  // namespace rankdx::lint
