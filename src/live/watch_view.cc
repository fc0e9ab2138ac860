#include "live/watch_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

constexpr size_t kName = 40, kEvidence = 300;
constexpr int kBarColumns = 8;

std::string name_of(const ProcessState& p) {
  if (p.rank >= 0) return fmt::format("rank {}", p.rank);
  if (!p.name.empty()) return safe_clip(p.name, kName);
  return p.pid >= 0 ? fmt::format("pid {}", p.pid) : "main";
}

std::string bar_of(const BarState& bar) {
  if (bar.total <= 0) return "";
  const int full = std::clamp(static_cast<int>(bar.done / bar.total * kBarColumns), 0, kBarColumns);
  // The numbers first: a narrow screen cuts the end.
  return fmt::format("{:.0f}/{:.0f} [{}{}]", bar.done, bar.total,
                     std::string(static_cast<size_t>(full), '#'),
                     std::string(static_cast<size_t>(kBarColumns - full), '.'));
}

/// The host, else the name of the log: its directory is the same for all.
std::string place_of(const ProcessState& p) {
  const std::string& place = p.host.empty() ? p.source : p.host;
  return safe_clip(std::string_view(place).substr(place.rfind('/') + 1), kName);
}

std::string rate_of(const BarState& bar) {
  return bar.total > 0 && bar.item_s > 0 ? fmt::format("{:.2f} s/item", bar.item_s) : "";
}

/// The load rates of the last steps, against the highest of them.
std::string trend_of(const ProcessState& p) {
  constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (p.phase != Phase::Load || p.rates.size() < 2) return "";
  const float most = *std::max_element(p.rates.begin(), p.rates.end());
  std::string out;
  for (float rate : p.rates)
    out += kBars[most > 0 ? std::clamp(static_cast<int>(rate / most * 7.99F), 0, 7) : 0];
  return out;
}

const SourceState* source_of(const LaunchState& state, const ProcessState& p) {
  const auto it = state.sources.find(p.source);
  return it == state.sources.end() ? nullptr : &it->second;
}

std::string state_word(const SourceState& s) {
  if (s.word.empty() && !s.exit_code) return s.restarts > 0 ? "restarted" : "";
  return s.exit_code ? fmt::format("exit {}", *s.exit_code) : safe_clip(s.word, kName);
}

/// The rank whose loading is furthest behind; -1 where the difference says nothing.
int slowest_rank(const LaunchState& state) {
  constexpr double kBehind = 0.1;
  const ProcessState* last = nullptr;
  double least = 0, most = 0;
  int loading = 0;
  for (const ProcessState& p : state.processes) {
    if (p.rank < 0 || p.phase != Phase::Load || p.progress.total <= 0) continue;
    const double done = p.progress.done / p.progress.total;
    if (++loading == 1 || done < least) {
      least = done;
      last = &p;
    }
    most = loading == 1 ? done : std::max(most, done);
  }
  return loading > 1 && most - least >= kBehind ? last->rank : -1;
}

std::string left_of(const BarState& bar) {
  if (bar.total <= 0 || bar.left_s < 0) return "";
  const auto left = static_cast<int64_t>(bar.left_s);
  return fmt::format("{}:{:02}", left / 60, left % 60);
}

std::string phase_text(const LaunchState& state, const ProcessState& p, const LaunchVerdict& v) {
  if (const SourceState* s = source_of(state, p); s != nullptr && s->exit_code)
    return state_word(*s);
  if (p.failed) return "failed";
  if (p.activity == "gone") return "ended";
  return std::string(name_of(v.motion == Motion::Serving ? Phase::Serving : p.phase));
}

std::string restarts_text(const SourceState& s, size_t columns) {
  if (s.restarts == 0) return "";
  return fmt::format("restarted {}x{}", s.restarts,
                     s.before.empty() ? "" : ": " + safe_clip(s.before, columns));
}

std::string remark(const LaunchState& state, const ProcessState& p, bool missing, int slowest) {
  std::string out = missing ? "missing" : p.rank >= 0 && p.rank == slowest ? "slowest" : "";
  const auto add = [&](const std::string& more) {
    if (!more.empty()) out += (out.empty() ? "" : ", ") + more;
  };
  if (!p.activity.empty() && p.activity != "loading" && p.activity != "gone") add(p.activity);
  if (const SourceState* s = source_of(state, p)) {
    if (s->exit_code) add(safe_clip(s->word, kName));
    add(restarts_text(*s, kName));
  }
  return out;
}

Ink ink_of(Motion motion) {
  switch (motion) {
    case Motion::Serving:
      return Ink::Green;
    case Motion::Failed:
    case Motion::Stuck:
      return Ink::Red;
    case Motion::Slow:
      return Ink::Yellow;
    default:
      return Ink::Bold;
  }
}

