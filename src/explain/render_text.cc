// A Page for a terminal: wrapped at its width, headings in bold where colour is wanted. Log lines
// and commands are never wrapped, so that they can be copied.
#include <algorithm>

#include "base/text.h"
#include "explain/page.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

class Writer {
 public:
  Writer(int width, Colour colour)
      : width_(static_cast<size_t>(std::clamp(width, 40, 200))), paint_(colour) {}

  std::string out;

  std::string bold(std::string_view text) const { return paint_(Ink::Bold, text); }

  void title(const std::string& name, const std::string& title) {
    const std::string colon = name.empty() || title.empty() ? "" : ": ";
    const std::string text = wrapped(name + colon + title, width_, "");
    out += bold(text.substr(0, name.size())) + text.substr(name.size()) + "\n";
  }

  /// `first` (safe, without colour), then the words; further lines begin at column `indent`.
  void line(std::string_view first, std::string_view text, size_t indent) {
    const std::string pad(indent, ' ');
    // The first line is as wide as the others: `first` is filled up to the indent, or is longer and
    // part of the text.
    if (first.size() <= indent) {
      out += std::string(first) + std::string(indent - first.size(), ' ');
      out += wrapped(safe_text(text), width_ - indent, pad) + "\n";
    } else {
      const size_t blanks = first.find_first_not_of(' ');
      out += std::string(blanks, ' ');
      out +=
          wrapped(std::string(first.substr(blanks)) + safe_text(text), width_ - indent, pad) + "\n";
    }
  }

  void fields(const std::vector<Field>& fields, size_t indent) {
    size_t widest = 0;
    for (const Field& f : fields) widest = std::max(widest, f.first.size());
    for (const Field& f : fields) {
      line(std::string(indent, ' ') + safe_text(f.first), f.second, indent + widest + 2);
    }
  }

 private:
  size_t width_;
  Paint paint_;
};

void write_fixes(const std::vector<Fix>& fixes, Writer& w) {
  for (const Fix& f : fixes) {
    const std::string who = f.for_.empty() || f.for_ == "any" ? "" : safe_text(f.for_) + ": ";
    w.line("  - ", who + safe_text(f.text), 4);
    if (!f.command.empty()) w.out += "      " + safe_text(f.command) + "\n";
  }
}

void write_records(const std::vector<std::vector<Field>>& records, Writer& w) {
  for (const auto& record : records) {
    const bool titled = record.size() > 1 && record[1].first == "title";
    w.line("  " + safe_text(record[0].second) + (titled ? ": " : ""),
           titled ? record[1].second : "", 4);
    w.fields({record.begin() + (titled ? 2 : 1), record.end()}, 6);
  }
}

void write_section(const Section& s, Writer& w) {
  w.out += '\n';
  if (!s.heading.empty()) w.out += w.bold(s.heading) + "\n";
  switch (s.kind) {
    case Section::Kind::Text:
      for (const std::string& l : s.lines) w.line("  ", safe_text(l), 2);
      break;
    case Section::Kind::List:
      for (const std::string& l : s.lines) w.line("  - ", safe_text(l), 4);
      break;
    case Section::Kind::Code:
      for (const std::string& l : s.lines) w.out += "  " + safe_text(l) + "\n";
      break;
    case Section::Kind::Fields:
      w.fields(s.rows[0], 2);
      break;
    case Section::Kind::Records:
      write_records(s.rows, w);
      break;
    case Section::Kind::Fixes:
      write_fixes(s.fixes, w);
      break;
  }
}

void write_page(const Page& page, Writer& w) {
  const std::string name =
      page.name.empty() ? "" : w.bold(safe_text(page.name)) + (page.title.empty() ? "" : ": ");
  w.line("", name + safe_text(page.title), 0);
  for (const Section& s : page.sections) write_section(s, w);
  for (const Page& part : page.parts) {
    w.out += '\n';
    write_page(part, w);
  }
}

}  // namespace

std::string page_as_text(const Page& page, int width, Colour colour) {
  Writer w(width, colour);
  write_page(page, w);
  return std::move(w.out);
}

}  // namespace rankdx
