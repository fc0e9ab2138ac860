// rankdx merge: facts files to one. Logs are refused: they would be scanned with whatever rules are
// at hand.
#include <cstdio>
#include <memory>

#include "cli/cli.h"
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

int failed(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

int run(const Options& o) {
  const LiteralSet no_rules;
  const ReadResult read = read_with_progress(o.reading, no_rules);
  if (read.logs > 0)
    return failed(
        {ErrorCode::Usage, "merge reads facts files, not logs", "", "rankdx scan makes them"});
  const bool lacking = tell_left_out(o.reading, read);
  if (read.facts.sources.empty()) return kUsage;
  const auto written = write_facts(read.facts, o.output);
  if (!written) return failed(written.error());
  return lacking ? kUsage : kHealthy;
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
