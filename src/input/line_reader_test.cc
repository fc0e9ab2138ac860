#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "input/input.h"

namespace rankdx {
namespace {

/// Gives `step` bytes at a time, then fails if told to.
class DripSource : public ByteSource {
 public:
  DripSource(std::string bytes, size_t step, bool fails = false)
      : bytes_(std::move(bytes)), step_(step), fails_(fails) {}
  Result<size_t> read(char* buffer, size_t size) override {
    const size_t count = bytes_.copy(buffer, std::min(size, step_), at_);
    at_ += count;
    if (count == 0 && fails_) return fail(ErrorCode::Corrupt, "broken");
    return count;
  }

 private:
  std::string bytes_;
  size_t step_, at_ = 0;
  bool fails_;
};

struct Read {
  std::vector<std::string> lines;
  LineStats stats;
  bool operator==(const Read&) const = default;
};

Read read_lines(const std::string& bytes, size_t step) {
  DripSource source(bytes, step);
  LineReader reader(source);
  Read read;
  read.stats =
      reader.for_each_line([&](std::string_view line) { read.lines.emplace_back(line); }).value();
  return read;
}

/// What LineReader should find, written the obvious way.
Read expected_lines(const std::string& bytes) {
  Read read;
  read.stats.bytes = bytes.size();
  read.stats.ended_with_newline = bytes.empty() || bytes.back() == '\n';
  for (size_t at = 0; at < bytes.size();) {
    const size_t newline = std::min(bytes.find('\n', at), bytes.size());
    if (newline - at > LineReader::kMaxLine) ++read.stats.overlong;
    read.lines.push_back(bytes.substr(at, std::min(newline - at, LineReader::kMaxLine)));
    at = newline + 1;
  }
  read.stats.lines = read.lines.size();
  return read;
}

TEST(LineReader, SmallTexts) {
  const auto lines = [](const char* text) { return read_lines(text, 1 << 20).lines; };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines(""), (Lines{}));
  EXPECT_EQ(lines("\n"), (Lines{""}));
  EXPECT_EQ(lines("a"), (Lines{"a"}));
  EXPECT_EQ(lines("a\n\nb\n"), (Lines{"a", "", "b"}));
  EXPECT_EQ(lines("a\r\nb"), (Lines{"a\r", "b"}));
  EXPECT_EQ(read_lines("a\nb", 9).stats, (LineStats{3, 2, 0, false}));
  EXPECT_EQ(read_lines(std::string("a\0b\n", 4), 9).lines, (Lines{std::string("a\0b", 3)}));
}

TEST(LineReader, EveryStepGivesTheSameLines) {
  const std::string text = "one\n\nthree is longer\nfour\n\n\nseven";
  for (size_t step = 1; step <= text.size(); ++step) {
    EXPECT_EQ(read_lines(text, step), expected_lines(text)) << step;
    EXPECT_EQ(read_lines(text + "\n", step), expected_lines(text + "\n")) << step;
  }
}

TEST(LineReader, NewlineAtEveryPlaceAroundABlock) {
  constexpr size_t kBlock = LineReader::kBlock;
  for (size_t first = kBlock - 3; first <= kBlock + 3; ++first) {
    for (size_t second : {0, 1, 2, 5000}) {
      const std::string text = std::string(first, 'a') + "\n" + std::string(second, 'b') +
                               "\ntail" + std::string(kBlock, 'c');
      EXPECT_EQ(read_lines(text, kBlock), expected_lines(text)) << first << " " << second;
    }
  }
}

TEST(LineReader, LongLinesAreCut) {
  constexpr size_t kMax = LineReader::kMaxLine;
  for (size_t length : {kMax - 1, kMax, kMax + 1, kMax + LineReader::kBlock, 3 * kMax}) {
    for (size_t step : {size_t{4096}, size_t{65536}, LineReader::kBlock}) {
      const std::string line(length, 'x');
      for (const std::string& text :
           {line, line + "\n", "a\n" + line + "\nb\n", line + "\n" + line}) {
        const Read read = read_lines(text, step);
        EXPECT_TRUE(read == expected_lines(text)) << length << " in steps of " << step;
      }
    }
  }
}

TEST(LineReader, RandomTexts) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const size_t lines = random() % 40;
    for (size_t i = 0; i < lines; ++i) {
      text += std::string(random() % (i % 5 == 0 ? 90'000 : 200), static_cast<char>('a' + i % 26));
      if (i + 1 < lines || round % 2) text += '\n';
    }
    EXPECT_TRUE(read_lines(text, 1 + random() % 300'000) == expected_lines(text)) << round;
  }
}

TEST(LineReader, OneByteAtATimeIsNotQuadratic) {
  const std::string text(2 * LineReader::kMaxLine, 'x');
  EXPECT_TRUE(read_lines(text, 1) == expected_lines(text));
}

TEST(LineReader, ErrorComesAfterEverythingBeforeIt) {
  for (size_t step : {1, 3, 100}) {
    DripSource source("one\ntwo\nthr", step, true);
    LineReader reader(source);
    std::vector<std::string> lines;
    const auto read =
        reader.for_each_line([&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "thr"}));
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().text, "broken");
    EXPECT_EQ(reader.stats(), (LineStats{11, 3, 0, false}));
  }
}

}  // namespace
}  // namespace rankdx
