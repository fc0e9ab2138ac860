// A Page for a terminal: wrapped at its width, headings in bold where colour is wanted. Log lines
// and commands are never wrapped, so that they can be copied.
#include <algorithm>

#include "base/text.h"
#include "explain/page.h"

namespace rankdx {
namespace {

class Writer {
 public:
  Writer(int width, Paint paint)
      : width_(static_cast<size_t>(std::clamp(width, 40, 200))), paint_(paint) {}

  std::string out;

  std::string bold(std::string_view text) const {
    return paint_ == Paint::On ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
  }

  /// `first`, then the words; further lines begin at column `indent`.
  void wrapped(std::string_view first, std::string_view text, size_t indent) {
    out += first;
    size_t column = visible(first);
    bool fresh = true;
    for (std::string_view word : split(text, ' ')) {
      if (word.empty()) continue;
      if (!fresh && column + 1 + word.size() > width_) {
        out += '\n';
        out.append(indent, ' ');
        column = indent;
        fresh = true;
      }
      if (!fresh) out += ' ', ++column;
      out += word;
      column += word.size();
      fresh = false;
    }
    out += '\n';
  }

  void fields(const std::vector<Field>& fields, size_t indent) {
    size_t widest = 0;
    for (const Field& f : fields) widest = std::max(widest, f.first.size());
    for (const Field& f : fields) {
      std::string label = std::string(indent, ' ') + printable(f.first);
      label.resize(std::max(label.size(), indent + widest) + 2, ' ');
      wrapped(label, printable(f.second), label.size());
    }
  }

 private:
  /// Without the codes for bold.
  static size_t visible(std::string_view text) {
    size_t size = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        i = text.find('m', i);
        if (i == text.npos) break;
      } else {
        ++size;
      }
    }
    return size;
  }

  size_t width_;
  Paint paint_;
};

void write_fixes(const std::vector<Fix>& fixes, Writer& w) {
  for (const Fix& f : fixes) {
    const std::string who = f.for_.empty() || f.for_ == "any" ? "" : printable(f.for_) + ": ";
    w.wrapped("  - ", who + printable(f.text), 4);
    if (!f.command.empty()) w.out += "      " + printable(f.command) + "\n";
  }
}

void write_records(const std::vector<std::vector<Field>>& records, Writer& w) {
  for (const auto& record : records) {
    const bool titled = record.size() > 1 && record[1].first == "title";
    w.wrapped("  ",
              printable(record[0].second) + (titled ? ": " + printable(record[1].second) : ""), 4);
    w.fields({record.begin() + (titled ? 2 : 1), record.end()}, 6);
  }
}

void write_section(const Section& s, Writer& w) {
  w.out += '\n';
  if (!s.heading.empty()) w.out += w.bold(s.heading) + "\n";
  switch (s.kind) {
    case Section::Kind::Text:
      for (const std::string& l : s.lines) w.wrapped("  ", printable(l), 2);
      break;
    case Section::Kind::List:
      for (const std::string& l : s.lines) w.wrapped("  - ", printable(l), 4);
      break;
    case Section::Kind::Code:
      for (const std::string& l : s.lines) w.out += "  " + printable(l) + "\n";
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
      page.name.empty() ? "" : w.bold(printable(page.name)) + (page.title.empty() ? "" : ": ");
  w.wrapped("", name + printable(page.title), 0);
  for (const Section& s : page.sections) write_section(s, w);
  for (const Page& part : page.parts) {
    w.out += '\n';
    write_page(part, w);
  }
}

}  // namespace

std::string page_as_text(const Page& page, int width, Paint paint) {
  Writer w(width, paint);
  write_page(page, w);
  return std::move(w.out);
}

}  // namespace rankdx
