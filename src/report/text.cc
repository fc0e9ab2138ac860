#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "present/safe_text.h"
#include "report/picture.h"

namespace rankdx {
namespace {

constexpr size_t kMostLines = 8;  ///< findings of one role in a brief answer

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::Healthy:
      return "HEALTHY";
    case Verdict::Warning:
      return "WARNING";
    case Verdict::Failed:
      return "FAILED";
    default:
      return "UNDETERMINED";
  }
}

Ink ink_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Healthy:
      return Ink::Green;
    case Verdict::Failed:
      return Ink::Red;
    default:
      return Ink::Yellow;
  }
}

/// The findings of a diagnosis as a person reads them: the first in full, what follows from it as a
/// chain, the rest a line each (or in full, for --verbose).
class Findings {
 public:
  Findings(const Diagnosis& diagnosis, const TextOptions& options)
      : all_(diagnosis.findings), summary_(diagnosis.summary), o_(options), paint_(options.colour) {
    style_ = {o_.colour, o_.width, o_.detail == Detail::Verbose ? size_t{12} : size_t{4}};
  }

  std::string text() {
    std::string out;
    if (!all_.empty() && leads(all_.front())) {
      shown_.insert(&all_.front());
      const bool said = !all_.front().title.empty() && summary_.starts_with(all_.front().title);
      out += "\n" + finding_text(all_.front(), style_, said ? Heading::None : Heading::Title);
    }
    out += section("Therefore", consequences());
    out += section("Also possible", lines_of(Role::RootCause));
    out += section("Besides", lines_of(Role::Contributing));
    out += section("Notes", lines_of(Role::Note));
    if (o_.detail == Detail::Verbose) {
      for (const Finding& f : all_) {
        if (&f != &all_.front() || !leads(f)) out += "\n" + finding_text(f, style_);
      }
    }
    return out;
  }

 private:
  static bool leads(const Finding& f) {
    return f.role != Role::Note || f.severity != Severity::Info;
  }

  static std::string section(std::string_view heading, const std::string& body) {
    return body.empty() ? "" : fmt::format("\n{}\n{}", heading, body);
  }

  /// Title, places, id and the first line that proves it, in at most two or three lines.
  std::string line(const Finding& f, size_t depth, std::string_view mark) {
    const size_t indent = 2 + std::min<size_t>(depth, 6) * 3;
    std::string words = safe_clip(f.title, 200);
    if (const std::string where = places(f); !where.empty()) words += ": " + shortened(where, 120);
    words += " (" + safe_text(f.id);
    if (!f.evidence.empty()) words += ", " + shortened(place_of(f.evidence.front()), 60);
    words += ")";
    const std::string hanging(indent + mark.size() + 1, ' ');
    const size_t width = static_cast<size_t>(std::max(o_.width, 40));
    return std::string(indent, ' ') + paint_(Ink::Dim, mark) + " " +
           wrapped(words, width - hanging.size(), hanging) + "\n";
  }

  std::string lines_of(Role role) {
    std::string out;
    size_t n = 0;
    for (const Finding& f : all_) {
      if (f.role != role || shown_.count(&f)) continue;
      if (++n <= kMostLines || o_.detail == Detail::Verbose) out += line(f, 0, "-");
    }
    return out + rest(n);
  }

  std::string rest(size_t n) const {
    if (n <= kMostLines || o_.detail == Detail::Verbose) return "";
    return fmt::format("  and {} more (--verbose shows all)\n", n - kMostLines);
  }

  /// What `explains` ties to the lead, each below what it follows from; then the consequences that
  /// nothing ties.
  std::string consequences() {
    std::string out;
    size_t n = 0;
    if (!all_.empty()) follow(all_.front(), 0, out, n);
    for (const Finding& f : all_) {
      if (f.role == Role::Consequence && !shown_.count(&f)) add(f, 0, out, n);
    }
    return out + rest(n);
  }

  void add(const Finding& f, size_t depth, std::string& out, size_t& n) {
    shown_.insert(&f);
    if (++n <= kMostLines || o_.detail == Detail::Verbose) out += line(f, depth, "->");
    follow(f, depth + 1, out, n);
  }

  void follow(const Finding& cause, size_t depth, std::string& out, size_t& n) {
    for (const std::string& id : cause.explains) {
      for (const Finding& f : all_) {
        if (f.id == id && f.role == Role::Consequence && !shown_.count(&f)) add(f, depth, out, n);
      }
    }
  }

  const std::vector<Finding>& all_;
  const std::string& summary_;
  const TextOptions& o_;
  Paint paint_;
  TextStyle style_;
  std::set<const Finding*> shown_;
};

std::string section(std::string_view heading, const std::string& body) {
  return body.empty() ? "" : fmt::format("\n{}\n{}", heading, body);
}

/// What was too much to be kept.
std::string limits_met(const InputTotals& in) {
  std::string out;
  auto add = [&](uint64_t count, std::string_view what) {
    if (count) out += fmt::format("{}{} {}", out.empty() ? "; limits met: " : ", ", count, what);
  };
  add(in.communicators_dropped, "closed communicators not shown");
  add(in.notables_dropped, "more lines with errors or warnings");
  add(in.processes_dropped, "lines of too many processes");
  add(in.overlong_lines, "lines cut at 1 MiB");
  return out;
}

std::string input_lines(const Report& report, const TextOptions& o) {
  const InputTotals& in = report.job->input;
  std::string out = fmt::format("Read {} source{}, {} lines, {} of NCCL", in.sources,
                                in.sources == 1 ? "" : "s", in.lines, in.nccl_lines);
  if (in.unrecognised_nccl_lines)
    out += fmt::format(", {} of them unknown", in.unrecognised_nccl_lines);
  if (in.damaged_lines) out += fmt::format(", {} damaged (cut or glued)", in.damaged_lines);
  out += limits_met(in);
  const size_t width = static_cast<size_t>(o.width);
  out = "\n" + wrapped(out, width, "  ") + "\n";
  constexpr size_t kMost = 10;
  for (size_t i = 0; i < std::min(report.left_out.size(), kMost); ++i) {
    const std::string why = safe_clip(to_string(report.left_out[i]), 400);
    out += "  left out: " + wrapped(why, width - 12, "            ") + "\n";
  }
  if (report.left_out.size() > kMost) {
    out += fmt::format("  and {} more inputs left out\n", report.left_out.size() - kMost);
  }
  return out;
}

}  // namespace

std::string render_text(const Report& report, const TextOptions& options) {
  TextOptions o = options;
  o.width = std::max(o.width, 40);
  const Diagnosis& d = report.diagnosis;
  std::string out =
      verdict_line(ink_of(d.verdict), verdict_word(d.verdict), d.summary, {o.colour, o.width});
  out += Findings(d, o).text();
  out += section(wrapped("Job: " + job_in_a_line(*report.job), static_cast<size_t>(o.width), "  "),
                 rank_table(*report.job, o.width));
  out += section("Transports", transport_picture(*report.job, o.width));
  out += section("Not the same everywhere", differences(*report.job, o.width));
  if (o.detail == Detail::Verbose) out += everything_else(*report.job, o.width);
  return out + input_lines(report, o);
}

}  // namespace rankdx
