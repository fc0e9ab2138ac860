// The only file of this room that includes nlohmann's parser.
#include <iterator>
#include <nlohmann/json.hpp>

#include "events/kubernetes/parse.h"

namespace rankdx::kubernetes {
namespace {

/// Where the parser stands; its iterators share it, so that the line is known in its callbacks.
struct Cursor {
  const char* at;
  const char* end;
  uint64_t line = 1;
};

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit CountingIterator(Cursor* cursor) : cursor_(cursor) {}
  reference operator*() const { return *cursor_->at; }
  CountingIterator& operator++() {
    cursor_->line += *cursor_->at == '\n';
    ++cursor_->at;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  /// Only the end is ever compared with.
  bool operator==(const CountingIterator& other) const { return at_end() == other.at_end(); }
  bool operator!=(const CountingIterator& other) const { return !(*this == other); }

 private:
  bool at_end() const { return cursor_ == nullptr || cursor_->at == cursor_->end; }
  Cursor* cursor_;
};

class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  Handler(TreeBuilder& tree, const Cursor& cursor) : tree_(tree), cursor_(cursor) {}
  bool null() override { return scalar(""); }
  bool boolean(bool v) override { return scalar(v ? "true" : "false"); }
  bool number_integer(number_integer_t v) override { return scalar(std::to_string(v)); }
  bool number_unsigned(number_unsigned_t v) override { return scalar(std::to_string(v)); }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text); }
  bool string(string_t& text) override { return scalar(text); }
  bool binary(binary_t&) override { return scalar(""); }
  bool start_object(std::size_t) override {
    tree_.begin(cursor_.line);
    return true;
  }
  bool start_array(std::size_t) override {
    tree_.begin_sequence(cursor_.line);
    return true;
  }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override {
    tree_.key(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool scalar(std::string_view value) {
    tree_.scalar(value, cursor_.line);
    return true;
  }
  bool end() {
    tree_.end();
    return true;
  }
  TreeBuilder& tree_;
  const Cursor& cursor_;
};

}  // namespace

void parse_json(std::string_view document, TreeBuilder& tree) {
  Cursor cursor{document.data(), document.data() + document.size()};
  Handler handler(tree, cursor);
  // `kubectl get -w` prints one document after the other.
  bool whole = true;
  while (whole && cursor.at != cursor.end) {
    whole = nlohmann::json::sax_parse(CountingIterator(&cursor), CountingIterator(nullptr),
                                      &handler, nlohmann::json::input_format_t::json, false);
    tree.finish();
  }
}

}  // namespace rankdx::kubernetes
