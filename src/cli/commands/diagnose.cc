// rankdx diagnose: logs to the root cause.
#include <cstdio>
#include <memory>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/reading.h"

namespace rankdx {
namespace {

struct Options {
  ReadingFlags reading;
  AnswerFlags answer;
};

int run(const Options& o) {
  const auto pack = rules_for(o.answer);
  if (!pack) return std::fprintf(stderr, "rankdx: %s\n", to_string(pack.error()).c_str()), kUsage;
  RuleMatcher matcher(*pack);
  ReadResult read = read_with_progress(o.reading, matcher.gate());
  if (read.facts.sources.empty()) return tell_left_out(o.reading, read), kUsage;
  return answer(std::move(read), matcher, o.answer, o.reading.paths);
}

}  // namespace

const std::string_view kDiagnoseExamples =
    "  rankdx diagnose logs/                        # every log below a directory\n"
    "  kubectl logs -l app=vllm --prefix | rankdx diagnose -\n"
    "  rankdx diagnose -o markdown --redact *.log   # for an issue\n";

std::function<int()> make_diagnose(Flags& flags) {
  auto o = std::make_shared<Options>();
  add_reading_flags(flags, o->reading);
  add_answer_flags(flags, o->answer);
  flags.list(
      "--ras", o->answer.ras,
      "answers of NCCL's RAS ports as evidence beside the logs: saved files, or HOST[:PORT]");
  return [o] { return run(*o); };
}

}  // namespace rankdx
