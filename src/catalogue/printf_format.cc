#include "catalogue/printf_format.h"

#include <algorithm>

#include "base/text.h"

namespace rankdx {
namespace {

/// Steps back before a match is given up: formats of many %s on hostile text.
constexpr int kMaxSteps = 20000;

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <class Accept>
size_t run_of(std::string_view text, size_t from, Accept accept) {
  while (from < text.size() && accept(text[from])) ++from;
  return from;
}

/// "<call>", "<nvmlFunction>": a word that the table leaves open. 0 if there is none at the start.
size_t placeholder_size(std::string_view text) {
  if (!text.starts_with('<')) return 0;
  const size_t end =
      run_of(text, 1, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return end > 1 && end < text.size() && text[end] == '>' ? end + 1 : 0;
}

}  // namespace

PrintfFormat::PrintfFormat(std::string_view format) {
  if (const size_t line = format.find("\\n"); line != format.npos) format = format.substr(0, line);
  while (!format.empty() && is_space(format.back())) format.remove_suffix(1);
  const bool open = format.ends_with("...") && format.find('%') != format.npos;
  if (open) format.remove_suffix(3);
  while (!format.empty()) {
    if (format[0] == '%') {
      format = add_conversion(format.substr(1));
    } else if (const size_t size = placeholder_size(format)) {
      pieces_.push_back({Kind::Text, {}, false});
      format.remove_prefix(size);
    } else if (format[0] == '\\' && format.size() > 1) {
      add_literal(format[1] == 't' ? "\t" : format.substr(1, 1));
      format.remove_prefix(2);
    } else {
      const size_t end = std::min(format.find_first_of("%<\\", 1), format.size());
      add_literal(format.substr(0, end));
      format.remove_prefix(end);
    }
  }
  if (open) pieces_.push_back({Kind::Rest, {}, false});
}

void PrintfFormat::add_literal(std::string_view text) {
  pieces_.push_back({Kind::Literal, text, false});
  literal_bytes_ += static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_space(c); }));
}

std::string_view PrintfFormat::add_conversion(std::string_view rest) {
  const size_t width = run_of(
      rest, 0, [](char c) { return is_digit(c) || c == '.' || c == '*' || c == '-' || c == '#'; });
  const size_t letter = run_of(
      rest, width, [](char c) { return c == 'l' || c == 'h' || c == 'z' || c == 'j' || c == 't'; });
  if (letter >= rest.size()) return {};
  // "%02d" pads with zeros, which are digits.
  const bool padded = width > 0 && rest[0] != '0' && rest[0] != '.' && rest[0] != '#';
  switch (rest[letter]) {
    case 'd':
    case 'i':
    case 'u':
      pieces_.push_back({Kind::Integer, {}, padded});
      break;
    case 'x':
    case 'X':
      pieces_.push_back({Kind::Hex, {}, padded});
      break;
    case 'p':
      pieces_.push_back({Kind::Pointer, {}, padded});
      break;
    case 'f':
    case 'g':
    case 'e':
      pieces_.push_back({Kind::Decimal, {}, padded});
      break;
    case 'c':
      pieces_.push_back({Kind::Letter, {}, padded});
      break;
    case '%':
      add_literal(rest.substr(letter, 1));
      break;
    default:
      pieces_.push_back({Kind::Text, {}, padded});
      break;
  }
  return rest.substr(letter + 1);
}

size_t PrintfFormat::value_end(Kind kind, std::string_view text) {
  const size_t sign = text.starts_with('-') ? 1 : 0;
  switch (kind) {
    case Kind::Integer: {
      const size_t end = run_of(text, sign, is_digit);
      return end > sign ? end : 0;
    }
    case Kind::Pointer:
      if (text.starts_with("(nil)")) return 5;
      [[fallthrough]];
    case Kind::Hex: {
      const size_t digits = text.starts_with("0x") ? 2 : 0;
      const size_t end = run_of(text, digits, is_hex_digit);
      return end > digits ? end : 0;
    }
    case Kind::Decimal: {
      for (std::string_view word : {"inf", "nan"}) {
        if (text.substr(sign).starts_with(word)) return sign + word.size();
      }
      const size_t end = run_of(text, sign, [](char c) {
        return is_digit(c) || c == '.' || c == 'e' || c == '+' || c == '-';
      });
      return end > sign && is_digit(text[sign]) ? end : 0;
    }
    case Kind::Letter:
      return text.empty() ? 0 : 1;
    default:
      return 0;
  }
}

struct PrintfFormat::Attempt {
  const std::vector<Piece>& pieces;
  std::vector<std::string_view> values{};
  int steps = 0;

  /// Values of text are as short as they can be, as a reader would see them.
  bool text_value(size_t piece, std::string_view text) {
    for (size_t size = 0; size <= text.size(); ++size) {
      if (++steps > kMaxSteps) return false;
      values.push_back(text.substr(0, size));
      if (from(piece + 1, text.substr(size))) return true;
      values.pop_back();
    }
    return false;
  }

  bool from(size_t piece, std::string_view text) {
    if (piece == pieces.size()) return text.empty();
    if (++steps > kMaxSteps) return false;
    const Piece& p = pieces[piece];
    if (p.kind == Kind::Rest) return true;
    if (p.kind == Kind::Literal) {
      return text.starts_with(p.literal) && from(piece + 1, text.substr(p.literal.size()));
    }
    if (p.padded) text.remove_prefix(run_of(text, 0, [](char c) { return c == ' '; }));
    if (p.kind == Kind::Text) return text_value(piece, text);
    const size_t end = value_end(p.kind, text);
    if (end == 0) return false;
    values.push_back(text.substr(0, end));
    if (from(piece + 1, text.substr(end))) return true;
    values.pop_back();
    return false;
  }
};

std::optional<PrintfFormat::Match> PrintfFormat::match(std::string_view text) const {
  if (pieces_.empty()) return std::nullopt;
  if (pieces_[0].kind == Kind::Literal && !text.starts_with(pieces_[0].literal))
    return std::nullopt;
  Attempt attempt{pieces_};
  if (!attempt.from(0, text)) return std::nullopt;
  return Match{literal_bytes_, std::move(attempt.values)};
}

}  // namespace rankdx
