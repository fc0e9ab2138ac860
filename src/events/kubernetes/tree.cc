#include "events/kubernetes/tree.h"

#include <algorithm>
#include <array>

namespace rankdx::kubernetes {
namespace {

/// What an object is given or carries along: never kept. Sorted.
constexpr std::array<std::string_view, 18> kDropped = {
    "affinity",      "annotations",   "args",           "binaryData",       "command",
    "data",          "env",           "envFrom",        "imagePullSecrets", "lifecycle",
    "livenessProbe", "managedFields", "readinessProbe", "startupProbe",     "stringData",
    "volumeMounts",  "volumes",       "webhooks"};

bool is_dropped(std::string_view key) {
  return std::find(kDropped.begin(), kDropped.end(), key) != kDropped.end();
}

}  // namespace

const Node& Node::operator[](std::string_view name) const {
  static const Node none;
  const auto field =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
  return field == fields.end() ? none : field->node;
}

bool Node::is_empty() const { return value.empty() && fields.empty() && items.empty(); }

TreeBuilder::TreeBuilder(std::function<void(const Node&)> on_object)
    : on_object_(std::move(on_object)) {}

/// Inside the sequence "items" of the document itself.
bool TreeBuilder::in_items() const {
  return open_.size() == 2 && open_.back().is_sequence && open_.back().name == "items";
}

void TreeBuilder::begin(uint64_t line) {
  const bool dropped =
      skipped_ > 0 || open_.size() >= kMaxDepth || nodes_ >= kMaxNodes ||
      (!open_.empty() && !open_.back().is_sequence && is_dropped(open_.back().key));
  if (dropped) {
    ++skipped_;
    return;
  }
  ++nodes_;
  Level level;
  level.node.line = line;
  if (!open_.empty() && !open_.back().is_sequence) level.name = std::move(open_.back().key);
  open_.push_back(std::move(level));
}

void TreeBuilder::begin_sequence(uint64_t line) {
  begin(line);
  if (skipped_ == 0) open_.back().is_sequence = true;
}

void TreeBuilder::end() {
  if (skipped_ > 0) {
    --skipped_;
    return;
  }
  if (open_.empty()) return;
  Level level = std::move(open_.back());
  open_.pop_back();
  if (open_.empty()) {
    on_object_(level.node);
    nodes_ = 0;
  } else if (in_items()) {
    on_object_(level.node);
    nodes_ = 0;
  } else {
    attach(std::move(level.node), level.name);
  }
}

void TreeBuilder::attach(Node node, std::string_view name) {
  Level& parent = open_.back();
  if (parent.is_sequence)
    parent.node.items.push_back(std::move(node));
  else
    parent.node.fields.push_back({std::string(name), std::move(node)});
}

void TreeBuilder::key(std::string_view name) {
  if (skipped_ == 0 && !open_.empty()) open_.back().key = name.substr(0, 128);
}

void TreeBuilder::scalar(std::string_view value, uint64_t line) {
  if (skipped_ > 0 || open_.empty() || nodes_ >= kMaxNodes) return;
  Level& level = open_.back();
  if (!level.is_sequence && is_dropped(level.key)) return;
  ++nodes_;
  Node node;
  node.line = line;
  node.value = value.substr(0, kMaxScalar);
  const std::string name = level.key;
  attach(std::move(node), name);
}

void TreeBuilder::finish() {
  skipped_ = 0;
  while (!open_.empty()) end();
}

}  // namespace rankdx::kubernetes
