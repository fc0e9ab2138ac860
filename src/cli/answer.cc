#include "cli/answer.h"

#include <unistd.h>

#include <cstdio>

#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/ras_answers.h"
#include "cli/reading.h"
#include "diagnose/witness.h"
#include "report/report.h"

namespace rankdx {
namespace {

int exit_code(Verdict verdict, const std::string& fail_on) {
  if (fail_on == "never") return kHealthy;
  switch (verdict) {
    case Verdict::Failed:
      return kProblemFound;
    case Verdict::Warning:
      return fail_on == "warning" ? kProblemFound : kHealthy;
    case Verdict::Undetermined:
      return kUndetermined;
    default:
      return kHealthy;
  }
}

std::string rendered(const Report& report, const AnswerFlags& o) {
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

}  // namespace

Result<RulePack> rules_for(const AnswerFlags& o) {
  RulePack pack = builtin_rules();
  if (!o.rules.empty()) pack.add(RANKDX_TRY(RulePack::load(o.rules)));
  return pack;
}

void add_answer_flags(Flags& flags, AnswerFlags& o) {
  flags.choice("-o,--output", o.output,
               {"text", "json", "markdown", "sarif", "junit", "prometheus"}, "form of the answer");
  flags.choice("--fail-on", o.fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  flags.text("--rules", o.rules, "a directory or file of more rules (TOML)");
  flags.text("--model-dir", o.model_dir,
             "model directory or config.json: findings about GPU memory then name flag values");
  flags.on("--redact", o.redact,
           "replace addresses, host names, user names and tokens by pseudonyms");
  flags.on("-v,--verbose", o.verbose, "the whole picture: rings, trees, links, environment, notes");
}

int answer(ReadResult read, RuleMatcher& matcher, const AnswerFlags& o,
           const std::vector<std::string>& paths) {
  const bool lacking = named_is_missing(paths, read.left_out);
  const Job job = assemble(read.facts);
  Report report{diagnose(read.facts, job, matcher, {o.model_dir}), &job, std::move(read.left_out)};
  if (!o.ras.empty()) {
    const auto replies = ras_answers(o.ras);
    if (!replies)
      return std::fprintf(stderr, "rankdx: %s\n", to_string(replies.error()).c_str()), kUsage;
    for (const RasReply& r : *replies) {
      if (!r.answer)
        std::fprintf(stderr, "rankdx: RAS at %s: %s\n", r.asked.c_str(), r.problem.c_str());
    }
    add_witness(report.diagnosis, judge_ras(*replies));
  }
  Job redacted_job;
  if (o.redact) report = redacted(report, redacted_job);
  const std::string text = rendered(report, o);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return lacking ? static_cast<int>(kUsage) : exit_code(report.diagnosis.verdict, o.fail_on);
}

}  // namespace rankdx
