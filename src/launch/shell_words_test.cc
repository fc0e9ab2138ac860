#include "launch/shell_words.h"

#include <gtest/gtest.h>

#include "launch/test_specs.h"

namespace rankdx {
namespace {

using Strings = std::vector<std::string>;

TEST(ShellQuote, OneWordForEveryText) {
  EXPECT_EQ(shell_quote("a-b_c/d:e=f,g+h"), "a-b_c/d:e=f,g+h");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("~"), "'~'");
  EXPECT_EQ(shell_quote("*"), "'*'");
}

TEST(ShellWords, UndoesQuoting) {
  for (const std::string& text : kHostileTexts) {
    const auto words = shell_words(shell_join({"a", text, ""}));
    ASSERT_TRUE(words) << text;
    EXPECT_EQ(*words, (Strings{"a", text, ""})) << text;
    const auto twice = shell_words(shell_quote(shell_quote(text)));
    ASSERT_TRUE(twice) << text;
    EXPECT_EQ(*twice, Strings{shell_quote(text)});
  }
}

TEST(ShellWords, Commands) {
  const auto commands = shell_commands(
      "# a comment\nexport A=1  B='x y'\nread -r h < <(list \"$X\")\nrun \\\n  --a \"q $H\" \\\n  "
      "--b $(id -u) >log 2>&1 &\nwait; a|b\n");
  ASSERT_TRUE(commands);
  std::vector<Strings> words;
  for (const auto& c : *commands) words.push_back(c.words);
  EXPECT_EQ(words, (std::vector<Strings>{{"export", "A=1", "B=x y"},
                                         {"read", "-r", "h"},
                                         {"run", "--a", "q $H", "--b", "$(id -u)"},
                                         {"wait"},
                                         {"a"},
                                         {"b"}}));
  EXPECT_EQ((*commands)[2].line, 4u);
}

TEST(ShellWords, UnfinishedTextNamesItsLine) {
  for (const auto& [text, what] : {std::pair{"a\n'b", "a ' quote is not closed"},
                                   {"a\n\"b", "a \" quote is not closed"},
                                   {"a\n$(b", "$( is not closed"}}) {
    const auto commands = shell_commands(text);
    ASSERT_FALSE(commands) << text;
    EXPECT_EQ(to_string(commands.error()), std::string("line 2: ") + what);
  }
}

}  // namespace
}  // namespace rankdx
