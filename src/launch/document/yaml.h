// YAML as a tree that knows the place of every node, for text that may be hostile: sizes, depth and
// what aliases would unfold to are limited, duplicate keys are reported. A YamlStream owns its
// nodes and borrows the SourceText; YamlNode is a handle into it. Read-only after parsing: any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launch/document/text.h"

namespace rankdx::lint {

struct YamlLimits {
  size_t nodes = 4'000'000;  ///< of all documents together
  int depth = 100;
  uint64_t unfolded = 1'000'000;  ///< nodes of one document with every alias written out
};

struct YamlProblem {
  enum class Kind : uint8_t { Syntax, Tab, DuplicateKey, AliasBomb, TooDeep, TooBig, Template };
  Kind kind = Kind::Syntax;
  Span span;
  std::string text;  ///< what is wrong, for a person; may hold text of the input
};

class YamlStream;

/// A node, or nothing: every question to nothing answers with nothing.
class YamlNode {
 public:
  YamlNode() = default;
  YamlNode(const YamlStream* stream, uint32_t index) : stream_(stream), index_(index) {}

  explicit operator bool() const { return stream_ != nullptr; }
  /// The file; nullptr of nothing.
  const SourceText* source() const;
  bool is_map() const;
  bool is_sequence() const;
  bool is_scalar() const;  ///< null is none
  bool is_null() const;
  bool flow() const;    ///< written with brackets
  bool quoted() const;  ///< a scalar that is text even where it looks like a number
  /// Of a scalar; "" otherwise.
  std::string_view text() const;
  /// Where it begins; of a scalar also where it ends.
  Span span() const;
  /// The text of a scalar with the place of each byte.
  MappedText mapped() const;
  size_t size() const;

  /// Member of a map; merge keys ("<<") are looked through.
  YamlNode operator[](std::string_view key) const;
  /// "spec.template.spec"
  YamlNode at(std::string_view path) const;
  /// The node of the key, for its place.
  YamlNode key(std::string_view key) const;
  std::vector<YamlNode> items() const;
  std::vector<std::pair<YamlNode, YamlNode>> members() const;

  std::optional<int64_t> number() const;
  /// true, yes, on; nothing for other words.
  std::optional<bool> truth() const;

 private:
  const YamlStream* stream_ = nullptr;
  uint32_t index_ = 0;
};

class YamlStream {
 public:
  YamlStream(const SourceText& source, const YamlLimits& limits = {});

  std::vector<YamlNode> documents() const;
  const std::vector<YamlProblem>& problems() const { return problems_; }
  const SourceText& source() const { return *source_; }

 private:
  friend class YamlNode;
  friend class YamlBuilder;
  enum class Kind : uint8_t { Null, Scalar, Sequence, Map, Alias };
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    Kind kind = Kind::Null;
    bool flow = false, quoted = false;
    uint32_t begin = 0;
    uint32_t first = kNone, next = kNone;  ///< children of a map: key, value, key, value
    uint32_t target = kNone;               ///< of an alias
    std::string text;
  };

  void parse_document(Span part, const YamlLimits& limits);
  uint32_t resolved(uint32_t index) const;

  const SourceText* source_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> roots_;
  std::vector<YamlProblem> problems_;
};

}  // namespace rankdx::lint
