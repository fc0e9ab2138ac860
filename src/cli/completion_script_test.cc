#include <gtest/gtest.h>

#include "cli/recorded_flags.h"

namespace rankdx {
namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

struct Table {
  Command check{"model check", "Is it 'whole'? [all of it]", "", nullptr};
  Command fit{"model fit", "Does it fit", "  rankdx model fit DIR\n", nullptr};
  Command scan{"scan", "Fold logs", "", nullptr};
  std::vector<RecordedCommand> commands() const {
    const RecordedFlag output{
        RecordedFlag::Kind::Value, {"-o", "--output"}, "WORD", {"text", "json"}, "form: which"};
    const RecordedFlag deep{RecordedFlag::Kind::Switch, {"--deep"}, "", {}, "hash 'all'"};
    const RecordedFlag dir{RecordedFlag::Kind::Operand, {"DIR"}, "", {}, "a directory"};
    return {{&check, {output, deep, dir}}, {&fit, {output}}, {&scan, {dir}}};
  }
};

TEST(Completion, Bash) {
  const std::string script = completion_script(Table().commands(), "bash");
  EXPECT_TRUE(holds(script,
                    "    model) command=\"$command ${COMP_WORDS[2]-}\"\n"
                    "      if ((COMP_CWORD == 2)); then words='check fit'; fi ;;\n"));
  EXPECT_TRUE(holds(
      script,
      "    'model check')\n      case \"$previous\" in\n        -o|--output) words='text json' ;;\n"
      "        *) flags='--help -o --output --deep' ;;\n"));
}

TEST(Completion, Zsh) {
  const std::string script = completion_script(Table().commands(), "zsh");
  EXPECT_TRUE(
      holds(script,
            "_values 'model' 'check[Is it '\\''whole'\\''? \\[all of it\\]]' 'fit[Does it fit]'"));
  EXPECT_TRUE(holds(
      script,
      "'*--output[form\\: which]:WORD:(text json)' '*--deep[hash '\\''all'\\'']' '*:file:_files'"));
}

TEST(Completion, Fish) {
  const std::string script = completion_script(Table().commands(), "fish");
  EXPECT_TRUE(holds(script,
                    "'__fish_seen_subcommand_from model; and not __fish_seen_subcommand_from check "
                    "fit' -f -a fit"));
  EXPECT_TRUE(holds(script,
                    "-n '__fish_seen_subcommand_from model; and __fish_seen_subcommand_from check' "
                    "-s o -l output -x "
                    "-a 'text json' -d 'form: which'"));
}

TEST(Completion, OtherShell) { EXPECT_EQ(completion_script(Table().commands(), "tcsh"), ""); }

TEST(Manual, Escapes) {
  const std::string page = manual_page(Table().commands(), "1.0");
  EXPECT_TRUE(holds(page, ".SS \"rankdx model check\"\nIs it 'whole'? [all of it].\n"));
  EXPECT_TRUE(holds(page, "\\fBrankdx model check\\fR [\\fIflags\\fR] [\\fIDIR\\fR]\n"));
  EXPECT_TRUE(
      holds(page, ".TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fItext|json\\fR\nForm: which.\n"));
}

TEST(Recorded, EveryCommandOfTheTable) {
  const auto recorded = recorded_commands();
  ASSERT_EQ(recorded.size(), commands().size());
  for (const RecordedCommand& c : recorded) {
    for (const RecordedFlag& f : c.flags) {
      EXPECT_FALSE(f.names.empty() || f.help.empty()) << c.command->name;
      for (const std::string& n : f.names)
        EXPECT_EQ(n.starts_with('-'), !f.operand()) << c.command->name << " " << n;
    }
  }
}

}  // namespace
}  // namespace rankdx
