#include "launch/document/yaml.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "launch/document/scalar_map.h"

namespace rankdx::lint {
namespace {

/// Reads bytes where they are.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
};

struct Stop {
  YamlProblem problem;
};

/// Parts between "---" lines: in YAML these can stand nowhere else in the first column.
std::vector<Span> document_parts(std::string_view bytes) {
  std::vector<Span> parts;
  uint32_t begin = 0;
  auto is_marker = [&](size_t at) {
    return bytes.substr(at).starts_with("---") &&
           (at + 3 == bytes.size() || is_space(bytes[at + 3]));
  };
  for (size_t at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1)) {
    if (!is_marker(at + 1)) continue;
    parts.push_back({begin, static_cast<uint32_t>(at + 1)});
    begin = static_cast<uint32_t>(at + 1);
  }
  parts.push_back({begin, static_cast<uint32_t>(bytes.size())});
  return parts;
}

bool has_tab_indent(std::string_view line) {
  return trim(line).size() > 0 &&
         line.substr(0, line.find_first_not_of(" \t")).find('\t') != line.npos;
}

}  // namespace

/// Turns events into nodes.
class YamlBuilder : public YAML::EventHandler {
 public:
  YamlBuilder(YamlStream& stream, uint32_t base, const YamlLimits& limits)
      : s_(stream), base_(base), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // A "," outside of brackets is never taken: yaml-cpp makes empty documents of it without end.
    if (mark.pos == last_start_)
      stop(YamlProblem::Kind::Syntax, mark, "nothing can begin with this");
    last_start_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(YamlStream::Kind::Null, mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlStream::Node& node = s_.nodes_[add(YamlStream::Kind::Scalar, mark, anchor)];
    node.quoted = tag != "?" && tag != "";
    node.text = value;
    ++unfolded_;
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const uint32_t index = add(YamlStream::Kind::Alias, mark, 0);
    const auto at = anchors_.find(anchor);
    // An alias inside its own anchor would be endless.
    if (at == anchors_.end() || at->second.weight == 0) {
      stop(YamlProblem::Kind::AliasBomb, mark, "the alias stands inside its own anchor");
    }
    s_.nodes_[index].target = at->second.node;
    unfolded_ += at->second.weight;
    if (unfolded_ > limits_.unfolded) {
      stop(YamlProblem::Kind::AliasBomb, mark,
           "aliases would unfold this document to more than " + std::to_string(limits_.unfolded) +
               " values");
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(YamlStream::Kind::Sequence, mark, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(YamlStream::Kind::Map, mark, anchor, style);
  }
  void OnMapEnd() override {
    report_duplicates(stack_.back().node);
    close();
  }

 private:
  struct Anchor {
    uint32_t node = 0;
    uint64_t weight = 0;  ///< 0 while the node is open
  };
  struct Open {
    uint32_t node = 0, last = YamlStream::kNone;
    YAML::anchor_t anchor = 0;
    uint64_t unfolded_before = 0;
  };

  uint32_t offset(const YAML::Mark& mark) const {
    return std::min(base_ + static_cast<uint32_t>(std::max(mark.pos, 0)), s_.source_->size());
  }
  [[noreturn]] void stop(YamlProblem::Kind kind, const YAML::Mark& mark, std::string text) const {
    const uint32_t at = offset(mark);
    throw Stop{{kind, {at, at + 1}, std::move(text)}};
  }

  uint32_t add(YamlStream::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (s_.nodes_.size() >= limits_.nodes) {
      stop(YamlProblem::Kind::TooBig, mark,
           "more than " + std::to_string(limits_.nodes) + " values in one file");
    }
    const auto index = static_cast<uint32_t>(s_.nodes_.size());
    YamlStream::Node& node = s_.nodes_.emplace_back();
    node.kind = kind;
    node.begin = offset(mark);
    if (stack_.empty()) {
      s_.roots_.push_back(index);
    } else {
      Open& parent = stack_.back();
      uint32_t& link = parent.last == YamlStream::kNone ? s_.nodes_[parent.node].first
                                                        : s_.nodes_[parent.last].next;
      link = index;
      parent.last = index;
    }
    if (anchor != 0) anchors_[anchor] = {index, 1};
    return index;
  }

  void open(YamlStream::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (static_cast<int>(stack_.size()) >= limits_.depth) {
      stop(YamlProblem::Kind::TooDeep, mark,
           "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    const uint32_t index = add(kind, mark, anchor);
    s_.nodes_[index].flow = style == YAML::EmitterStyle::Flow;
    if (anchor != 0) anchors_[anchor].weight = 0;
    stack_.push_back({index, YamlStream::kNone, anchor, unfolded_++});
  }

  void close() {
    const Open& top = stack_.back();
    if (top.anchor != 0) anchors_[top.anchor].weight = unfolded_ - top.unfolded_before;
    stack_.pop_back();
  }

  void report_duplicates(uint32_t map) {
    keys_.clear();
    for (uint32_t key = s_.nodes_[map].first; key != YamlStream::kNone;) {
      const YamlStream::Node& node = s_.nodes_[key];
      if (node.kind == YamlStream::Kind::Scalar && node.text != "<<" &&
          !keys_.insert(node.text).second) {
        const auto length = static_cast<uint32_t>(node.text.size());
        s_.problems_.push_back(
            {YamlProblem::Kind::DuplicateKey, {node.begin, node.begin + length}, node.text});
      }
      const uint32_t value = node.next;
      key = value == YamlStream::kNone ? value : s_.nodes_[value].next;
    }
  }

  YamlStream& s_;
  const uint32_t base_;
  const YamlLimits& limits_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Anchor> anchors_;
  std::unordered_set<std::string_view> keys_;
  uint64_t unfolded_ = 0;
  int last_start_ = -1;  ///< of the document before
};

YamlStream::YamlStream(const SourceText& source, const YamlLimits& limits) : source_(&source) {
  for (const Span part : document_parts(source.bytes())) {
    parse_document(part, limits);
    if (!problems_.empty() && problems_.back().kind == YamlProblem::Kind::TooBig) return;
  }
}

void YamlStream::parse_document(Span part, const YamlLimits& limits) {
  const std::string_view bytes = source_->part(part);
  ViewBuffer buffer(bytes);
  std::istream in(&buffer);
  const size_t nodes = nodes_.size(), roots = roots_.size();
  auto give_up = [&](YamlProblem problem) {
    // What a problem names must stay whole: a document is either read or left out.
    nodes_.resize(nodes);
    roots_.resize(roots);
    problems_.push_back(std::move(problem));
  };
  try {
    YAML::Parser parser(in);
    YamlBuilder builder(*this, part.begin, limits);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    give_up(stop.problem);
  } catch (const YAML::DeepRecursion& e) {
    const uint32_t at = part.begin + static_cast<uint32_t>(std::max(e.mark.pos, 0));
    give_up({YamlProblem::Kind::TooDeep, {at, at + 1}, "nested too deeply to be read"});
  } catch (const YAML::Exception& e) {
    const uint32_t at =
        std::min(part.begin + static_cast<uint32_t>(std::max(e.mark.pos, 0)), part.end);
    YamlProblem problem{YamlProblem::Kind::Syntax, {at, at + 1}, e.msg};
    const Position where = source_->position(at);
    for (uint32_t line : {where.line, where.line - 1}) {
      const std::string_view text = source_->line(line);
      if (text.find("{{") != text.npos) problem.kind = YamlProblem::Kind::Template;
      if (has_tab_indent(text)) problem.kind = YamlProblem::Kind::Tab;
    }
    give_up(std::move(problem));
  } catch (const std::exception&) {
    give_up({YamlProblem::Kind::Syntax, part, "this cannot be read as YAML"});
  }
}

std::vector<YamlNode> YamlStream::documents() const {
  std::vector<YamlNode> out;
  for (uint32_t root : roots_) out.emplace_back(this, root);
  return out;
}

uint32_t YamlStream::resolved(uint32_t index) const {
  while (nodes_[index].kind == Kind::Alias) index = nodes_[index].target;
  return index;
}

#define NODE (stream_->nodes_[stream_->resolved(index_)])

const SourceText* YamlNode::source() const { return stream_ ? stream_->source_ : nullptr; }
bool YamlNode::is_map() const { return stream_ && NODE.kind == YamlStream::Kind::Map; }
bool YamlNode::is_sequence() const { return stream_ && NODE.kind == YamlStream::Kind::Sequence; }
bool YamlNode::is_scalar() const { return stream_ && NODE.kind == YamlStream::Kind::Scalar; }
bool YamlNode::is_null() const { return stream_ && NODE.kind == YamlStream::Kind::Null; }
bool YamlNode::flow() const { return stream_ && NODE.flow; }
bool YamlNode::quoted() const { return stream_ && NODE.quoted; }

std::string_view YamlNode::text() const {
  return is_scalar() ? std::string_view(NODE.text) : std::string_view{};
}

Span YamlNode::span() const {
  if (!stream_) return {};
  const YamlStream::Node& node = NODE;
  if (node.kind != YamlStream::Kind::Scalar) return {node.begin, node.begin + 1};
  return scalar_span(stream_->source().bytes(), node.begin, node.text);
}

MappedText YamlNode::mapped() const {
  if (!is_scalar()) return {};
  return scalar_map(stream_->source().bytes(), NODE.begin, NODE.text);
}

size_t YamlNode::size() const { return is_map() ? members().size() : items().size(); }

std::vector<YamlNode> YamlNode::items() const {
  std::vector<YamlNode> out;
  if (!is_sequence()) return out;
  for (uint32_t i = NODE.first; i != YamlStream::kNone; i = stream_->nodes_[i].next) {
    out.emplace_back(stream_, i);
  }
  return out;
}

std::vector<std::pair<YamlNode, YamlNode>> YamlNode::members() const {
  std::vector<std::pair<YamlNode, YamlNode>> out;
  if (!is_map()) return out;
  for (uint32_t key = NODE.first; key != YamlStream::kNone;) {
    const uint32_t value = stream_->nodes_[key].next;
    if (value == YamlStream::kNone) break;
    out.emplace_back(YamlNode(stream_, key), YamlNode(stream_, value));
    key = stream_->nodes_[value].next;
  }
  return out;
}

YamlNode YamlNode::key(std::string_view name) const {
  for (const auto& [key, value] : members()) {
    if (key.text() == name) return key;
  }
  return {};
}

YamlNode YamlNode::operator[](std::string_view name) const {
  if (!is_map()) return {};
  YamlNode merged;
  for (uint32_t key = NODE.first; key != YamlStream::kNone;) {
    const YamlStream::Node& node = stream_->nodes_[key];
    if (node.next == YamlStream::kNone) break;
    const YamlNode value(stream_, node.next);
    if (node.kind == YamlStream::Kind::Scalar && node.text == name) return value;
    if (node.text == "<<" && !merged) {
      merged = value[name];
      for (const YamlNode& one : value.items()) {
        if (!merged) merged = one[name];
      }
    }
    key = stream_->nodes_[node.next].next;
  }
  return merged;
}

YamlNode YamlNode::at(std::string_view path) const {
  YamlNode node = *this;
  while (!path.empty() && node) {
    std::string_view rest;
    node = node[take_until(path, '.', rest)];
    path = rest;
  }
  return node;
}

std::optional<int64_t> YamlNode::number() const { return parse_int<int64_t>(text()); }

std::optional<bool> YamlNode::truth() const {
  const std::string word = lower(text());
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

#undef NODE

}  // namespace rankdx::lint
