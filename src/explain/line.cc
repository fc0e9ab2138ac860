// A pasted log line: what the scanner takes apart, what the parser understands, which rows of
// NCCL's tables print it, and which rules take it as a sign.
#include <algorithm>
#include <ctime>
#include <map>

#include "base/text.h"
#include "catalogue/nccl_messages.h"
#include "events/nccl.h"
#include "explain/event_words.h"
#include "explain/explain.h"
#include "explain/sources.h"
#include "explain/value_words.h"
#include "rules/match.h"
#include "scan/scanner.h"

namespace rankdx {
namespace {

/// Enough for any line that NCCL prints (a message of 2.29 and later has no limit of its own).
constexpr size_t kMaxLine = 1 << 16;

std::string_view level_name(Level level) {
  switch (level) {
    case Level::Version:
      return "version";
    case Level::Warn:
      return "WARN";
    case Level::Info:
      return "INFO";
    case Level::Abort:
      return "ABORT";
    case Level::Trace:
      return "TRACE";
    case Level::Call:
      return "CALL";
    case Level::None:
      break;
  }
  return "none: not an NCCL line";
}

std::string number_or_nothing(int n) { return n < 0 ? "" : std::to_string(n); }

/// "2025-03-18 21:25:51.123456".
std::string time_text(int64_t time_us) {
  if (time_us == kNoTime) return "";
  const std::time_t seconds = static_cast<std::time_t>(time_us / 1'000'000);
  const int64_t rest = time_us % 1'000'000;
  std::tm t{};
  char text[40], fraction[16];
  if (time_us < 0 || gmtime_r(&seconds, &t) == nullptr ||
      std::strftime(text, sizeof text, "%F %T", &t) == 0)
    return "";
  std::snprintf(fraction, sizeof fraction, ".%06d", static_cast<int>(rest));
  return std::string(text) + fraction;
}

std::vector<Field> prefix_fields(const Envelope& e) {
  return {{"level", std::string(level_name(e.level))},
          {"host", std::string(e.host)},
          {"process id", number_or_nothing(e.pid)},
          {"thread id", number_or_nothing(e.tid)},
          {"cuda device of the thread", number_or_nothing(e.cuda_dev)},
          {"source file", std::string(e.file)},
          {"source function", std::string(e.func)},
          {"time", time_text(e.time_us)},
          {"wrapper", std::string(e.origin)},
          {"actor", std::string(e.actor)},
          {"actor process id", number_or_nothing(e.actor_pid)},
          {"actor address", std::string(e.actor_ip)},
          {"rank in the wrapper", number_or_nothing(e.label_rank)},
          {"stands for lines", e.repeated > 1 ? std::to_string(e.repeated) : ""},
          {"damaged", e.damaged ? "yes: cut, glued to another line, or with broken bytes" : ""}};
}

MessageSort sort_of(Level level) {
  if (level == Level::None) return MessageSort::Any;
  return level == Level::Warn || level == Level::Abort ? MessageSort::Warning : MessageSort::Info;
}

std::vector<std::vector<Field>> table_records(const Envelope& e) {
  std::vector<std::vector<Field>> out;
  for (const MessageMatch& m : find_nccl_messages(e.body, sort_of(e.level))) {
    const NcclMessage& row = *m.message;
    std::string values;
    for (const auto& [name, value] : m.values) {
      if (!values.empty()) values += ", ";
      values += std::string(name) + "=" + std::string(value);
    }
    out.push_back({{"id", std::string(row.id)},
                   {row.warning() ? "likely cause" : "meaning", std::string(row.meaning)},
                   {"action", std::string(row.action)},
                   {"fatal", std::string(row.fatal)},
                   {"result", std::string(row.result)},
                   {"subsystem", std::string(row.subsystem)},
                   {"versions", std::string(row.versions)},
                   {"printed by", std::string(row.printed_by)},
                   {"source", std::string(row.source)},
                   {"format", std::string(row.format)},
                   {"values", std::move(values)}});
  }
  return out;
}

std::vector<RuleHit> hits_of(const Envelope& e, std::string_view line, RuleMatcher& matcher) {
  static const SourceFacts source;
  Notable notable;
  notable.level = e.level;
  notable.file = e.file;
  notable.text = line;
  notable.body = e.body;
  std::vector<RuleHit> hits;
  matcher.match(source, notable, "", hits);
  // The notable ends here; the rest of a hit lives in the pack.
  for (RuleHit& h : hits) h.notable = nullptr;
  return hits;
}

std::vector<std::vector<Field>> rule_records(const std::vector<RuleHit>& hits,
                                             const RulePack& rules) {
  std::vector<std::vector<Field>> out;
  for (const RuleHit& h : hits) {
    const Rule* words = rules.definition(h.rule->id);
    const std::string& title =
        h.rule->title.empty() && words != nullptr ? words->title : h.rule->title;
    out.push_back({{"finding", h.rule->id},
                   {"title", title},
                   {"role", role_in_words(*h.rule)},
                   {"why harmless", h.rule->harmless},
                   {"cause", h.rule->harmless.empty() ? fill(h.rule->cause, h.captures) : ""}});
  }
  return out;
}

std::string verdict_of(const std::vector<RuleHit>& hits, const Envelope& e, const Event& event) {
  const auto harmless = [](const RuleHit& h) { return !h.rule->harmless.empty(); };
  if (!hits.empty() && std::all_of(hits.begin(), hits.end(), harmless)) {
    return "Harmless: " + fill(hits[0].rule->harmless, hits[0].captures);
  }
  if (!hits.empty()) {
    const auto sign = std::find_if_not(hits.begin(), hits.end(), harmless);
    if (sign->rule->role == Role::Consequence)
      return "A consequence: it follows from something else. Look for the cause in all ranks' "
             "logs.";
    return sign->rule->role == Role::Note
               ? "Worth a note, not a failure by itself."
               : "A sign of trouble by itself, see the rules that match.";
  }
  if (event.kind == EventKind::Backtrace)
    return "A consequence: look at the warning of the same thread before it.";
  if (e.level == Level::Warn || e.level == Level::Abort)
    return "A warning that no rule judges; whether it matters depends on the lines around it.";
  if (e.level == Level::None) return "No rule knows this line. It is no NCCL line.";
  return "No rule takes this line for a sign of trouble.";
}

Page message_page(const Envelope& e, std::string_view line, RuleMatcher& matcher) {
  Page page{"line", "", std::string(e.body)};
  const bool nccl = e.level != Level::None;
  const Event event = nccl ? parse_nccl(e) : Event{};
  const std::vector<RuleHit> hits = hits_of(e, line, matcher);
  page.text("verdict", "", {verdict_of(hits, e, event)});
  page.fields("prefix", "In front of the message", prefix_fields(e));
  if (nccl) {
    const EventWords& words = words_of(event.kind);
    page.fields("event", "What it says",
                {{"kind", std::string(words.name)}, {"meaning", std::string(words.says)}});
    page.fields("captured", "What was read from it", captured_fields(event));
    page.text("values", "What the values mean", values_in_words(event));
  }
  page.records("rules", "Rules that match", rule_records(hits, matcher.pack()));
  page.records("messages", "In NCCL's sources", table_records(e));
  return page;
}

class Explainer final : public MessageSink {
 public:
  Explainer(RuleMatcher& matcher, Page& page) : matcher_(matcher), page_(page) {}
  void on_message(const Envelope& message, std::string_view line) override {
    if (page_.parts.size() < kMaxExplainedMessages) {
      page_.parts.push_back(message_page(message, line, matcher_));
    } else {
      ++left_out;
    }
  }
  size_t left_out = 0;

 private:
  RuleMatcher& matcher_;
  Page& page_;
};

}  // namespace

Page explain_log(std::string_view text, const RulePack& rules) {
  Page page{"log", "", ""};
  RuleMatcher matcher(rules);
  Explainer explainer(matcher, page);
  Scanner scanner;
  while (!text.empty())
    scanner.scan_line(take_until(text, '\n', text).substr(0, kMaxLine), explainer);
  const size_t n = page.parts.size();
  if (n == 1 && explainer.left_out == 0) {
    Page only = std::move(page.parts[0]);
    return only;
  }
  page.title = std::to_string(n) + " messages";
  if (explainer.left_out > 0) {
    page.title +=
        " of " + std::to_string(n + explainer.left_out) + "; rankdx diagnose reads whole logs";
  }
  return page;
}

}  // namespace rankdx
