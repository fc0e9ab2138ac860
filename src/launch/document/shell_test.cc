#include "launch/document/shell.h"

#include <gtest/gtest.h>

#include "launch/document/environment.h"

namespace rankdx::lint {
namespace {

using Kind = ShellProblem::Kind;

/// Commands with '|' between words and '\n' between commands; '$' in front of a word that is not
/// known.
std::string described(std::string_view text) {
  std::string out;
  for (const ShellCommand& c : parse_shell(mapped(text)).commands) {
    if (!out.empty()) out += "\n";
    for (const ShellAssignment& a : c.assignments) out += a.name + "=" + a.value.value.text + " ";
    for (size_t i = 0; i < c.words.size(); ++i) {
      out +=
          (i > 0 ? "|" : "") + std::string(c.words[i].dynamic ? "?" : "") + c.words[i].value.text;
    }
  }
  return out;
}

struct Case {
  const char *text, *words;
};

TEST(Shell, Words) {
  const Case cases[] = {
      {"a b  c", "a|b|c"},
      {"a 'b c' \"d e\" f\\ g", "a|b c|d e|f g"},
      {"a'b'\"c\"d", "abcd"},
      {"a \"$X\" $(b c) `d` '$Y'", "a|?$X|?$(b c)|?`d`|$Y"},
      {"X=1 Y='2 3' a", "X=1 Y=2 3 a"},
      {"a; b && c | d & e", "a\nb\nc\nd\ne"},
      {"a > out 2>&1 < in b", "a|b"},
      {"a \\\n  b", "a|b"},
      {"a # comment\nb", "a\nb"},
      {"a#b", "a#b"},
      {"if a; then b; fi", "a\nb"},
      {"T=4\nv -tp $T \"${T}x\" $U", "T=4 \nv|-tp|4|4x|?$U"},
      {"A='x y'\nv $A \"$A\"", "A=x y \nv|x|y|x y"},
      {"A=(x 'y z')\nv \"${A[@]}\"", "A= \nv|x|y z"},
      {"T=1\nT=2\nv $T", "T=1 \nT=2 \nv|?$T"},
      {"cat <<E\nnot a command\nE\nb", "cat\nb"},
      {"f() { a; }", "f\na"},
  };
  for (const Case& c : cases) EXPECT_EQ(described(c.text), c.words) << c.text;
}

struct Broken {
  const char* text;
  Kind kind;
  const char *words, *mended;
};

TEST(Shell, BrokenContinuationsAreReadAndMended) {
  const Broken cases[] = {
      {"v \\ # why\n  --a 1\n", Kind::CommentAfterBackslash, "v|--a|1", "# why\nv \\\n  --a 1\n"},
      {"v \\  \n  --a 1\n", Kind::BlankAfterBackslash, "v|--a|1", "v \\\n  --a 1\n"},
      {"v \\\n# why\n  --a 1\n", Kind::CommentInContinuation, "v|--a|1", "# why\nv \\\n  --a 1\n"},
      {"v --b # why \\\n  --a 1\n", Kind::CommentInContinuation, "v|--b|--a|1",
       "# why\nv --b \\\n  --a 1\n"},
      {"v --b\n  --a 1\n", Kind::MissingBackslash, "v|--b|--a|1", "v --b \\\n  --a 1\n"},
      {"v \\\n\n  --a 1\n", Kind::DanglingBackslash, "v|--a|1", "v \\\n  --a 1\n"},
  };
  for (const Broken& c : cases) {
    const ShellScript script = parse_shell(mapped(c.text));
    ASSERT_EQ(script.problems.size(), 1u) << c.text;
    EXPECT_EQ(script.problems[0].kind, c.kind) << c.text;
    EXPECT_EQ(described(c.text), c.words) << c.text;
    EXPECT_EQ(edited(c.text, script.problems[0].edits), c.mended) << c.text;
    EXPECT_TRUE(parse_shell(mapped(c.mended)).problems.empty()) << c.mended;
  }
}

TEST(Shell, OpenQuotes) {
  for (const char* text : {"a 'b", "a \"b", "a $(b", "a `b", "cat <<E\nx", "A=(b"}) {
    const ShellScript script = parse_shell(mapped(text));
    ASSERT_FALSE(script.problems.empty()) << text;
    EXPECT_EQ(script.problems[0].kind, Kind::OpenQuote) << text;
  }
}

TEST(Shell, PlacesInsideQuotes) {
  const std::string text = "sh -c \"vllm serve m --port 80\"";
  const ShellScript outer = parse_shell(mapped(text));
  const ShellScript inner = parse_shell(outer.commands[0].words[2].value);
  const ShellWord& port = inner.commands[0].words[4];
  EXPECT_EQ(port.text(), "80");
  EXPECT_EQ(text.substr(port.span.begin, port.span.end - port.span.begin), "80");
}

TEST(Environment, Dumps) {
  EXPECT_TRUE(looks_like_environment("A=1\nB=2\n"));
  EXPECT_TRUE(looks_like_environment(std::string_view("A=1\0B=2\0", 8)));
  EXPECT_FALSE(looks_like_environment("A=1 vllm serve m\n"));
  EXPECT_FALSE(looks_like_environment("vllm serve m\n"));
  const auto lines = parse_environment("A=1\nB=x\ny\nC=\n");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].value.text, "x\ny");
  EXPECT_EQ(lines[2].value.text, "");
}

}  // namespace
}  // namespace rankdx::lint
