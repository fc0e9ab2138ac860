#include "checkpoint/problems.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rankdx {
namespace {

TEST(ProblemTexts, SortedAndWhole) {
  const auto& table = problem_texts();
  for (size_t i = 0; i < table.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(table[i - 1].id, table[i].id);
    }
    for (const std::string_view text : {table[i].title, table[i].cause, table[i].fix})
      EXPECT_FALSE(text.empty()) << table[i].id;
    EXPECT_EQ(problem_text(table[i].id), &table[i]);
  }
}

TEST(ProblemTexts, EachHasALineInTheManual) {
  std::ifstream in(RANKDX_SOURCE_DIR "/docs/model.md");
  std::stringstream text;
  text << in.rdbuf();
  for (const ProblemText& row : problem_texts()) {
    const std::string severity = row.severity == Severity::Error     ? "error"
                                 : row.severity == Severity::Warning ? "warning"
                                                                     : "note";
    const std::string line =
        "| `" + std::string(row.id) + "` | " + severity + " | " + std::string(row.title) + " |\n";
    EXPECT_NE(text.str().find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace rankdx
