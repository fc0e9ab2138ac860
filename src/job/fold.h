// Lines to SourceFacts: the fold over one source. Not thread-safe; one per source.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "job/facts.h"
#include "scan/literal_set.h"

namespace rankdx {

struct BlockDigest;

class SourceFold {
 public:
  /// `gate` selects the lines that rules want to see (the rule pack's literals); it outlives the
  /// fold.
  SourceFold(std::string name, const LiteralSet& gate);
  ~SourceFold();
  /// One line, without its newline.
  void line(std::string_view line);
  /// The next lines of the source at once: the same as line() for each of them. The digest must be
  /// of these lines, and of a Digester that has only ever seen blocks of this source.
  void add(BlockDigest& digest);
  /// Ends the fold. `bytes`, `overlong`, `ends_mid_line`, `problem` come from the reader.
  SourceFacts finish(uint64_t bytes, uint64_t overlong, bool ends_mid_line, std::string problem);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
