// A Page as Markdown that GitHub shows as meant: everything from tables and pasted lines is escaped
// or fenced.
#include "base/text.h"
#include "explain/page.h"
#include "present/markdown.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

std::string fenced(const std::vector<std::string>& lines) {
  std::vector<std::string> safe;
  for (const std::string& l : lines) safe.push_back(safe_text(l));
  return markdown_block(join(safe, "\n"));
}

void write_fixes(const std::vector<Fix>& fixes, std::string& out) {
  for (const Fix& f : fixes) {
    const bool all = f.for_.empty() || f.for_ == "any";
    out += "- " + (all ? "" : "**" + markdown_text(f.for_) + "**: ") + markdown_text(f.text) + "\n";
    if (f.command.empty()) continue;
    const std::string block = fenced({f.command});
    std::string_view rest = block;
    out += '\n';
    while (!rest.empty()) out += "  " + std::string(take_until(rest, '\n', rest)) + "\n";
  }
}

void write_fields(const std::vector<Field>& fields, std::string& out) {
  out += "| | |\n|---|---|\n";
  for (const auto& [label, value] : fields)
    out += "| " + markdown_text(label) + " | " + markdown_text(value) + " |\n";
}

/// A finding is a link to its page beside this one.
std::string name_of(const Field& first) {
  if (first.first == "finding")
    return "[" + markdown_text(first.second) + "](" + safe_text(first.second) + ".md)";
  return "**" + markdown_text(first.second) + "**";
}

void write_records(const std::vector<std::vector<Field>>& records, std::string& out) {
  for (const auto& record : records) {
    const bool titled = record.size() > 1 && record[1].first == "title";
    out +=
        "- " + name_of(record[0]) + (titled ? ": " + markdown_text(record[1].second) : "") + "\n";
    for (size_t i = titled ? 2 : 1; i < record.size(); ++i) {
      out +=
          "  - " + markdown_text(record[i].first) + ": " + markdown_text(record[i].second) + "\n";
    }
  }
}

void write_section(const Section& s, std::string& out) {
  out += '\n';
  if (!s.heading.empty()) out += "## " + markdown_text(s.heading) + "\n\n";
  switch (s.kind) {
    case Section::Kind::Text:
      for (size_t i = 0; i < s.lines.size(); ++i)
        out += (i > 0 ? "\n" : "") + markdown_text(s.lines[i]) + "\n";
      break;
    case Section::Kind::List:
      for (const std::string& l : s.lines) out += "- " + markdown_text(l) + "\n";
      break;
    case Section::Kind::Code:
      out += fenced(s.lines);
      break;
    case Section::Kind::Fields:
      write_fields(s.rows[0], out);
      break;
    case Section::Kind::Records:
      write_records(s.rows, out);
      break;
    case Section::Kind::Fixes:
      write_fixes(s.fixes, out);
      break;
  }
}

}  // namespace

std::string page_as_markdown(const Page& page) {
  std::string out = "# " + markdown_text(page.title.empty() ? page.name : page.title) + "\n";
  if (!page.title.empty() && !page.name.empty()) out += "\n`" + safe_text(page.name) + "`\n";
  for (const Section& s : page.sections) write_section(s, out);
  for (const Page& part : page.parts) out += "\n" + page_as_markdown(part);
  return out;
}

}  // namespace rankdx
