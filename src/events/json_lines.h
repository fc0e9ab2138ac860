// Logs that a container runtime or a log store keeps as one JSON object a line, as docker's
// json-file driver ({"log":"...\n","stream":"stdout","time":"..."}), fluent-bit, stern -o json,
// Loki, Google Cloud Logging and journalctl -o json write them. Each becomes the line that was
// printed, with its pod and time in front as kubectl logs --prefix --timestamps writes them. No
// state; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rankdx {

struct JsonLine {
  std::string prefix;      ///< "[pod/NAME/CONTAINER] 2026-03-19T19:40:08Z " as far as known
  std::string text;        ///< without the newline at its end; may hold others
  bool continues = false;  ///< the next object holds the rest of this line
};

/// nullopt: no JSON object that holds a line of a log. An object that is cut within its text
/// counts.
std::optional<JsonLine> read_json_line(std::string_view line);

/// Whether a source that begins so is such a log. `head`: some first KiB.
bool is_json_log(std::string_view head);

}  // namespace rankdx
