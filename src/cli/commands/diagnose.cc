// rankdx diagnose: logs to the root cause.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "diagnose/diagnose.h"
#include "job/read.h"
#include "report/report.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string output, fail_on, rules;
  int64_t threads = 0;
  bool redact = false, verbose = false;
};

/// The pack of the binary, with the user's rules on top.
Result<RulePack> rules_of(const Options& o) {
  RulePack pack = builtin_rules();
  if (!o.rules.empty()) pack.add(RANKDX_TRY(RulePack::load(o.rules)));
  return pack;
}

int exit_code(Verdict verdict, const std::string& fail_on) {
  if (fail_on == "never") return kHealthy;
  switch (verdict) {
    case Verdict::Failed: return kProblemFound;
    case Verdict::Warning: return fail_on == "warning" ? kProblemFound : kHealthy;
    case Verdict::Undetermined: return kUndetermined;
    default: return kHealthy;
  }
}

std::string rendered(const Report& report, const Options& o) {
  if (o.output == "json") return render_json(report);
  if (o.output == "markdown") return render_markdown(report);
  if (o.output == "sarif") return render_sarif(report);
  if (o.output == "junit") return render_junit(report);
  if (o.output == "prometheus") return render_prometheus(report);
  TextOptions text;
  text.colour = colour_for(STDOUT_FILENO);
  text.width = width_of_terminal(STDOUT_FILENO);
  text.detail = o.verbose ? Detail::Verbose : Detail::Brief;
  return render_text(report, text);
}

/// Whether something that the user named (not merely found in a directory) could not be used.
bool named_is_missing(const Options& o, const std::vector<Error>& left_out) {
  return std::any_of(left_out.begin(), left_out.end(), [&](const Error& e) {
    if (e.code == ErrorCode::Empty) return false;
    return o.paths.empty() || std::find(o.paths.begin(), o.paths.end(), e.place) != o.paths.end();
  });
}

int run(const Options& o) {
  const auto pack = rules_of(o);
  if (!pack) return std::fprintf(stderr, "rankdx: %s\n", to_string(pack.error()).c_str()), kUsage;
  RuleMatcher matcher(*pack);
  ReadOptions how;
  how.threads = o.threads > 0 ? static_cast<int>(o.threads) : static_cast<int>(std::thread::hardware_concurrency());
  ReadResult read = read_facts(o.paths, matcher.gate(), how);
  if (read.facts.sources.empty()) {
    for (const Error& e : read.left_out) std::fprintf(stderr, "rankdx: %s\n", to_string(e).c_str());
    if (read.left_out.empty()) std::fputs("rankdx: no input (name log files or directories, or pipe a log in)\n", stderr);
    return kUsage;
  }
  const bool lacking = named_is_missing(o, read.left_out);
  const Job job = assemble(read.facts);
  Report report{diagnose(read.facts, job, matcher), &job, std::move(read.left_out)};
  Job redacted_job;
  if (o.redact) report = redacted(report, redacted_job);
  const std::string text = rendered(report, o);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return lacking ? static_cast<int>(kUsage) : exit_code(report.diagnosis.verdict, o.fail_on);
}

}  // namespace

const std::string_view kDiagnoseExamples =
    "  rankdx diagnose logs/                        # every log below a directory\n"
    "  kubectl logs -l app=vllm --prefix | rankdx diagnose -\n"
    "  rankdx diagnose -o markdown --redact *.log   # for an issue\n";

std::function<int()> make_diagnose(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths, "files, directories, globs or - for standard input; .gz .zst .xz and bundles too");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif", "junit", "prometheus"}, "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  flags.text("--rules", o->rules, "a directory or file of more rules (TOML)");
  flags.on("--redact", o->redact, "replace addresses, host names, user names and tokens by pseudonyms");
  flags.on("-v,--verbose", o->verbose, "the whole picture: rings, trees, links, environment, notes");
  flags.number("--threads", o->threads, 0, 1024, "0: one per core");
  return [o] { return run(*o); };
}

}  // namespace rankdx
