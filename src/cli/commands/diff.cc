// rankdx diff: a good run against a bad one.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "diagnose/compare.h"
#include "job/read.h"
#include "report/comparison.h"

namespace rankdx {
namespace {

struct Options {
  std::string good, bad, output;
};

/// Facts of one side; says on stderr what could not be read.
Facts facts_of(const std::string& path, const LiteralSet& gate) {
  ReadResult read = read_facts({path}, gate, {});
  for (const Error& e : read.left_out) std::fprintf(stderr, "rankdx: %s\n", to_string(e).c_str());
  return std::move(read.facts);
}

int run(const Options& o) {
  RuleMatcher matcher(builtin_rules());
  const Facts good_facts = facts_of(o.good, matcher.gate()),
              bad_facts = facts_of(o.bad, matcher.gate());
  if (good_facts.sources.empty() || bad_facts.sources.empty()) return kUsage;
  const Job good = assemble(good_facts), bad = assemble(bad_facts);
  const Diagnosis diagnosis = diagnose(bad_facts, bad, matcher);
  const auto differences = compare(good, bad, diagnosis);
  const TextStyle style{colour_for(STDOUT_FILENO), width_of_terminal(STDOUT_FILENO)};
  const std::string text = o.output == "json" ? comparison_json(differences, diagnosis)
                                              : comparison_text(differences, diagnosis, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return differences.empty() ? kHealthy : kProblemFound;
}

}  // namespace

const std::string_view kDiffExamples =
    "  rankdx diff yesterday/ today/            # what changed, what explains the failure first\n"
    "  rankdx diff -o json good.log bad.log\n";

std::function<int()> make_diff(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operand("GOOD", o->good, "log, directory or bundle of a run that worked");
  flags.operand("BAD", o->bad, "the same of one that did not");
  flags.choice("-o,--output", o->output, {"text", "json"}, "form of the answer");
  return [o] {
    if (!o->good.empty() && !o->bad.empty()) return run(*o);
    std::fputs("rankdx: diff needs a good and a bad run\n", stderr);
    return static_cast<int>(kUsage);
  };
}

}  // namespace rankdx
