#include "explain/finding_pages.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "explain/sources.h"
#include "present/markdown.h"

namespace rankdx {
namespace {

constexpr std::string_view kMarkStart = "<!-- Made from ";
constexpr std::string_view kMark =
    "<!-- Made from rules/*.toml by script/docs. Change the rule, not this page. -->\n";
constexpr std::string_view kIndex = "README.md";

constexpr std::string_view kLayers[] = {"hardware", "driver",    "container",  "files",
                                        "network",  "config",    "rendezvous", "nccl-init",
                                        "nccl-run", "framework", "engine",     "orchestrator"};

/// The mark of a page names where its words stand: a rule, or the table of a check.
std::string mark_of(const Rule* rule) {
  if (rule == nullptr || !rule->file.starts_with("src/")) return std::string(kMark);
  return std::string(kMarkStart) + rule->file.substr(0, rule->file.find(':')) +
         " by script/docs. Change that table, not this page. -->\n";
}

std::string index_row(std::string_view id, const Rule& rule) {
  const std::string level = rule.harmless.empty() ? std::string(to_string(rule.severity)) : "-";
  return "| [" + std::string(id) + "](" + std::string(id) + ".md) | " +
         markdown_text(readable(rule.title)) + " | " + role_in_words(rule) + " | " + level + " |\n";
}

std::string index_page(const RulePack& rules) {
  std::map<std::string_view, std::string> by_layer;
  std::string harmless;
  size_t findings = 0;
  for (std::string_view id : finding_ids(rules)) {
    const Rule* rule = rules.definition(id);
    if (rule == nullptr) continue;
    ++findings;
    (rule->harmless.empty() ? by_layer[to_string(rule->layer)] : harmless) += index_row(id, *rule);
  }
  constexpr std::string_view kHead = "\n| finding | what | role | severity |\n|---|---|---|---|\n";
  std::string out(kMark);
  out += "# Findings\n\n" + std::to_string(findings) +
         " findings, by the layer in which the cause sits, from the ground up. `rankdx explain "
         "<finding>` prints the same "
         "pages.\n";
  for (std::string_view layer : kLayers) {
    if (by_layer[layer].empty()) continue;
    out += "\n## " + std::string(layer) + "\n" + std::string(kHead) + by_layer[layer];
  }
  if (!harmless.empty()) {
    out += "\n## Harmless lines\n\nThey look like trouble and are none; each page says why.\n" +
           std::string(kHead) + harmless;
  }
  return out;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<void> write_file(const std::filesystem::path& file, const std::string& content) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  if (!out) return fail(ErrorCode::Unreadable, "cannot write this page", file.string());
  return {};
}

void remove_stale(const std::filesystem::path& directory,
                  const std::map<std::string, std::string>& pages) {
  std::error_code error;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::filesystem::path& file = entry.path();
    if (file.extension() != ".md" || pages.contains(file.filename().string())) continue;
    if (content_of(file).starts_with(kMarkStart)) stale.push_back(file);
  }
  for (const auto& file : stale) std::filesystem::remove(file, error);
}

}  // namespace

std::map<std::string, std::string> finding_pages(const RulePack& rules) {
  std::map<std::string, std::string> pages;
  for (std::string_view id : finding_ids(rules)) {
    if (const auto page = finding_page(id, rules)) {
      pages[std::string(id) + ".md"] = mark_of(rules.definition(id)) + page_as_markdown(*page);
    }
  }
  pages[std::string(kIndex)] = index_page(rules);
  return pages;
}

Result<size_t> write_finding_pages(const std::string& directory, const RulePack& rules) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(ErrorCode::Unreadable, "cannot make this directory: " + error.message(), directory);
  const auto pages = finding_pages(rules);
  remove_stale(directory, pages);
  for (const auto& [name, content] : pages) {
    const auto written = write_file(std::filesystem::path(directory) / name, content);
    if (!written) return tl::unexpected(written.error());
  }
  return pages.size();
}

}  // namespace rankdx
