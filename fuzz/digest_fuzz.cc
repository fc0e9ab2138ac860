// A log digested in blocks becomes the facts of the same log folded line by line. The text is read
// three times over, with other digits each time: what was learned from a line is used on its like.
// The first byte says how large the blocks are.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "input/block_reader.h"
#include "job/fold.h"
#include "job/pipeline.h"

namespace {

const rankdx::LiteralSet& gate() {
  static const rankdx::LiteralSet set({"Connection refused", "Error", "No route to host", "opId="});
  return set;
}

void count_up(std::string& text) {
  for (char& c : text) {
    if (rankdx::is_digit(c)) c = c == '9' ? '0' : static_cast<char>(c + 1);
  }
}

std::string three_times(std::string_view text) {
  std::string part(text), whole;
  if (!part.ends_with('\n')) part += '\n';
  for (int i = 0; i < 3; ++i) {
    whole += part;
    count_up(part);
  }
  return whole;
}

std::string as_file(rankdx::SourceFacts source) {
  rankdx::Facts facts;
  facts.sources.emplace(std::make_pair(source.name, source.fingerprint), std::move(source));
  return rankdx::serialize(facts);
}

std::string by_line(const std::string& text) {
  rankdx::SourceFold fold("log", gate());
  const auto source = rankdx::memory_source(text);
  rankdx::LineReader reader(*source);
  const auto got = reader.for_each_line([&](std::string_view line) { fold.line(line); });
  if (!got) std::abort();
  return as_file(fold.finish(reader.stats().bytes, 0, false, ""));
}

std::string by_block(const std::string& text, size_t block_bytes, rankdx::Digesters& digesters) {
  rankdx::SourceFold fold("log", gate());
  const auto source = rankdx::memory_source(text);
  rankdx::BlockReader reader(*source, block_bytes);
  rankdx::BlockPipeline pipeline(rankdx::folding(reader, fold, digesters), 2);
  pipeline.work();
  return as_file(fold.finish(reader.stats().bytes, 0, false, ""));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string text = three_times({reinterpret_cast<const char*>(data + 1), size - 1});
  const size_t block_bytes = 64u + 256u * data[0];
  rankdx::Digesters digesters(gate());
  const std::string expected = by_line(text);
  if (by_block(text, block_bytes, digesters) != expected) std::abort();
  if (by_block(text, block_bytes, digesters) != expected) std::abort();  // now they know the lines
  return 0;
}