/// Ranks first, by number; then servers and engines in order of appearance.
std::vector<const ProcessState*> ordered(const LaunchState& state) {
  std::vector<const ProcessState*> rows;
  for (const ProcessState& p : state.processes) rows.push_back(&p);
  std::stable_sort(rows.begin(), rows.end(), [](const ProcessState* a, const ProcessState* b) {
    return std::tuple(a->rank < 0, a->rank) < std::tuple(b->rank < 0, b->rank);
  });
  return rows;
}

std::vector<int> unseen_ranks(const LaunchState& state) {
  std::set<int> seen;
  for (const ProcessState& p : state.processes) seen.insert(p.rank);
  std::vector<int> unseen;
  for (int rank = 0; rank < state.world; ++rank) {
    if (!seen.contains(rank)) unseen.push_back(rank);
  }
  return unseen;
}

}  // namespace

std::string state_table(const LaunchState& state, const LaunchVerdict& verdict, double now_s,
                        size_t width, size_t most_rows, Paint paint) {
  std::string out = paint(ink_of(verdict.motion), safe_clip(verdict.text, width)) + "\n";
  Table table({"who", "phase", "progress", "rate", "trend", "left", "quiet", "where", ""});
  size_t left_out = 0;
  const int slowest = slowest_rank(state);
  std::set<std::string> shown;
  for (const ProcessState* p : ordered(state)) {
    shown.insert(p->source);
    if (table.size() >= most_rows) {
      ++left_out;
      continue;
    }
    const bool missing =
        std::binary_search(verdict.missing.begin(), verdict.missing.end(), p->rank);
    table.add({name_of(*p), phase_text(state, *p, verdict), bar_of(p->progress),
               rate_of(p->progress), trend_of(*p), left_of(p->progress),
               fmt::format("{:.0f} s", std::max(0.0, now_s - p->last_line_s)), place_of(*p),
               remark(state, *p, missing, slowest)});
  }
  for (const auto& [label, s] : state.sources) {
    if (shown.contains(label)) continue;
    if (table.size() < most_rows)
      table.add({safe_clip(label, kName), state_word(s), "", "", "", "", "", "",
                 restarts_text(s, kName)});
    else
      ++left_out;
  }
  if (!table.empty()) out += table.text(width);
  if (left_out > 0) out += safe_clip(fmt::format("and {} more", left_out), width) + "\n";
  if (const auto unseen = unseen_ranks(state); !unseen.empty()) {
    out += safe_clip(fmt::format("not seen: ranks {} of {}", short_ranks(unseen), state.world),
                     width) +
           "\n";
  }
  return out;
}

std::vector<StateChange> ChangeLog::changes(const LaunchState& state, const LaunchVerdict& verdict,
                                            double now_s) {
  std::vector<StateChange> out;
  const auto say = [&](StateChange change, const std::string& key, const std::string& what) {
    std::string& said = said_[key];
    if (said == what) return;
    said = what;
    out.push_back(std::move(change));
  };
  for (const ProcessState* p : ordered(state)) {
    const std::string phase = phase_text(state, *p, verdict);
    // A bar is worth a line at each quarter.
    const int quarter =
        p->progress.total > 0 ? static_cast<int>(4 * p->progress.done / p->progress.total) : -1;
    const std::string key = p->rank >= 0 ? fmt::format("rank {}", p->rank)
                                         : fmt::format("{}\n{}\n{}", p->source, p->name, p->pid);
    say({now_s, name_of(*p), safe_text(p->source), phase, safe_clip(p->evidence, kEvidence),
         p->progress, std::nullopt},
        key, fmt::format("{} {}", phase, quarter));
  }
  for (const auto& [label, source] : state.sources) {
    StateChange change{now_s,
                       safe_clip(label, kEvidence),
                       "",
                       state_word(source),
                       restarts_text(source, kEvidence),
                       {},
                       source.exit_code};
    say(std::move(change), "source\n" + label,
        fmt::format("{} {} {}", state_word(source), source.restarts, source.before));
  }
  // The seconds in the sentence are no news; who is missing is.
  const std::string what =
      fmt::format("{} {} {}", name_of(verdict.motion),
                  static_cast<int>(verdict.motion == Motion::Moving ? Phase::Boot : verdict.phase),
                  short_ranks(verdict.missing));
  say({now_s,
       "launch",
       "",
       std::string(name_of(verdict.motion)),
       safe_clip(verdict.text, 2 * kEvidence),
       {},
       std::nullopt},
      "launch", what);
  return out;
}

std::string change_text(const StateChange& c) {
  std::string out = fmt::format("{:8.1f} s  {:<12} ", c.at_s, c.subject);
  out += c.subject == "launch" ? c.text : c.state;
  if (c.subject == "launch") return out + "\n";
  for (const std::string& part : {bar_of(c.progress), rate_of(c.progress)}) {
    if (!part.empty()) out += "  " + part;
  }
  if (!c.text.empty()) out += ": " + c.text;
  return out + "\n";
}

}  // namespace rankdx
