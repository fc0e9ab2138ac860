// rankdx merge: facts files to one. Logs are refused: they would be scanned with whatever rules are
// at hand.
#include <memory>

#include "cli/commands.h"
#include "cli/facts_file.h"
#include "cli/flags.h"
#include "cli/reading.h"

namespace rankdx {
namespace {

struct Options {
  ReadingFlags reading;
  std::string output = "-";
};

int run(const Options& o) {
  const LiteralSet no_rules;
  const ReadResult read = read_with_progress(o.reading, no_rules);
  if (read.logs > 0)
    return refused(
        {ErrorCode::Usage, "merge reads facts files, not logs", "", "rankdx scan makes them"});
  return save_facts(o.reading, read, o.output);
}

}  // namespace

const std::string_view kMergeExamples =
    "  rankdx merge node-*.rdxf -o job.rdxf    # in any order and grouping, also twice\n"
    "  rankdx diagnose job.rdxf\n";

std::function<int()> make_merge(Flags& flags) {
  auto o = std::make_shared<Options>();
  add_reading_flags(flags, o->reading);
  flags.text("-o,--output", o->output, "the facts file; - for standard output");
  return [o] { return run(*o); };
}

}  // namespace rankdx
