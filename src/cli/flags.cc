#include "cli/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "cli/cli.h"

namespace rankdx {
namespace {

class AppFlags final : public Flags {
 public:
  explicit AppFlags(CLI::App& app) : app_(app) {}

  void on(std::string names, bool& value, std::string help) override {
    app_.add_flag(names, value, help);
  }
  void text(std::string names, std::string& value, std::string help) override {
    app_.add_option(names, value, help)->type_name("TEXT");
  }
  void number(std::string names, int64_t& value, int64_t least, int64_t most,
              std::string help) override {
    app_.add_option(names, value, help)
        ->check(CLI::Range(least, most))
        ->type_name("N")
        ->capture_default_str();
  }
  void number(std::string names, std::optional<int64_t>& value, int64_t least, int64_t most,
              std::string help) override {
    app_.add_option(names, value, help)->check(CLI::Range(least, most))->type_name("N");
  }
  void decimal(std::string names, std::optional<double>& value, std::string help) override {
    app_.add_option(names, value, help)->type_name("X");
  }
  void choice(std::string names, std::string& value, Choices choices, std::string help) override {
    if (value.empty() && !choices.empty()) value = choices.front();
    app_.add_option(names, value, help)->check(CLI::IsMember(choices))->capture_default_str();
  }
  void list(std::string names, std::vector<std::string>& values, std::string help) override {
    app_.add_option(names, values, help)->delimiter(',')->type_name("A,B")->allow_extra_args(false);
  }
  void operand(std::string name, std::string& value, std::string help) override {
    app_.add_option(name, value, help)->type_name("");
  }
  void operands(std::string name, std::vector<std::string>& values, std::string help) override {
    app_.add_option(name, values, help)->type_name("");
  }
  void rest(std::string name, std::vector<std::string>& values, std::string help) override {
    app_.add_option(name, values, help)->type_name("");
    app_.prefix_command();
  }

 private:
  CLI::App& app_;
};

/// Group before its commands: "model" of "model check".
CLI::App& parent_of(CLI::App& root, std::map<std::string, CLI::App*, std::less<>>& groups,
                    std::string_view name) {
  const size_t blank = name.find(' ');
  if (blank == std::string_view::npos) return root;
  return *groups.at(std::string(name.substr(0, blank)));
}

/// The arguments without the program, last first as CLI11 wants them; `check --live` is `check
/// live`.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  for (const CommandAlias& a : command_aliases()) {
    if (words.size() >= 2 && words[0] == a.group && words[1] == a.spelling) words[1] = a.command;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

void describe(CLI::App& app) {
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(30);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  const Program rankdx{
      "rankdx",
      "rankdx (rank diagnosis): what is wrong with a distributed vLLM launch, and what to do",
      command_groups(), commands()};
  return run_program(rankdx, argc, argv);
}

int run_program(const Program& program, int argc, char** argv) {
  CLI::App root(program.title, program.name);
  root.set_version_flag("--version", program.name + " " RANKDX_VERSION);
  describe(root);
  root.footer(
      "Exit codes: 0 healthy, 1 problem found, 2 usage or unreadable input, 3 undetermined (more "
      "input needed).");
  std::map<std::string, CLI::App*, std::less<>> groups;
  for (const CommandGroup& g : program.groups) {
    CLI::App* app = root.add_subcommand(std::string(g.name), std::string(g.summary));
    app->require_subcommand(1);
    groups.emplace(g.name, app);
  }
  std::map<CLI::App*, std::function<int()>> actions;
  for (const Command& c : program.commands) {
    CLI::App* app = parent_of(root, groups, c.name)
                        .add_subcommand(std::string(c.name.substr(c.name.find(' ') + 1)),
                                        std::string(c.summary));
    if (!c.examples.empty()) app->footer("Examples:\n" + std::string(c.examples));
    AppFlags flags(*app);
    actions.emplace(app, c.make(flags));
  }
  try {
    root.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& e) {
    return root.exit(e) == 0 ? kHealthy : kUsage;
  }
  for (auto& [app, action] : actions) {
    if (app->parsed()) return action();
  }
  fmt::print("{}", root.help());
  return kUsage;
}

}  // namespace rankdx
