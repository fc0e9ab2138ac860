// rule_pack_tool OUT RULES.toml...: checks the rules against their own samples and writes the
// packed form. Says all that is wrong before it gives up.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/rule.h"

namespace {

int problems = 0;

void complain(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  ++problems;
}

/// One file into the pack; an (id, variant) may stand only once.
void add_file(rankdx::RulePack& pack, const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  auto part =
      rankdx::RulePack::parse_toml(text.str(), std::filesystem::path(path).filename().string());
  if (!part) return complain(to_string(part.error()));
  for (const rankdx::Rule& rule : part->rules()) {
    for (const rankdx::Rule& other : pack.rules()) {
      if (rule.id != other.id || rule.variant != other.variant) continue;
      complain(rule.file + ": rule '" + rule.id + "' stands already at " + other.file +
               "; give one a variant");
    }
  }
  pack.add(std::move(*part));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: rule_pack_tool OUT RULES.toml...\n", stderr), 2;
  rankdx::RulePack pack;
  for (int i = 2; i < argc; ++i) add_file(pack, argv[i]);
  for (const rankdx::Error& error : pack.check_samples()) complain(to_string(error));
  if (problems > 0) return 1;
  const std::string bytes = pack.pack();
  std::ofstream out(argv[1], std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return out.flush() ? 0 : 1;
}
