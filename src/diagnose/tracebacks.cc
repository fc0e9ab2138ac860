#include "diagnose/tracebacks.h"

#include <algorithm>
#include <map>

namespace rankdx {

void add_frames(const Context& context, std::vector<Finding>& findings) {
  std::map<std::pair<std::string_view, uint64_t>, const PythonErrorFacts*> raised;
  for (const auto& [key, source] : context.facts.sources) {
    for (const PythonErrorFacts& e : source.python_errors)
      raised.emplace(std::make_pair(std::string_view(source.name), e.raised.line), &e);
  }
  if (raised.empty()) return;
  for (Finding& f : findings) {
    if (f.role != Role::RootCause || f.evidence.size() >= FindingSet::kMaxEvidence) continue;
    for (const Evidence& e : f.evidence) {
      const auto found = raised.find({e.source, e.line});
      if (found == raised.end() || found->second->frames.empty()) continue;
      const KeptLine& innermost = found->second->frames.back();
      const Evidence frame{e.source, innermost.line, innermost.text};
      if (std::find(f.evidence.begin(), f.evidence.end(), frame) != f.evidence.end()) continue;
      f.evidence.push_back(frame);
      break;
    }
  }
}

}  // namespace rankdx
