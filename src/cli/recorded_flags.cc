#include "cli/recorded_flags.h"

#include "base/text.h"

namespace rankdx {
namespace {

class Recorder final : public Flags {
 public:
  explicit Recorder(std::vector<RecordedFlag>& flags) : flags_(flags) {}

  void on(std::string names, bool&, std::string help) override {
    add(RecordedFlag::Kind::Switch, names, "", std::move(help));
  }
  void text(std::string names, std::string&, std::string help) override {
    value(names, "TEXT", std::move(help));
  }
  void number(std::string names, int64_t&, int64_t, int64_t, std::string help) override {
    value(names, "N", std::move(help));
  }
  void number(std::string names, std::optional<int64_t>&, int64_t, int64_t,
              std::string help) override {
    value(names, "N", std::move(help));
  }
  void decimal(std::string names, std::optional<double>&, std::string help) override {
    value(names, "X", std::move(help));
  }
  void choice(std::string names, std::string&, Choices choices, std::string help) override {
    value(names, "WORD", std::move(help));
    flags_.back().choices = std::move(choices);
  }
  void list(std::string names, std::vector<std::string>&, std::string help) override {
    value(names, "A,B", std::move(help));
  }
  void operand(std::string name, std::string&, std::string help) override {
    add(RecordedFlag::Kind::Operand, name, "", std::move(help));
  }
  void operands(std::string name, std::vector<std::string>&, std::string help) override {
    add(RecordedFlag::Kind::Operands, name, "", std::move(help));
  }
  void rest(std::string name, std::vector<std::string>&, std::string help) override {
    add(RecordedFlag::Kind::Rest, name, "", std::move(help));
  }

 private:
  void value(std::string_view names, std::string placeholder, std::string help) {
    add(RecordedFlag::Kind::Value, names, std::move(placeholder), std::move(help));
  }
  void add(RecordedFlag::Kind kind, std::string_view names, std::string placeholder,
           std::string help) {
    RecordedFlag flag{kind, {}, std::move(placeholder), {}, std::move(help)};
    for (std::string_view name : split(names, ',')) flag.names.emplace_back(trim(name));
    flags_.push_back(std::move(flag));
  }

  std::vector<RecordedFlag>& flags_;
};

}  // namespace

std::vector<RecordedCommand> recorded_commands() {
  std::vector<RecordedCommand> out;
  for (const Command& c : commands()) {
    RecordedCommand recorded{&c, {}};
    Recorder recorder(recorded.flags);
    c.make(recorder);
    out.push_back(std::move(recorded));
  }
  return out;
}

}  // namespace rankdx
