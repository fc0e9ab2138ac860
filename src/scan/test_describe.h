// One line of text for a message, so that tests can compare whole values.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "scan/scanner.h"

namespace rankdx {

inline std::string describe(const Envelope& e) {
  constexpr std::string_view kLevels[] = {"-", "VERSION", "WARN", "INFO", "ABORT", "TRACE", "CALL"};
  std::string out(kLevels[static_cast<int>(e.level)]);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format(" {}={}", name, value);
  };
  auto add_number = [&](std::string_view name, int64_t value, int64_t absent) {
    if (value != absent) out += fmt::format(" {}={}", name, value);
  };
  if (!e.host.empty()) out += fmt::format(" {}:{}:{}", e.host, e.pid, e.tid);
  add_number("dev", e.cuda_dev, -1);
  add("file", e.file);
  add("func", e.func);
  add("origin", e.origin);
  add("actor", e.actor);
  add_number("actor_pid", e.actor_pid, -1);
  add("ip", e.actor_ip);
  add_number("time", e.time_us, kNoTime);
  add_number("label", e.label_rank, -1);
  add_number("repeated", e.repeated, 1);
  add_number("writer", e.writer, kNoWriter);
  if (e.damaged) out += " damaged";
  return out += fmt::format(" |{}|", e.body);
}

/// Keeps what it was given as text.
struct Described : MessageSink {
  std::vector<std::string> messages;
  void on_message(const Envelope& message, std::string_view) override {
    messages.push_back(describe(message));
  }
};

/// The messages of one line, each behind a newline but the first.
template <class AnyScanner>
std::string scanned(AnyScanner& scanner, std::string_view line) {
  Described sink;
  scanner.scan_line(line, sink);
  std::string out;
  for (const std::string& message : sink.messages) out += (out.empty() ? "" : "\n") + message;
  return out;
}

}  // namespace rankdx
