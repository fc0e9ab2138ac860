// Short logs for the tests of this room, in the wording of NCCL 2.28.9.
#pragma once

#include <string>

#include "job/fold.h"

namespace rankdx::test {

inline std::string start_line(const std::string& prefix, int rank, int nranks,
                              const std::string& comm, const std::string& id, const char* what) {
  return prefix + "NCCL INFO ncclCommInitRank comm " + comm + " rank " + std::to_string(rank) +
         " nranks " + std::to_string(nranks) + " cudaDev " + std::to_string(rank % 2) +
         " nvmlDev " + std::to_string(rank % 2) + " busId 1b000 commId " + id + " - Init " + what +
         "\n";
}

inline std::string prefix(const std::string& host, int pid, int dev) {
  const std::string p = std::to_string(pid);
  return host + ":" + p + ":" + p + " [" + std::to_string(dev) + "] ";
}

/// Folds a text into the facts of one source.
inline SourceFacts fold_text(const std::string& name, const std::string& text,
                             const LiteralSet& gate) {
  SourceFold fold(name, gate);
  size_t at = 0;
  while (at < text.size()) {
    size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    fold.line(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  return fold.finish(text.size(), 0, false, "");
}

inline Facts facts_of(const SourceFacts& source) {
  Facts f;
  f.sources.emplace(std::make_pair(source.name, source.fingerprint), source);
  return f;
}

}  // namespace rankdx::test
