// NCCL's variables and vLLM's variables and flags.
#include <set>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/version.h"
#include "explain/sources.h"

namespace rankdx {
namespace {

bool is_name_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/// As a whole word: NCCL_NET is not in NCCL_NET_PLUGIN.
bool names(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool starts = at == 0 || !is_name_byte(text[at - 1]);
    const size_t end = at + word.size();
    if (starts && (end == text.size() || !is_name_byte(text[end]))) return true;
  }
  return false;
}

bool names(const Rule& rule, std::string_view word) {
  if (names(rule.cause, word) || names(rule.title, word) || names(rule.harmless, word)) return true;
  for (const Fix& f : rule.fix) {
    if (names(f.text, word) || names(f.command, word)) return true;
  }
  for (const std::string& s : rule.bad) {
    if (names(s, word)) return true;
  }
  return false;
}

std::string releases(const NcclVariable& v) {
  std::string text;
  if (v.first_version.empty()) return "only before NCCL 2.3";
  text = v.first_version.starts_with("<=") ? "NCCL 2.3.5 or earlier"
                                           : "NCCL " + std::string(v.first_version);
  if (v.last_version.empty()) return text + " to 2.30.7, the newest release that was read";
  return text + " to " + std::string(v.last_version) + "; later releases ignore it";
}

std::string advice(const NcclVariable& v) {
  switch (v.use) {
    case VariableUse::Configuration:
      return "Meant to be set where the default does not fit the system (user guide, System "
             "configuration). The same value "
             "on every rank.";
    case VariableUse::Debugging:
      return "For finding faults (user guide, Debugging). Take it out again before production: the "
             "defaults are chosen per "
             "system and release.";
    case VariableUse::Logging:
      return "Only changes what is logged and where.";
    case VariableUse::Internal:
      return "Not documented by NVIDIA: its meaning may change in any release. Leave it unset "
             "unless a maintainer asks for "
             "it.";
  }
  return "";
}

std::string how_read(const NcclVariable& v) {
  if (v.read_via != "NCCL_PARAM") return "";
  return "Read as a number: what stands behind the digits is dropped (8MB is 8), text without "
         "digits is 0, and a leading 0 makes it octal. NCCL does not complain.";
}

std::string value_verdict(const NcclVariable& v, std::string_view value) {
  if (!v.allowed.checkable()) return "";
  const std::string written = "\"" + std::string(value) + "\"";
  return may_be_value(v, value) ? written + " is an allowed value."
                                : written + " is not among the allowed values.";
}

std::string vllm_releases(std::string_view range) {
  if (range.find("..") == range.npos) return std::string(range);
  return replace_all(range, "..", " to ") + " (of the releases that were read)";
}

const TsvRow* row_of(const std::vector<TsvRow>& rows, std::string_view name) {
  for (const TsvRow& row : rows) {
    if (row[0] == name) return &row;
  }
  return nullptr;
}

const std::vector<TsvRow>& vllm_variables() {
  static const std::vector<TsvRow> rows = tsv_rows(data_file("vllm-envs"));
  return rows;
}

const std::vector<TsvRow>& vllm_flags() {
  static const std::vector<TsvRow> rows = tsv_rows(data_file("vllm-flags"));
  return rows;
}

std::vector<std::string_view> first_column(const std::vector<TsvRow>& rows) {
  std::vector<std::string_view> names;
  for (const TsvRow& row : rows) names.push_back(row[0]);
  return names;
}

}  // namespace

std::vector<std::vector<Field>> findings_that_name(std::string_view word, const RulePack& rules) {
  std::vector<std::vector<Field>> out;
  std::set<std::string_view> seen;
  for (const Rule& r : rules.rules()) {
    if (!names(r, word) || !seen.insert(r.id).second) continue;
    const Rule* words = rules.definition(r.id);
    out.push_back(
        {{"finding", r.id}, {"title", readable(words != nullptr ? words->title : r.title)}});
  }
  return out;
}

std::optional<Page> nccl_variable_page(std::string_view name, std::optional<std::string_view> value,
                                       const RulePack& rules) {
  const NcclVariable* v = find_nccl_variable(name);
  if (v == nullptr) return std::nullopt;
  Page page{"nccl-variable", std::string(v->name), std::string(v->summary)};
  page.fields(
      "facts", "",
      {{"type", std::string(to_string(v->type))},
       {"default", std::string(v->default_value)},
       {"values", v->values == "see source" ? "" : std::string(v->values)},
       {"read by", releases(*v)},
       {"documented", v->use == VariableUse::Internal
                          ? "no"
                          : std::string(v->doc_section) +
                                (v->doc_since.empty() ? "" : ", " + std::string(v->doc_since))},
       {"default in the source", std::string(v->default_history)},
       {"source file", std::string(v->source_file)}});
  if (!v->danger.empty()) page.text("danger", "Danger", {std::string(v->danger)});
  if (value) page.text("value", "The value", {value_verdict(*v, *value)});
  page.text("advice", "When to set it", {advice(*v), how_read(*v)});
  page.records("findings", "Findings that have to do with it", findings_that_name(v->name, rules));
  return page;
}

std::optional<Page> vllm_variable_page(std::string_view name, const RulePack& rules) {
  const TsvRow* row = row_of(vllm_variables(), name);
  if (row == nullptr || row->size() < 4) return std::nullopt;
  Page page{"vllm-variable", std::string(name), "environment variable that vLLM reads"};
  page.fields("facts", "",
              {{"vllm versions", vllm_releases((*row)[1])},
               {"default", std::string((*row)[2])},
               {"changes of the default", std::string((*row)[3])}});
  page.records("findings", "Findings that have to do with it", findings_that_name(name, rules));
  return page;
}

std::optional<Page> vllm_flag_page(std::string_view flag, const RulePack& rules) {
  const std::string dashed = flag.starts_with("--") ? std::string(flag) : "--" + std::string(flag);
  const TsvRow* row = row_of(vllm_flags(), dashed);
  if (row == nullptr || row->size() < 2) return std::nullopt;
  Page page{"vllm-flag", dashed, "flag of vllm serve"};
  page.fields("facts", "", {{"vllm versions", vllm_releases((*row)[1])}});
  page.records("findings", "Findings that have to do with it", findings_that_name(dashed, rules));
  return page;
}

std::vector<std::string_view> vllm_variable_names() { return first_column(vllm_variables()); }
std::vector<std::string_view> vllm_flag_names() { return first_column(vllm_flags()); }

}  // namespace rankdx
