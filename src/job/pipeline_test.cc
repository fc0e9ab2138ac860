// Whatever the number of threads and the size of blocks, the facts are those of a fold line by
// line.
#include "job/pipeline.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "input/input.h"
#include "job/digest.h"
#include "job/fold.h"
#include "job/read.h"

namespace rankdx {
namespace {

const char* const kLab = RANKDX_SOURCE_DIR "/tests/data/lab.tar.xz";

/// Some literals of rules, so that all kinds of lines are kept.
const LiteralSet kGate({"Connection refused", "Traceback (most recent", "RuntimeError",
                        "No route to host", "Using internal", "Could not find", "libnccl-net",
                        "ncclCommInitRank", "Error"});

void fold_lines(const std::string& name, ByteSource& source, Facts& facts) {
  SourceFold fold(name, kGate);
  LineReader reader(source);
  ASSERT_TRUE(reader.for_each_line([&](std::string_view line) { fold.line(line); }).has_value());
  const LineStats& stats = reader.stats();
  SourceFacts source_facts =
      fold.finish(stats.bytes, stats.overlong, !stats.ended_with_newline, "");
  auto key = std::make_pair(source_facts.name, source_facts.fingerprint);
  facts.sources.insert_or_assign(std::move(key), std::move(source_facts));
}

/// Works on one text with some threads at once.
SourceFacts fold_blocks(const std::string& text, int threads, size_t block_bytes) {
  auto source = memory_source(text);
  BlockReader reader(*source, block_bytes);
  SourceFold fold("log", kGate);
  Digesters digesters(kGate);
  BlockPipeline pipeline(folding(reader, fold, digesters), static_cast<size_t>(threads) + 1);
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back([&] { pipeline.work(); });
  pipeline.work();
  for (std::thread& t : helpers) t.join();
  const LineStats& stats = reader.stats();
  return fold.finish(stats.bytes, stats.overlong, !stats.ended_with_newline, "");
}

Facts one_source(SourceFacts source) {
  Facts facts;
  facts.sources.emplace(std::make_pair(source.name, source.fingerprint), std::move(source));
  return facts;
}

/// The logs of the lab, one text each.
std::vector<std::string> lab_logs() {
  std::vector<std::string> logs;
  std::vector<LeftOut> left_out;
  for_each_input(
      {kLab},
      [&](InputItem item) {
        std::string& text = logs.emplace_back();
        char buffer[1 << 16];
        for (size_t n; (n = item.bytes->read(buffer, sizeof buffer).value_or(0)) > 0;)
          text.append(buffer, n);
      },
      left_out);
  return logs;
}

TEST(Pipeline, AllLabLogsOnAnyNumberOfThreads) {
  Facts by_line;
  std::vector<LeftOut> left_out;
  for_each_input(
      {kLab}, [&](InputItem item) { fold_lines(item.name, *item.bytes, by_line); }, left_out);
  ASSERT_GT(by_line.sources.size(), 400u);
  const std::string expected = serialize(by_line);
  struct Way {
    int threads;
    size_t block_bytes;
  };
  for (const Way& way : {Way{1, size_t{1} << 18}, Way{2, 20'000}, Way{3, 4096}, Way{8, 700}}) {
    ReadOptions options;
    options.threads = way.threads;
    options.block_bytes = way.block_bytes;
    Facts facts = read_facts({kLab}, kGate, options).facts;
    facts.left_out.clear();  // the lab's empty logs
    std::erase_if(facts.sources, [](const auto& s) { return s.second.bytes == 0; });
    EXPECT_TRUE(serialize(facts) == expected)
        << way.threads << " threads, blocks of " << way.block_bytes;
  }
}

/// Lines glued, cut, wrapped, coloured, with broken bytes: what the fold of blocks must leave to
/// the fold of lines.
std::string damaged(const std::string& log, std::mt19937& random) {
  static const std::string kMarks[] = {"\x1b[36m",
                                       "\r",
                                       std::string(1, '\0'),
                                       "\xff",
                                       "\xc3\xa9",
                                       "(Worker pid=7) ",
                                       "[pod/a-1/c] ",
                                       "[rank3]: ",
                                       "NCCL INFO ",
                                       "host-9:",
                                       "2026-03-19 10:11:12 "};
  std::string out;
  const unsigned rate = 3 + random() % 200;
  size_t at = 0;
  while (at < log.size()) {
    size_t end = std::min(log.find('\n', at), log.size() - 1) + 1;
    std::string line = log.substr(at, end - at);
    at = end;
    switch (random() % rate) {
      case 0:
        line.erase(random() % line.size(), random() % 60);
        break;
      case 1:
        line.pop_back();
        break;
      case 2:
        line.insert(random() % line.size(), kMarks[random() % std::size(kMarks)]);
        break;
      case 3:
        line.insert(0, kMarks[random() % std::size(kMarks)]);
        break;
      case 4:
        at = random() % log.size();
        break;
      default:
        break;
    }
    out += line;
    if (out.size() > 200'000) break;
  }
  return out;
}

TEST(Pipeline, DamagedLogsInSmallBlocks) {
  const std::vector<std::string> logs = lab_logs();
  ASSERT_FALSE(logs.empty());
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 3; ++i) {
      const std::string& log = logs[random() % logs.size()];
      if (!log.empty()) text += damaged(log, random);
    }
    Facts expected;
    auto source = memory_source(text);
    fold_lines("log", *source, expected);
    const size_t block_bytes = 1 + random() % (round % 3 ? 3000 : 100'000);
    const Facts facts = one_source(fold_blocks(text, 1 + round % 4, block_bytes));
    ASSERT_TRUE(facts == expected) << "round " << round << ", blocks of " << block_bytes;
  }
}

TEST(LineHash, PartsMakeTheWhole) {
  LineHash whole, first, second;
  for (const char* line : {"one", "", "three is longer than eight"})
    first.add(line), whole.add(line);
  for (const char* line : {"x", "y"}) second.add(line), whole.add(line);
  first.append(second);
  EXPECT_EQ(first.value(), whole.value());
  LineHash other;
  for (const char* line : {"y", "x"}) other.add(line);
  EXPECT_NE(other.value(), second.value());
}

}  // namespace
}  // namespace rankdx
