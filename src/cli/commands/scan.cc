// rankdx scan: logs to a facts file, where the logs lie.
#include <memory>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/facts_file.h"
#include "cli/flags.h"
#include "cli/reading.h"

namespace rankdx {
namespace {

struct Options {
  ReadingFlags reading;
  std::string output = "-", rules;
};

int run(const Options& o) {
  AnswerFlags answer;
  answer.rules = o.rules;
  const auto pack = rules_for(answer);
  if (!pack) return refused(pack.error());
  const RuleMatcher matcher(*pack);
  const ReadResult read = read_with_progress(o.reading, matcher.gate());
  return save_facts(o.reading, read, o.output);
}

}  // namespace

const std::string_view kScanExamples =
    "  rankdx scan /var/log/vllm -o $(hostname).rdxf     # on each node: a few KB per rank\n"
    "  rankdx diagnose *.rdxf                            # on one\n"
    "  zcat rank0.log.gz | rankdx scan - -o - > rank0.rdxf\n";

std::function<int()> make_scan(Flags& flags) {
  auto o = std::make_shared<Options>();
  add_reading_flags(flags, o->reading);
  flags.text("-o,--output", o->output, "the facts file; - for standard output");
  flags.text("--rules", o->rules,
             "a directory or file of more rules (TOML): their lines are kept too");
  return [o] { return run(*o); };
}

}  // namespace rankdx
