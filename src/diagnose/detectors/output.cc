// Too little output to judge, or debug output left on.
#include <algorithm>

#include "diagnose/context.h"

namespace rankdx {

void detect_output(const Context& context, FindingSet& findings) {
  const InputTotals& in = context.job.input;
  if (in.lines == 0 || (in.nccl_lines == 0 && context.hits.empty() && in.bytes == 0)) {
    Draft draft{.id = "nccl-output-missing"};
    draft.confidence = Confidence::Possible;
    findings.add(std::move(draft));
    return;
  }
  uint64_t bulk = 0;
  const ProcessFacts* loudest = nullptr;
  const SourceFacts* source = nullptr;
  for (const Process& p : context.job.processes) {
    for (size_t k = 0; k < p.facts.size(); ++k) {
      bulk += p.facts[k]->debug_bulk_lines;
      if (!loudest || p.facts[k]->debug_bulk_lines > loudest->debug_bulk_lines)
        loudest = p.facts[k], source = p.sources[k];
    }
  }
  constexpr uint64_t kMuch = 1000, kMuchOfOne = 50;
  if (bulk < kMuch || bulk < kMuchOfOne * context.job.processes.size()) return;
  Draft draft{.id = "debug-output-too-verbose"};
  draft.captures = {{"lines", std::to_string(bulk)}};
  draft.evidence = {context.evidence(*source, loudest->last_nccl)};
  findings.add(std::move(draft));
}

}  // namespace rankdx
