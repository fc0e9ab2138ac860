// The sources of answers, one per file. Each gives nothing for a word that it does not know.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "explain/page.h"
#include "rules/rule.h"

namespace rankdx {

std::optional<Page> finding_page(std::string_view id, const RulePack& rules);
/// Finding ids in alphabetical order, each once.
std::vector<std::string_view> finding_ids(const RulePack& rules);

/// `value`: what the user wrote behind '=', or nothing.
std::optional<Page> nccl_variable_page(std::string_view name, std::optional<std::string_view> value,
                                       const RulePack& rules);
std::optional<Page> vllm_variable_page(std::string_view name, const RulePack& rules);
/// With or without the leading "--".
std::optional<Page> vllm_flag_page(std::string_view flag, const RulePack& rules);
std::optional<Page> subsystem_page(std::string_view name);

std::vector<std::string_view> vllm_variable_names();
std::vector<std::string_view> vllm_flag_names();

/// Findings whose words or sample lines name this variable or flag: id and title.
std::vector<std::vector<Field>> findings_that_name(std::string_view word, const RulePack& rules);

/// A template of a rule for reading: "{bytes} bytes" becomes "<bytes> bytes".
std::string readable(std::string_view text);

/// "root cause", "harmless": the role of a rule for people.
std::string role_in_words(const Rule& rule);

}  // namespace rankdx
