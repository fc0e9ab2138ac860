// A Kubernetes object while it is being read, with the line of each value. Built from the events of
// a JSON or YAML parser; values that nobody needs or may see are dropped on the way. Bounded in
// depth and size.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx::kubernetes {

struct Field;

struct Node {
  uint64_t line = 0;
  std::string value;  ///< of a scalar
  std::vector<Field> fields;
  std::vector<Node> items;

  /// The field, or an empty node.
  const Node& operator[](std::string_view name) const;
  bool is_empty() const;
};

struct Field {
  std::string name;
  Node node;
};

class TreeBuilder {
 public:
  static constexpr size_t kMaxDepth = 64, kMaxNodes = 1 << 20, kMaxScalar = 8192;

  /// Called with each object: those of a list one by one, then the rest of the document.
  explicit TreeBuilder(std::function<void(const Node&)> on_object);

  void begin(uint64_t line);  ///< of a map or a sequence
  void begin_sequence(uint64_t line);
  void end();
  void key(std::string_view name);
  void scalar(std::string_view value, uint64_t line);
  /// The document has ended, perhaps too early.
  void finish();

 private:
  struct Level {
    Node node;
    std::string name;  ///< the field of the level above
    std::string key;   ///< the field that comes next
    bool is_sequence = false;
  };
  void attach(Node node, std::string_view name);
  bool in_items() const;

  std::function<void(const Node&)> on_object_;
  std::vector<Level> open_;
  size_t skipped_ = 0;  ///< levels that are open and dropped
  size_t nodes_ = 0;
};

}  // namespace rankdx::kubernetes
