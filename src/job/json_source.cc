#include "job/json_source.h"

#include <algorithm>
#include <string>

#include "events/json_lines.h"

namespace rankdx {
namespace {

class JsonLogSource : public ByteSource {
 public:
  explicit JsonLogSource(ByteSource& objects) : objects_(objects) {}

  Result<size_t> read(char* buffer, size_t size) override {
    while (given_ == out_.size()) {
      out_.clear();
      given_ = 0;
      auto more = next_line();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return size_t{0};
    }
    const size_t n = out_.copy(buffer, size, given_);
    given_ += n;
    return n;
  }

 private:
  static constexpr size_t kBlock = 64 << 10;
  static constexpr size_t kLongest = 4 << 20;  ///< a longer line passes as it is

  /// False at the end.
  Result<bool> next_line() {
    size_t end;
    while ((end = in_.find('\n', searched_)) == std::string::npos) {
      searched_ = in_.size();
      if (in_.size() - begin_ > kLongest || ended_) break;
      in_.erase(0, begin_);
      searched_ -= begin_;
      begin_ = 0;
      in_.resize(searched_ + kBlock);
      const auto got = objects_.read(&in_[searched_], kBlock);
      in_.resize(searched_ + got.value_or(0));
      if (!got) return tl::unexpected(got.error());
      ended_ = *got == 0;
    }
    if (begin_ == in_.size()) return false;
    const bool whole = end != std::string::npos;
    put(std::string_view(in_).substr(begin_, (whole ? end : in_.size()) - begin_), whole);
    begin_ = searched_ = whole ? end + 1 : in_.size();
    return true;
  }

  void put(std::string_view line, bool whole) {
    const auto read = line.size() > kLongest ? std::nullopt : read_json_line(line);
    if (!read) {
      if (continued_) out_ = '\n';
      out_ += line;
    } else {
      if (!continued_) out_ = read->prefix;
      for (const char c : read->text) {
        out_ += c;
        if (c == '\n') out_ += read->prefix;
      }
    }
    continued_ = read && read->continues;
    if (whole && !continued_) out_ += '\n';
  }

  ByteSource& objects_;
  std::string in_, out_;
  size_t begin_ = 0, searched_ = 0, given_ = 0;
  bool ended_ = false, continued_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> json_log_source(ByteSource& objects) {
  return std::make_unique<JsonLogSource>(objects);
}

}  // namespace rankdx
