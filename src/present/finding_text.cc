#include "present/finding_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kLabel = 10;  ///< columns of "evidence  "
const std::string kIndent(2 + kLabel, ' ');

Ink ink_of(Severity severity) {
  return severity == Severity::Error     ? Ink::Red
         : severity == Severity::Warning ? Ink::Yellow
                                         : Ink::Cyan;
}

size_t room(const TextStyle& style) {
  return static_cast<size_t>(std::max(style.width, 40)) - kIndent.size();
}

std::string labelled(const Paint& paint, std::string_view label, const std::string& body) {
  return fmt::format("  {}{}{}\n", paint(Ink::Dim, label), std::string(kLabel - label.size(), ' '),
                     body);
}

// A hostile or unlucky input can put a megabyte into any field; a person reads a screen.
constexpr size_t kMostTitle = 300, kMostWords = 2000, kMostRows = 12;

std::string words(std::string_view text, const TextStyle& style) {
  return wrapped(safe_clip(text, kMostWords), room(style), kIndent);
}

std::string evidence_lines(const Finding& f, const TextStyle& style, const Paint& paint) {
  std::string out;
  size_t shown = 0;
  for (const Evidence& e : f.evidence) {
    if (shown == style.evidence) {
      out += kIndent + fmt::format("and {} more\n", f.evidence.size() - shown);
      break;
    }
    const std::string place = shortened(place_of(e), room(style));
    out += labelled(paint, shown++ ? "" : "evidence", paint(Ink::Cyan, place));
    if (e.text.empty()) continue;
    out += kIndent + "  " + safe_clip(trim(e.text), room(style) * 3 - 2) + "\n";
  }
  return out;
}

std::string fix_lines(const Finding& f, const TextStyle& style, const Paint& paint) {
  std::string out;
  for (size_t i = 0; i < std::min(f.fix.size(), kMostRows); ++i) {
    const Fix& fix = f.fix[i];
    const std::string whom = fix.for_.empty() || fix.for_ == "any" ? "" : fix.for_ + ": ";
    out += labelled(paint, i ? "" : "fix", words(whom + fix.text, style));
    if (fix.command.empty()) continue;
    // Not wrapped: a command is there to be copied.
    out += kIndent + "  " + paint(Ink::Bold, safe_clip(fix.command, kMostWords)) + "\n";
  }
  return out;
}

std::string list_lines(std::string_view label, const std::vector<std::string>& texts,
                       const TextStyle& style, const Paint& paint) {
  std::string out;
  for (size_t i = 0; i < std::min(texts.size(), kMostRows); ++i) {
    out += labelled(paint, i ? "" : label, words(texts[i], style));
  }
  if (texts.size() > kMostRows)
    out += kIndent + fmt::format("and {} more\n", texts.size() - kMostRows);
  return out;
}

}  // namespace

std::string number_ranges(std::vector<int> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += end == i ? std::to_string(numbers[i])
                     : fmt::format("{}{}{}", numbers[i], end == i + 1 ? ", " : "-", numbers[end]);
    i = end + 1;
  }
  return text;
}

std::string places(const Finding& f) {
  constexpr size_t kMaxHosts = 3;
  std::vector<int> ranks;
  std::set<std::string> hosts, pods, peers, interfaces;
  for (const Where& w : f.where) {
    if (w.rank) ranks.push_back(*w.rank);
    if (!w.host.empty()) hosts.insert(safe_text(w.host));
    if (!w.pod.empty()) pods.insert(safe_text(w.pod));
    if (!w.peer.empty()) peers.insert(safe_text(w.peer));
    if (!w.interface.empty()) interfaces.insert(safe_text(w.interface));
  }
  auto names = [](const std::set<std::string>& set, std::string_view many) {
    if (set.size() > kMaxHosts) return fmt::format("{} {}", set.size(), many);
    return join(std::vector<std::string>(set.begin(), set.end()), ", ");
  };
  std::string text;
  if (!ranks.empty()) text += (ranks.size() > 1 ? "ranks " : "rank ") + number_ranges(ranks);
  if (!hosts.empty()) text += (text.empty() ? "" : " on ") + names(hosts, "hosts");
  if (!pods.empty()) text += (text.empty() ? "pod " : ", pod ") + names(pods, "pods");
  if (!interfaces.empty())
    text += (text.empty() ? "interface " : ", interface ") + names(interfaces, "interfaces");
  if (!peers.empty()) text += (text.empty() ? "peer " : ", peer ") + names(peers, "peers");
  if (f.where.size() == 1 && f.where.front().gpu)
    text += fmt::format(" (GPU {})", *f.where.front().gpu);
  return text;
}

std::string place_of(const Evidence& e) {
  std::string place = safe_text(e.source);
  if (e.line) place += fmt::format(":{}", e.line);
  if (e.line && e.column) place += fmt::format(":{}", e.column);
  return place;
}

std::string verdict_line(Ink ink, std::string_view word, std::string_view summary,
                         const TextStyle& style) {
  if (summary.empty()) return Paint(style.colour)(ink, word) + "\n";
  const size_t width = static_cast<size_t>(std::max(style.width, 40)) - word.size() - 2;
  const std::string indent(word.size() + 2, ' ');
  return Paint(style.colour)(ink, word) + "  " +
         wrapped(safe_clip(summary, kMostWords), width, indent) + "\n";
}

std::string finding_text(const Finding& f, const TextStyle& style, Heading heading) {
  const Paint paint(style.colour);
  std::string out;
  if (heading == Heading::Title) {
    out += paint(ink_of(f.severity),
                 wrapped(safe_clip(f.title, kMostTitle), room(style) + kLabel, "  ")) +
           "\n";
  }
  const std::string kind = fmt::format("{}: {}, {}, {}", safe_text(f.id), to_string(f.role),
                                       to_string(f.severity), to_string(f.confidence));
  out += "  " + paint(Ink::Dim, wrapped(kind, room(style) + kLabel, "  ")) + "\n";
  if (!f.cause.empty()) out += labelled(paint, "why", words(f.cause, style));
  if (const std::string where = places(f); !where.empty()) {
    out += labelled(paint, "where", words(where, style));
  }
  out += evidence_lines(f, style, paint);
  out += fix_lines(f, style, paint);
  out += list_lines("bring", f.needs, style, paint);
  out += list_lines("see", f.references, style, paint);
  return out;
}

}  // namespace rankdx
