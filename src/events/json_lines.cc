#include "events/json_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "scan/timestamp.h"

namespace rankdx {
namespace {

using nlohmann::json;
using std::string_view;

// Where the writers put things, as JSON pointers; the first one that is there counts.
constexpr string_view kText[] = {
    "/log", "/message", "/msg", "/line", "/textPayload", "/MESSAGE", "/jsonPayload/message"};
constexpr string_view kTime[] = {"/time", "/timestamp", "/@timestamp", "/ts"};
constexpr string_view kPod[] = {"/podName", "/kubernetes/pod_name", "/kubernetes/pod/name",
                                "/resource/labels/pod_name", "/labels/pod"};
constexpr string_view kContainer[] = {"/containerName", "/kubernetes/container_name",
                                      "/kubernetes/container/name",
                                      "/resource/labels/container_name", "/labels/container"};

/// Docker cuts longer lines into objects of this many bytes (daemon/logger/copier.go).
constexpr size_t kDockerPiece = 16 << 10;

template <size_t n>
const std::string* string_at(const json& object, const string_view (&places)[n]) {
  for (const string_view place : places) {
    const json::json_pointer pointer{std::string(place)};
    if (!object.contains(pointer)) continue;
    const json& value = object.at(pointer);
    if (value.is_string()) return &value.get_ref<const std::string&>();
  }
  return nullptr;
}

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
  });
}

std::string prefix_of(const json& object) {
  std::string prefix;
  const std::string* const pod = string_at(object, kPod);
  if (pod && is_name(*pod)) {
    const std::string* const container = string_at(object, kContainer);
    const bool named = container && is_name(*container);
    prefix = "[pod/" + *pod + "/" + (named ? *container : "") + "] ";
  }
  const std::string* const time = string_at(object, kTime);
  if (!time) return prefix;
  // "2026-03-19T19:40:08.5Z"; what else is in there does not count.
  const auto stamp = time->size() > 10 && (*time)[10] == 'T' ? parse_stamp(*time) : std::nullopt;
  return stamp ? prefix + time->substr(0, stamp->size) + ' ' : prefix;
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
  const std::string* const text = object.is_object() ? string_at(object, kText) : nullptr;
  if (!text) return std::nullopt;
  JsonLine out{prefix_of(object), *text};
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
