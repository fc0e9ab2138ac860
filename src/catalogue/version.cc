#include "catalogue/version.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr std::string_view kMain = "main-";

/// Takes a number of at most nine digits off the front.
std::optional<int32_t> take_number(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end == 0 || end > 9) return std::nullopt;
  const auto number = parse_int<int32_t>(text.substr(0, end));
  text.remove_prefix(end);
  return number;
}

struct StageWord {
  std::string_view word;
  Version::Stage stage;
};

/// PEP 440 and what NCCL's betas use.
constexpr StageWord kStages[] = {
    {"dev", Version::Stage::Dev},   {"alpha", Version::Stage::Alpha},
    {"a", Version::Stage::Alpha},   {"beta", Version::Stage::Beta},
    {"b", Version::Stage::Beta},    {"rc", Version::Stage::Candidate},
    {"post", Version::Stage::Post},
};

/// "rc1", ".post1", ".dev3": a stage and its number. False if something else follows the numbers.
bool take_stage(std::string_view& text, Version& version) {
  std::string_view rest = text;
  if (rest.starts_with('.')) rest.remove_prefix(1);
  for (const StageWord& s : kStages) {
    if (!rest.starts_with(s.word)) continue;
    rest.remove_prefix(s.word.size());
    // "1.0.rc1.dev3" is a state before rc1; the finer step is not kept.
    version.stage = s.stage;
    version.stage_number = take_number(rest).value_or(0);
    text = rest;
    return true;
  }
  return false;
}

std::optional<Version> parse_main(std::string_view text) {
  const std::vector<std::string_view> day = split(text.substr(kMain.size()), '-');
  if (day.size() != 3) return std::nullopt;
  const auto y = parse_int<int32_t>(day[0]), m = parse_int<int32_t>(day[1]),
             d = parse_int<int32_t>(day[2]);
  if (!y || !m || !d || *y < 1970 || *y > 9999 || *m < 1 || *m > 12 || *d < 1 || *d > 31)
    return std::nullopt;
  Version version;
  version.main_day = (*y * 100 + *m) * 100 + *d;
  return version;
}

/// The order of `version` and the family of versions that begin with what `end` has written.
std::strong_ordering against_family(const Version& version, const Version& end) {
  if (version.main_day != 0 || end.main_day != 0 || end.parts >= 3 ||
      end.stage != Version::Stage::Release) {
    return version <=> end;
  }
  for (int i = 0; i < end.parts; ++i) {
    if (version.part[i] != end.part[i]) return version.part[i] <=> end.part[i];
  }
  return std::strong_ordering::equal;
}

}  // namespace

std::strong_ordering Version::operator<=>(const Version& other) const {
  return std::tie(main_day, part, stage, stage_number) <=>
         std::tie(other.main_day, other.part, other.stage, other.stage_number);
}

std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with(kMain)) return parse_main(text);
  if (text.starts_with('v')) text.remove_prefix(1);
  Version version;
  while (version.parts < static_cast<int>(version.part.size())) {
    std::string_view rest = text;
    if (version.parts > 0) {
      if (!rest.starts_with('.')) break;
      rest.remove_prefix(1);
    }
    const auto number = take_number(rest);
    if (!number) break;
    version.part[version.parts++] = *number;
    text = rest;
  }
  if (version.parts == 0) return std::nullopt;
  while (take_stage(text, version)) {
  }
  if (text.empty() || text.front() == '+' || text.front() == '-') return version;
  return std::nullopt;
}

std::optional<Version> nccl_version_from_code(int64_t code) {
  // nccl.h: X*1000 + Y*100 + Z up to 2.8, X*10000 + Y*100 + Z from 2.9 on.
  if (code < 2000 || code > 99999) return std::nullopt;
  const int64_t unit = code < 10000 ? 1000 : 10000;
  Version version;
  version.parts = 3;
  version.part = {static_cast<int32_t>(code / unit), static_cast<int32_t>(code % unit / 100),
                  static_cast<int32_t>(code % 100), 0};
  return version;
}

