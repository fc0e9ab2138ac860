#include "present/markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "present/finding_text.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kEvidence = 6, kEvidenceColumns = 400;

std::string code_line(std::string_view text) { return shortened(safe_text(trim(text)), kEvidenceColumns); }

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
  std::string out = fmt::format("**{}** (`{}`, {}, {})\n\n", markdown_text(f.title), f.id, to_string(f.role), to_string(f.confidence));
  if (!f.cause.empty()) out += markdown_text(f.cause) + "\n\n";
  if (const std::string where = places(f); !where.empty()) out += "Where: " + markdown_text(where) + "\n\n";
  if (!f.evidence.empty()) {
    std::string lines;
    for (size_t i = 0; i < std::min(kEvidence, f.evidence.size()); ++i) {
      const Evidence& e = f.evidence[i];
      lines += fmt::format("{}{}:{}: {}", i ? "\n" : "", safe_text(e.source), e.line, code_line(e.text));
    }
    out += markdown_block(lines) + "\n";
  }
  for (const Fix& fix : f.fix) {
    out += fmt::format("- {}{}\n", fix.for_.empty() || fix.for_ == "any" ? "" : "*" + markdown_text(fix.for_) + "*: ", markdown_text(fix.text));
    if (!fix.command.empty()) out += "\n" + markdown_block(safe_text(fix.command)) + "\n";
  }
  for (const std::string& need : f.needs) out += "- needed: " + markdown_text(need) + "\n";
  return out;
}

}  // namespace rankdx
