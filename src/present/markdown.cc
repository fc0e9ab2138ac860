#include "present/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "present/finding_text.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kEvidence = 6, kEvidenceColumns = 400, kMostRows = 12;
constexpr size_t kMostTitle = 300, kMostWords = 1500;

std::string code_line(std::string_view text) { return safe_clip(trim(text), kEvidenceColumns); }

/// For inside one pair of backticks.
std::string code_span(std::string_view text) { return replace_all(safe_clip(text, 80), "`", "'"); }

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string out;
  for (char c : safe_text(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~#@").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string markdown_clip(std::string_view text, size_t columns) {
  return markdown_text(safe_clip(text, columns));
}

std::string markdown_block(std::string_view text) {
  size_t longest = 0, run = 0;
  for (char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<size_t>(3, longest + 1), '`');
  return fmt::format("{}text\n{}\n{}\n", fence, text, fence);
}

std::string finding_markdown(const Finding& f) {
  std::string out = fmt::format("**{}** (`{}`, {}, {})\n\n", markdown_clip(f.title, kMostTitle),
                                code_span(f.id), to_string(f.role), to_string(f.confidence));
  if (!f.cause.empty()) out += markdown_clip(f.cause, kMostWords) + "\n\n";
  if (const std::string where = places(f); !where.empty()) {
    out += "Where: " + markdown_clip(where, kMostWords) + "\n\n";
  }
  std::string lines;
  for (size_t i = 0; i < std::min(kEvidence, f.evidence.size()); ++i) {
    const Evidence& e = f.evidence[i];
    lines += fmt::format("{}{}: {}", i ? "\n" : "", shortened(place_of(e), kEvidenceColumns),
                         code_line(e.text));
  }
  if (f.evidence.size() > kEvidence)
    lines += fmt::format("\nand {} more", f.evidence.size() - kEvidence);
  if (!lines.empty()) out += markdown_block(lines) + "\n";
  for (size_t i = 0; i < std::min(kMostRows, f.fix.size()); ++i) {
    const Fix& fix = f.fix[i];
    const bool all = fix.for_.empty() || fix.for_ == "any";
    out += fmt::format("- {}{}\n", all ? "" : "*" + markdown_clip(fix.for_, 40) + "*: ",
                       markdown_clip(fix.text, kMostWords));
    if (fix.command.empty()) continue;
    out += "\n" + markdown_block(safe_clip(fix.command, kMostWords)) + "\n";
  }
  for (size_t i = 0; i < std::min(kMostRows, f.needs.size()); ++i) {
    out += "- needed: " + markdown_clip(f.needs[i], kMostWords) + "\n";
  }
  return out;
}

}  // namespace rankdx