std::string to_string(const Version& version) {
  if (version.main_day != 0) {
    const std::string day = std::to_string(version.main_day);
    return std::string(kMain) + day.substr(0, 4) + '-' + day.substr(4, 2) + '-' + day.substr(6);
  }
  std::string text;
  for (int i = 0; i < version.parts; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(version.part[i]);
  }
  switch (version.stage) {
    case Version::Stage::Dev:
      text += ".dev";
      break;
    case Version::Stage::Alpha:
      text += 'a';
      break;
    case Version::Stage::Beta:
      text += 'b';
      break;
    case Version::Stage::Candidate:
      text += "rc";
      break;
    case Version::Stage::Post:
      text += ".post";
      break;
    case Version::Stage::Release:
      return text;
  }
  return text + std::to_string(version.stage_number);
}

bool VersionRange::Span::contains(const Version& version) const {
  if (low) {
    const auto order = against_family(version, low->version);
    if (order < 0 || (order == 0 && low->end == End::Excluded)) return false;
  }
  if (high) {
    const auto order = against_family(version, high->version);
    if (order > 0 || (order == 0 && high->end == End::Excluded)) return false;
  }
  return true;
}

bool VersionRange::add_comparison(std::string_view term, Span& span) {
  const char sign = term.front();
  term.remove_prefix(1);
  const End end = term.starts_with('=') ? End::Included : End::Excluded;
  if (end == End::Included) term.remove_prefix(1);
  const auto version = parse_version(trim(term));
  if (!version) return false;
  (sign == '>' ? span.low : span.high) = Bound{*version, end};
  return true;
}

std::optional<VersionRange::Span> VersionRange::parse_span(std::string_view term) {
  std::string_view low = term, high = term;
  if (const size_t dots = term.find(".."); dots != std::string_view::npos) {
    low = term.substr(0, dots);
    high = term.substr(dots + 2);
  } else if (term.ends_with('+')) {
    const auto version = parse_version(term.substr(0, term.size() - 1));
    if (!version) return std::nullopt;
    return Span{Bound{*version}, std::nullopt};
  } else if (const size_t dash = term.find('-');
             dash != std::string_view::npos && !term.starts_with(kMain)) {
    low = term.substr(0, dash);
    high = term.substr(dash + 1);
  }
  const auto first = parse_version(trim(low)), last = parse_version(trim(high));
  if (!first || !last || *last < *first) return std::nullopt;
  Span span{Bound{*first}, Bound{*last}};
  if (last->main_day != 0) span.high.reset();
  return span;
}

std::optional<VersionRange> VersionRange::parse(std::string_view text) {
  VersionRange range;
  text = trim(text);
  if (text.empty()) return range;
  std::optional<Span> compared;
  for (std::string_view term : split(text, ',')) {
    term = trim(term);
    if (term.starts_with('<') || term.starts_with('>')) {
      if (!compared) compared.emplace();
      if (!add_comparison(term, *compared)) return std::nullopt;
      continue;
    }
    const auto span = parse_span(term);
    if (!span) return std::nullopt;
    range.spans_.push_back(*span);
  }
  if (compared) range.spans_.push_back(*compared);
  return range;
}

bool VersionRange::contains(const Version& version) const {
  return spans_.empty() || std::any_of(spans_.begin(), spans_.end(),
                                       [&](const Span& s) { return s.contains(version); });
}

std::optional<Version> VersionRange::first() const {
  std::optional<Version> least;
  for (const Span& s : spans_) {
    if (!s.low) return std::nullopt;
    if (!least || s.low->version < *least) least = s.low->version;
  }
  return least;
}

std::optional<Version> VersionRange::last() const {
  std::optional<Version> greatest;
  for (const Span& s : spans_) {
    if (!s.high) return std::nullopt;
    if (!greatest || *greatest < s.high->version) greatest = s.high->version;
  }
  return greatest;
}

}  // namespace rankdx
