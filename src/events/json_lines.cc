#include "events/json_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "scan/timestamp.h"

namespace rankdx {
namespace {

using nlohmann::json;
using std::string_view;

using Places = std::vector<json::json_pointer>;

/// Where the writers put things; the first one that is there counts.
struct Members {
  Places text, time, pod, container;
};

Places places(std::initializer_list<const char*> pointers) {
  return {pointers.begin(), pointers.end()};
}

const Members& members() {
  static const Members kMembers = {
      places({"/log", "/message", "/msg", "/line", "/textPayload", "/MESSAGE",
              "/jsonPayload/message"}),
      places({"/time", "/timestamp", "/@timestamp", "/ts"}),
      places({"/podName", "/kubernetes/pod_name", "/kubernetes/pod/name",
              "/resource/labels/pod_name", "/labels/pod"}),
      places({"/containerName", "/kubernetes/container_name", "/kubernetes/container/name",
              "/resource/labels/container_name", "/labels/container"})};
  return kMembers;
}

const json* first_of(const json& object, const Places& places) {
  for (const json::json_pointer& place : places) {
    if (object.contains(place)) return &object.at(place);
  }
  return nullptr;
}

/// Docker cuts longer lines into objects of this many bytes (daemon/logger/copier.go).
constexpr size_t kDockerPiece = 16 << 10;

/// "" where there is none.
std::string string_in(const json* value) {
  return value && value->is_string() ? value->get<std::string>() : "";
}

/// A text, or its bytes as numbers (journalctl writes those of a line with colours so).
std::optional<std::string> line_in(const json* value) {
  if (!value || !(value->is_string() || value->is_array())) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  std::string bytes;
  for (const json& byte : *value) {
    if (!byte.is_number_unsigned() || byte > 255) return std::nullopt;
    bytes += static_cast<char>(byte.get<unsigned>());
  }
  return bytes;
}

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
  });
}

std::string prefix_of(const json& object) {
  std::string prefix;
  const std::string pod = string_in(first_of(object, members().pod)),
                    container = string_in(first_of(object, members().container));
  if (is_name(pod)) prefix = "[pod/" + pod + "/" + (is_name(container) ? container : "") + "] ";
  const std::string time = string_in(first_of(object, members().time));
  // "2026-03-19T19:40:08.5Z"; what else is in there does not count.
  const auto stamp = time.size() > 10 && time[10] == 'T' ? parse_stamp(time) : std::nullopt;
  return stamp ? prefix + time.substr(0, stamp->size) + ' ' : prefix;
}

json parsed(std::string_view line) {
  json object = json::parse(line, nullptr, false);
  if (!object.is_object()) object = json::parse(std::string(line) + "\"}", nullptr, false);
  return object;
}

}  // namespace

std::optional<JsonLine> read_json_line(string_view line) {
  if (!line.starts_with('{')) return std::nullopt;
  const json object = parsed(line);
  auto text = object.is_object() ? line_in(first_of(object, members().text)) : std::nullopt;
  if (!text) return std::nullopt;
  JsonLine out{prefix_of(object), std::move(*text)};
  if (out.text.ends_with('\n')) {
    out.text.pop_back();
  } else {
    out.continues = out.text.size() >= kDockerPiece;
  }
  return out;
}

bool is_json_log(string_view head) {
  return read_json_line(head.substr(0, head.find('\n'))).has_value();
}

}  // namespace rankdx
