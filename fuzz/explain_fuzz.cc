// Pasted text: any bytes become a page in all three forms, none of which holds a control character
// of the input.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "explain/explain.h"

namespace {

constexpr std::string_view kRules = R"toml(
[[rule]]
id = "shm-too-small"
title = "Shared memory is too small"
severity = "error"
role = "root-cause"
confidence = "certain"
layer = "container"
literal = ["shared memory segment"]
match = 'shared memory segment (?P<segment>\S+)'
cause = "No room for {segment}."
fix = [{ for = "any", text = "Ask for more" }]
source = ["misc/shmutils.cc"]
bad = ["Error while creating shared memory segment /dev/shm/nccl-A"]
)toml";

void expect_safe(const std::string& text) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const rankdx::RulePack rules = rankdx::RulePack::parse_toml(kRules, "fuzz.toml").value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const rankdx::Page page = rankdx::explain_log(text, rules);
  expect_safe(rankdx::page_as_text(page, 80, rankdx::Colour::Never));
  expect_safe(rankdx::page_as_json(page));
  expect_safe(rankdx::page_as_markdown(page));
  if (const auto word = rankdx::explain(text, rules)) {
    expect_safe(rankdx::page_as_text(*word, 80, rankdx::Colour::Never));
  } else {
    expect_safe(to_string(word.error()));
  }
  return 0;
}
