// Facts to the answer on standard output and an exit code: the second half of `rankdx diagnose`,
// also for programs that get their facts from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "diagnose/diagnose.h"
#include "job/read.h"

namespace rankdx {

class Flags;

struct AnswerFlags {
  std::string output, fail_on, rules, model_dir;
  bool redact = false, verbose = false;
  std::vector<std::string> ras;  ///< other witnesses: files with RAS answers, or addresses
};
void add_answer_flags(Flags& flags, AnswerFlags& values);

/// The rules of the binary, with the user's on top.
Result<RulePack> rules_for(const AnswerFlags& flags);

/// `read` must hold a source. `paths`: what the user named.
int answer(ReadResult read, RuleMatcher& matcher, const AnswerFlags& flags,
           const std::vector<std::string>& paths);

}  // namespace rankdx
