// The slow obvious scanner: the same contract as Scanner, the same grammar, but each line is
// cleaned and read in full. Tests and the fuzzer hold the fast one against it.
#pragma once

#include <string_view>

#include "scan/scanner.h"
#include "scan/source_memory.h"

namespace rankdx {

class ReferenceScanner {
 public:
  void scan_line(std::string_view line, MessageSink& sink);
  const ScanCounts& counts() const { return counts_; }

 private:
  ScanCounts counts_;
  SourceMemory memory_;
};

}  // namespace rankdx
