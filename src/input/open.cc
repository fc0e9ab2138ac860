// One input: what it holds, and the items in it.
#include <utility>

#include "input/archive.h"
#include "input/content.h"
#include "input/decoder.h"
#include "input/input.h"
#include "input/source.h"

namespace rankdx {
namespace {

constexpr int kMaxNesting = 6;  ///< bundles in bundles, compressed or not
constexpr size_t kMaxLeftOut =
    100;  ///< messages about one input; a bundle may hold millions of members

/// Forwards to a source that somebody else owns.
class BorrowedSource : public ByteSource {
 public:
  explicit BorrowedSource(ByteSource& source) : source_(source) {}
  Result<size_t> read(char* buffer, size_t size) override { return source_.read(buffer, size); }

 private:
  ByteSource& source_;
};

/// Remembers the error that went by, for the list of what was left out.
class WatchedSource : public ByteSource {
 public:
  WatchedSource(std::unique_ptr<ByteSource> source, std::optional<Error>& error)
      : source_(std::move(source)), error_(error) {}
  Result<size_t> read(char* buffer, size_t size) override {
    auto got = source_->read(buffer, size);
    if (!got) error_ = got.error();
    return got;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::optional<Error>& error_;
};

class Opener {
 public:
  Opener(const std::function<void(InputItem)>& use, std::vector<LeftOut>& left_out)
      : use_(use), left_out_(left_out) {}

  void open(const std::string& name, std::unique_ptr<ByteSource> bytes, int nesting) {
    Head head = read_head(*bytes, kHeadSize);
    const Content content = content_of(head.bytes);
    if (head.error && head.bytes.empty()) return leave_out(name, *head.error);
    if (content == Content::Packed)
      return open_packed(name, std::move(head), std::move(bytes), nesting);
    if (content == Content::Text || content == Content::Facts) {
      return give(name, prefixed_source(std::move(head), std::move(bytes)));
    }
    for (const auto& [refused, code, text, hint] : kRefused) {
      if (refused == content) leave_out(name, {code, text, "", hint});
    }
  }

  void leave_out(const std::string& name, Error error) {
    if (++count_ > kMaxLeftOut) return;
    error.place = name;
    left_out_.push_back({std::move(error)});
  }

  void finish(const std::string& name) {
    if (count_ <= kMaxLeftOut) return;
    left_out_.push_back(
        {{ErrorCode::Unsupported,
          std::to_string(count_ - kMaxLeftOut) + " more of its members were left out", name,
          "unpack it and name the logs"}});
  }

 private:
  struct Refused {
    Content content;
    ErrorCode code;
    const char* text;
    const char* hint;
  };
  static constexpr Refused kRefused[] = {
      {Content::Empty, ErrorCode::Empty, "is empty",
       "the process wrote nothing, or not yet: check NCCL_DEBUG=INFO and where its output goes"},
      {Content::Utf16, ErrorCode::Unsupported, "is UTF-16 text, as PowerShell's > writes it",
       "convert it: iconv -f utf-16 -t utf-8"},
      {Content::Binary, ErrorCode::Unsupported, "is binary, not a log",
       "name the log files themselves"},
  };

  void give(const std::string& name, std::unique_ptr<ByteSource> bytes) {
    std::optional<Error> error;
    use_({name, std::make_unique<WatchedSource>(std::move(bytes), error)});
    if (error) leave_out(name, *error);
  }

  void open_packed(const std::string& name, Head head, std::unique_ptr<ByteSource> bytes,
                   int nesting) {
    if (nesting == kMaxNesting) {
      return leave_out(name, {ErrorCode::Unsupported, "is a bundle too deep in other bundles", "",
                              "unpack it and name the logs"});
    }
    const std::string beginning = head.bytes;
    auto packed = prefixed_source(std::move(head), std::move(bytes));
    if (auto decoded = decoded_source(beginning, packed)) {
      return open(name, std::move(decoded), nesting + 1);
    }
    const size_t left_out_before = count_;
    bool any = false;
    const Result<void> done = unpack(*packed, [&](const std::string& member, ByteSource& content) {
      const std::string base = member.substr(member.rfind('/') + 1);
      if (base.starts_with('.') || is_no_log_name(base)) return;
      any = true;
      auto borrowed = std::make_unique<BorrowedSource>(content);
      if (member.empty()) return open(name, std::move(borrowed), nesting + 1);
      open(name + ":" + member, std::move(borrowed), nesting + 1);
    });
    if (!done) return leave_out(name, done.error());
    if (!any && count_ == left_out_before) {
      leave_out(
          name,
          {ErrorCode::Unsupported, "holds no logs", "",
           "hidden members and names such as *.json are skipped; unpack it and name the logs"});
    }
  }

  const std::function<void(InputItem)>& use_;
  std::vector<LeftOut>& left_out_;
  size_t count_ = 0;
};

}  // namespace

void open_bytes(const std::string& name, std::unique_ptr<ByteSource> bytes,
                const std::function<void(InputItem)>& use, std::vector<LeftOut>& left_out) {
  Opener opener(use, left_out);
  opener.open(name, std::move(bytes), 0);
  opener.finish(name);
}

void open_input(const InputPath& input, const std::function<void(InputItem)>& use,
                std::vector<LeftOut>& left_out) {
  if (input.path == "-") return open_bytes("<stdin>", stdin_source(), use, left_out);
  const bool named = input.found == InputPath::Found::Named;
  auto file = open_file(input.path, named ? OpenAs::Anything : OpenAs::RegularFile);
  if (!file) return left_out.push_back({file.error()});
  open_bytes(input.path, std::move(*file), use, left_out);
}

void for_each_input(const std::vector<std::string>& paths,
                    const std::function<void(InputItem)>& use, std::vector<LeftOut>& left_out) {
  for (const InputPath& input : list_inputs(paths, left_out)) open_input(input, use, left_out);
}

}  // namespace rankdx
