#include "job/json_source.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

/// Gives a few bytes at a time.
class Slow : public ByteSource {
 public:
  explicit Slow(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(char* buffer, size_t size) override {
    const size_t n = bytes_.copy(buffer, std::min<size_t>(size, 7), at_);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

std::string all_of(const std::string& objects) {
  Slow slow(objects);
  const auto log = json_log_source(slow);
  std::string text;
  char buffer[5];
  while (const size_t n = log->read(buffer, sizeof buffer).value()) text.append(buffer, n);
  return text;
}

TEST(JsonSource, OneLineForEachObject) {
  EXPECT_EQ(all_of("{\"log\":\"a\\n\"}\nplain\n\n{\"broken\n{\"log\":\"b\\n\"}\n"),
            "a\nplain\n\n{\"broken\nb\n");
  EXPECT_EQ(all_of(""), "");
  EXPECT_EQ(all_of("{\"log\":\"cut"), "cut");
}

TEST(JsonSource, LinesOfOneObjectHaveItsPrefix) {
  EXPECT_EQ(all_of("{\"message\":\"Traceback:\\n  File\",\"podName\":\"p\"}\n"),
            "[pod/p/] Traceback:\n[pod/p/]   File\n");
}

TEST(JsonSource, LongLineOfSeveralObjects) {
  const std::string piece(16 << 10, 'x');
  EXPECT_EQ(all_of("{\"log\":\"" + piece + "\"}\n{\"log\":\"end\\n\"}\n{\"log\":\"b\\n\"}\n"),
            piece + "end\nb\n");
  EXPECT_EQ(all_of("{\"log\":\"" + piece + "\"}\nplain\n"), piece + "\nplain\n");
}

TEST(JsonSource, LineWithoutEndPasses) {
  const std::string text(5 << 20, '{');
  EXPECT_EQ(all_of(text), text);
}

}  // namespace
}  // namespace rankdx
