#include "checkpoint/safetensors_reference.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <variant>
#include <vector>

namespace rankdx {
namespace {

/// A tree that keeps repeated keys, and integers apart from other numbers.
struct Member;

struct Node {
  enum Kind { Null, Bool, Integer, OtherNumber, Text, List, Map } kind = Null;
  uint64_t integer = 0;
  std::string text;
  std::vector<Member> children;  // keys empty in a List
};

struct Member {
  std::string first;
  Node second;
};

/// nlohmann's events into a Node; its grammar is that of serde_json but for nesting, the byte order
/// mark and "-0".
struct Builder {
  Node root;
  std::vector<Node*> stack;
  std::string name;

  Node* add(Node node) {
    if (stack.empty()) return root = std::move(node), &root;
    auto& children = stack.back()->children;
    children.push_back({stack.back()->kind == Node::Map ? name : "", std::move(node)});
    return &children.back().second;
  }
  bool leaf(Node::Kind kind, uint64_t integer = 0, std::string text = {}) {
    add({kind, integer, std::move(text), {}});
    return true;
  }
  bool open(Node::Kind kind) {
    if (stack.size() == 127) return false;
    stack.push_back(add({kind, 0, {}, {}}));
    return true;
  }
  bool close() { return stack.pop_back(), true; }

  bool null() { return leaf(Node::Null); }
  bool boolean(bool) { return leaf(Node::Bool); }
  bool number_integer(int64_t) { return leaf(Node::OtherNumber); }  // negative, or "-0"
  bool number_unsigned(uint64_t value) { return leaf(Node::Integer, value); }
  bool number_float(double, const std::string&) { return leaf(Node::OtherNumber); }
  bool string(std::string& text) { return leaf(Node::Text, 0, text); }
  bool binary(std::vector<uint8_t>&) { return false; }
  bool start_object(size_t) { return open(Node::Map); }
  bool key(std::string& key) { return name = key, true; }
  bool end_object() { return close(); }
  bool start_array(size_t) { return open(Node::List); }
  bool end_array() { return close(); }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) { return false; }
};

struct Info {
  uint64_t bits = 0, begin = 0, end = 0;
  std::vector<uint64_t> shape;
};

std::optional<uint64_t> bits_of(const std::string& dtype) {
  static const std::map<std::string, uint64_t> bits = {
      {"BOOL", 8},    {"U8", 8},     {"I8", 8},          {"F8_E4M3", 8},     {"F8_E5M2", 8},
      {"F8_E8M0", 8}, {"I16", 16},   {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U16", 16},
      {"F16", 16},    {"BF16", 16},  {"I32", 32},        {"U32", 32},        {"F32", 32},
      {"I64", 64},    {"U64", 64},   {"F64", 64},        {"C64", 64},        {"F4", 4},
      {"F6_E2M3", 6}, {"F6_E3M2", 6}};
  const auto it = bits.find(dtype);
  return it == bits.end() ? std::nullopt : std::optional(it->second);
}

bool read_dtype(const Node& node, Info& info) {
  std::string name = node.text;
  if (node.kind == Node::Map) {
    if (node.children.size() != 1) return false;
    const auto& [key, value] = node.children[0];
    if (value.kind != Node::Null && !(value.kind == Node::Map && value.children.empty()))
      return false;
    name = key;
  } else if (node.kind != Node::Text) {
    return false;
  }
  const auto bits = bits_of(name);
  if (bits) info.bits = *bits;
  return bits.has_value();
}

bool read_numbers(const Node& node, std::vector<uint64_t>& to) {
  if (node.kind != Node::List) return false;
  for (const auto& [key, value] : node.children) {
    if (value.kind != Node::Integer) return false;
    to.push_back(value.integer);
  }
  return true;
}

bool read_offsets(const Node& node, Info& info) {
  std::vector<uint64_t> both;
  if (!read_numbers(node, both) || both.size() != 2) return false;
  info.begin = both[0];
  info.end = both[1];
  return true;
}

bool read_info(const Node& node, Info& info) {
  if (node.kind == Node::List)
    return node.children.size() == 3 && read_dtype(node.children[0].second, info) &&
           read_numbers(node.children[1].second, info.shape) &&
           read_offsets(node.children[2].second, info);
  if (node.kind != Node::Map) return false;
  int dtypes = 0, shapes = 0, offsets = 0;
  for (const auto& [key, value] : node.children) {
    if (key == "dtype") {
      if (++dtypes; !read_dtype(value, info)) return false;
    } else if (key == "shape") {
      if (++shapes > 1 || !read_numbers(value, info.shape)) return false;
    } else if (key == "data_offsets") {
      if (++offsets; !read_offsets(value, info)) return false;
    }
  }
  return dtypes == 1 && shapes == 1 && offsets == 1;
}

bool read_metadata(const Node& node) {
  if (node.kind == Node::Null) return true;
  return node.kind == Node::Map &&
         std::all_of(node.children.begin(), node.children.end(),
                     [](const auto& child) { return child.second.kind == Node::Text; });
}

bool valid_utf8(std::string_view text) {
  try {
    const std::string dumped = nlohmann::json(std::string(text)).dump();
    return !dumped.empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

bool read_header(std::string_view json, std::vector<Info>& infos) {
  Builder builder;
  if (json.starts_with("\xEF\xBB\xBF")) return false;
  if (json.find('\0') != std::string_view::npos) return false;  // the end, for nlohmann
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) return false;
  if (builder.root.kind != Node::Map) return false;
  std::map<std::string, Info> by_name;
  int metadata = 0;
  for (const auto& [key, value] : builder.root.children) {
    if (key == "__metadata__") {
      if (++metadata > 1 || !read_metadata(value)) return false;
      continue;
    }
    Info info;
    if (!read_info(value, info)) return false;
    by_name[key] = info;
  }
  for (const auto& [name, info] : by_name) infos.push_back(info);
  return true;
}

}  // namespace

std::optional<SafetensorsFault> slow_safetensors_verdict(std::string_view bytes,
                                                         uint64_t file_bytes) {
  using Wide = unsigned __int128;
  constexpr Wide kMost64 = UINT64_MAX;
  if (file_bytes < 8) return SafetensorsFault::HeaderTooSmall;
  Wide length = 0;
  for (int i = 0; i < 8; ++i)
    length += static_cast<Wide>(static_cast<unsigned char>(bytes[static_cast<size_t>(i)]))
              << (8 * i);
  if (length > 100'000'000) return SafetensorsFault::HeaderTooLarge;
  if (8 + length > file_bytes) return SafetensorsFault::HeaderLength;
  const std::string_view json = bytes.substr(8, static_cast<size_t>(length));
  if (!valid_utf8(json)) return SafetensorsFault::HeaderUtf8;
  std::vector<Info> infos;
  if (!read_header(json, infos)) return SafetensorsFault::HeaderJson;
  std::stable_sort(infos.begin(), infos.end(), [](const Info& a, const Info& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (const Info& info : infos) {
    if (info.begin != at || info.end < info.begin) return SafetensorsFault::Offset;
    at = info.end;
    Wide elements = 1;
    for (uint64_t dim : info.shape)
      if ((elements *= dim) > kMost64) return SafetensorsFault::Overflow;
    if ((elements *= info.bits) > kMost64) return SafetensorsFault::Overflow;
    if (elements % 8 != 0) return SafetensorsFault::Misaligned;
    if (elements / 8 != info.end - info.begin) return SafetensorsFault::TensorSize;
  }
  if (static_cast<Wide>(at) + 8 + length != file_bytes) return SafetensorsFault::NotCovered;
  return std::nullopt;
}

}  // namespace rankdx
