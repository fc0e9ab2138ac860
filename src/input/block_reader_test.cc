#include "input/block_reader.h"

#include <gtest/gtest.h>

#include <random>

namespace rankdx {
namespace {

struct Read {
  std::string text;
  LineStats stats;
  bool operator==(const Read&) const = default;
};

/// Gives a few bytes at a time, as a pipe does.
class Drops : public ByteSource {
 public:
  Drops(std::string_view bytes, size_t most) : bytes_(bytes), most_(most) {}
  Result<size_t> read(char* buffer, size_t size) override {
    const size_t n = bytes_.copy(buffer, std::min(size, most_));
    bytes_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view bytes_;
  size_t most_;
};

/// All blocks together. Each must end with a newline, but for the last one.
Read read_blocks(ByteSource& source, size_t block_bytes, BlockReader::Fill fill) {
  BlockReader reader(source, block_bytes, fill);
  Block block;
  Read read;
  bool open = false;
  while (reader.next(block).value()) {
    EXPECT_FALSE(open);
    EXPECT_FALSE(block.text().empty());
    open = block.text().back() != '\n';
    read.text += block.text();
  }
  read.stats = reader.stats();
  return read;
}

Read read_blocks(const std::string& bytes, size_t block_bytes) {
  return read_blocks(*memory_source(bytes), block_bytes, BlockReader::Fill::Whole);
}

/// The same from LineReader.
Read expected(const std::string& bytes) {
  auto source = memory_source(bytes);
  LineReader reader(*source);
  Read read;
  read.stats =
      reader.for_each_line([&](std::string_view line) { read.text.append(line).append("\n"); })
          .value();
  const bool cut = read.text.size() > LineReader::kMaxLine && read.stats.overlong > 0;
  if (!read.stats.ended_with_newline &&
      !(cut && bytes.size() - bytes.rfind('\n') - 1 > LineReader::kMaxLine)) {
    read.text.pop_back();
  }
  read.stats.lines = 0;
  return read;
}

TEST(BlockReader, GivesTheBytesAgain) {
  for (const char* text : {"", "\n", "a", "a\n", "\n\na", "one\ntwo\n", "one\r\ntwo\r\nthree"}) {
    for (size_t block : {1, 2, 3, 4, 100}) EXPECT_EQ(read_blocks(text, block).text, text) << block;
  }
}

TEST(BlockReader, LongLinesAreCutAsLineReaderDoes) {
  constexpr size_t kMax = LineReader::kMaxLine;
  for (size_t length : {kMax - 1, kMax, kMax + 1, 3 * kMax}) {
    const std::string line(length, 'x');
    for (const std::string& text :
         {line, line + "\n", "a\n" + line + "\nb\n", line + "\n" + line}) {
      for (size_t block : {size_t{7}, size_t{65536}, size_t{1} << 18, size_t{1} << 22}) {
        EXPECT_TRUE(read_blocks(text, block) == expected(text))
            << length << " in blocks of " << block;
      }
    }
  }
}

TEST(BlockReader, RandomTexts) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) {
      text += std::string(random() % (i % 5 == 0 ? 9000 : 50), static_cast<char>('a' + i % 26));
      if (i > 1 || round % 2) text += '\n';
    }
    EXPECT_TRUE(read_blocks(text, 1 + random() % 20'000) == expected(text)) << round;
    Drops drops(text, 1 + random() % 700);
    EXPECT_TRUE(read_blocks(drops, 1 + random() % 20'000, BlockReader::Fill::AsItComes) ==
                expected(text))
        << round;
  }
}

TEST(BlockReader, LinesOfAPipeAreNotHeldUp) {
  Drops drops("one\ntwo\nthree\n", 6);
  BlockReader reader(drops, 1 << 18, BlockReader::Fill::AsItComes);
  Block block;
  for (const char* expected : {"one\n", "two\n", "three\n"}) {
    ASSERT_TRUE(reader.next(block).value());
    EXPECT_EQ(block.text(), expected);
  }
  EXPECT_FALSE(reader.next(block).value());
}

}  // namespace
}  // namespace rankdx
