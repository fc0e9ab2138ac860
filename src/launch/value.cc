#include "launch/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

const Value kNull;

constexpr std::string_view kPlainFirst =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.";
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-+@%,=:";

/// Words that some YAML 1.1 or 1.2 reader takes for null, a truth value or a number.
bool is_reserved(std::string_view text) {
  constexpr std::array<std::string_view, 13> words = {
      "null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ".inf", ".nan", "="};
  const std::string small = lower(text);
  for (std::string_view word : words) {
    if (small == word) return true;
  }
  // Numbers, dates, times, hexadecimal, 1e3, 0o17, 1_000: whatever begins like one.
  return is_digit(text[0]) || text[0] == '.';
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.find_first_not_of(kPlain) != std::string_view::npos) return false;
  if (text.back() == ':' || is_reserved(text)) return false;  // "a:" would be a key
  // "--port", "-c": a dash before a letter begins no list item, and no number.
  const std::string_view word = text.substr(std::min(text.find_first_not_of('-'), text.size()));
  if (text.front() == '-')
    return !word.empty() && text.size() - word.size() <= 2 && !is_digit(word[0]) && word[0] != '.';
  return kPlainFirst.find(text[0]) != std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string scalar(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::Null:
      return "null";
    case Value::Kind::Text:
      return is_plain(v.text()) ? v.text() : quoted(v.text());
    default:
      return v.text();
  }
}

void write(const Value& v, size_t indent, std::string& out);

/// `name:` and its value, from where the name stands.
void write_member(const Value::Member& member, size_t indent, std::string& out) {
  const auto& [name, v] = member;
  out += is_plain(name) ? name : quoted(name);
  out += ':';
  const bool nested = (v.kind() == Value::Kind::Map || v.kind() == Value::Kind::List) && !v.empty();
  if (nested) {
    out += '\n';
    // Items stand in the column of their name, as kubectl writes them.
    write(v, v.kind() == Value::Kind::List ? indent : indent + 2, out);
  } else {
    out += ' ';
    write(v, indent, out);
  }
}

void write(const Value& v, size_t indent, std::string& out) {
  if (v.kind() == Value::Kind::Map && !v.members().empty()) {
    for (const Value::Member& member : v.members()) {
      out.append(indent, ' ');
      write_member(member, indent, out);
    }
  } else if (v.kind() == Value::Kind::List && !v.items().empty()) {
    for (const Value& item : v.items()) {
      out.append(indent, ' ');
      out += "- ";
      if (item.kind() == Value::Kind::Map && !item.members().empty()) {
        for (size_t i = 0; i < item.members().size(); ++i) {
          if (i > 0) out.append(indent + 2, ' ');
          write_member(item.members()[i], indent + 2, out);
        }
      } else if (item.kind() == Value::Kind::List && !item.items().empty()) {
        out += '\n';
        write(item, indent + 2, out);
      } else {
        write(item, indent, out);
      }
    }
  } else if (v.kind() == Value::Kind::Map || v.kind() == Value::Kind::List) {
    out += v.kind() == Value::Kind::Map ? "{}\n" : "[]\n";
  } else {
    out += scalar(v) + '\n';
  }
}

}  // namespace

Value Value::list(std::vector<Value> items) {
  Value v;
  v.kind_ = Kind::List;
  v.items_ = std::move(items);
  return v;
}

Value Value::map(std::vector<Member> members) {
  Value v;
  v.kind_ = Kind::Map;
  v.members_ = std::move(members);
  return v;
}

const Value& Value::operator[](std::string_view name) const {
  for (const auto& [key, value] : members_) {
    if (key == name) return value;
  }
  return kNull;
}

const Value& Value::at(std::string_view path) const {
  const Value* v = this;
  while (!path.empty()) v = &(*v)[take_until(path, '.', path)];
  return *v;
}

const Value& Value::item_with(std::string_view name, std::string_view text) const {
  for (const Value& item : items_) {
    if (item[name].text() == text) return item;
  }
  return kNull;
}

Value& Value::set(std::string name, Value value) {
  kind_ = Kind::Map;
  members_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Value& Value::push(Value value) {
  kind_ = Kind::List;
  items_.push_back(std::move(value));
  return *this;
}

std::string to_yaml(const std::vector<Value>& documents) {
  std::string out;
  for (const Value& document : documents) {
    out += "---\n";
    write(document, 0, out);
  }
  return out;
}

}  // namespace rankdx
