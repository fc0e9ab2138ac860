// The only file of this room that includes yaml-cpp.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "events/kubernetes/parse.h"

namespace rankdx::kubernetes {
namespace {

/// Aliases are left out: nothing that kubectl prints has one, and they could make much of little.
class Handler : public YAML::EventHandler {
 public:
  explicit Handler(TreeBuilder& tree) : tree_(tree) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    stands_still_ = mark.pos <= begun_at_;
    begun_at_ = mark.pos;
  }
  /// yaml-cpp 0.7 gives the same place again and again as a new document, behind a stray bracket.
  bool stands_still() const { return stands_still_; }

  void OnDocumentEnd() override {
    tree_.finish();
    levels_.clear();
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { take("", mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { take("", mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    take(value, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    value_begins();
    tree_.begin_sequence(line(mark));
    levels_.push_back(State::Item);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    value_begins();
    tree_.begin(line(mark));
    levels_.push_back(State::Key);
  }
  void OnMapEnd() override { close(); }

 private:
  enum class State : uint8_t { Key, Value, Item };

  static uint64_t line(const YAML::Mark& mark) { return static_cast<uint64_t>(mark.line) + 1; }
  /// A map or sequence that stands for a key has no name.
  void value_begins() {
    if (levels_.empty()) return;
    if (levels_.back() == State::Key) tree_.key("");
    if (levels_.back() != State::Item)
      levels_.back() = levels_.back() == State::Key ? State::Value : State::Key;
  }
  void take(const std::string& value, const YAML::Mark& mark) {
    if (!levels_.empty() && levels_.back() == State::Key) {
      tree_.key(value);
      levels_.back() = State::Value;
      return;
    }
    tree_.scalar(value, line(mark));
    if (!levels_.empty() && levels_.back() == State::Value) levels_.back() = State::Key;
  }
  void close() {
    tree_.end();
    if (!levels_.empty()) levels_.pop_back();
  }

  TreeBuilder& tree_;
  std::vector<State> levels_;
  int begun_at_ = -1;
  bool stands_still_ = false;
};

}  // namespace

void parse_yaml(std::string_view document, TreeBuilder& tree) {
  std::istringstream stream{std::string(document)};
  Handler handler(tree);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler) && !handler.stands_still()) continue;
  } catch (const YAML::Exception&) {
    // Cut or broken: what was read so far counts.
  }
  tree.finish();
}

}  // namespace rankdx::kubernetes
