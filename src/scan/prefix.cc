#include "scan/prefix.h"

#include <array>

#include "base/text.h"
#include "scan/timestamp.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr string_view kNccl = "NCCL ";
constexpr size_t kMaxHost = 253;  // a DNS name

struct LevelWord {
  string_view word;
  Level level;
};
constexpr LevelWord kLevels[] = {{"INFO", Level::Info},
                                 {"WARN", Level::Warn},
                                 {"CALL", Level::Call},
                                 {"TRACE", Level::Trace},
                                 {"ABORT", Level::Abort}};

/// Words of a head, last one first. Exactly one blank stands between them.
class Backwards {
 public:
  explicit Backwards(string_view head) : head_(head) { drop_word(); }
  string_view word() const { return word_; }
  size_t begin() const { return word_.data() ? word_.data() - head_.data() : 0; }
  /// The word before this one becomes the current one; "" at the start.
  void drop_word() {
    const size_t end = word_.data() ? begin() : head_.size();
    if (end == 0 || head_[end - 1] != ' ') {
      word_ = head_.substr(0, 0);
      return;
    }
    size_t from = end - 1;
    while (from && !is_space(head_[from - 1])) --from;
    word_ = head_.substr(from, end - 1 - from);
  }

 private:
  string_view head_, word_;
};

bool all_digits(string_view text) {
  for (char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

std::optional<int> id(string_view digits) {
  return all_digits(digits) ? parse_int<int>(digits) : std::nullopt;
}

/// "text:12": what stands before the last colon if a number stands behind it.
std::optional<string_view> before_number(string_view word) {
  const size_t colon = word.rfind(':');
  if (colon == string_view::npos || colon == 0 || !all_digits(word.substr(colon + 1)))
    return std::nullopt;
  return word.substr(0, colon);
}

bool is_milliseconds(string_view word) {
  const size_t dot = word.find('.');
  return dot != string_view::npos && all_digits(word.substr(0, dot)) &&
         all_digits(word.substr(dot + 1));
}

bool is_device(string_view word) {
  if (word.size() < 3 || word.front() != '[' || word.back() != ']') return false;
  return all_digits(word.substr(word[1] == '-' ? 2 : 1, word.size() - (word[1] == '-' ? 3 : 2)));
}

/// "(func)", "file:line", milliseconds and "[device]", as far as they are there.
void read_fields(Backwards& words, Prefix& out) {
  Backwards tried = words;
  if (tried.word().size() >= 2 && tried.word().front() == '(' && tried.word().back() == ')') {
    out.func = tried.word().substr(1, tried.word().size() - 2);
    tried.drop_word();
  }
  const auto file = before_number(tried.word());
  if (file && file->find(':') == string_view::npos) {
    out.file = *file;
    tried.drop_word();
    words = tried;
  } else {
    out.func = {};
  }
  if (is_milliseconds(words.word())) words.drop_word();
  if (is_device(words.word())) {
    const string_view word = words.word();
    out.cuda_dev = parse_int<int>(word.substr(1, word.size() - 2)).value_or(-1);
    words.drop_word();
  }
}

/// "2026-03-19 10:11:12 [0] NCCL INFO": a prefix whose ids are lost, not a host named 10.
bool is_time(string_view text, size_t word) {
  constexpr size_t kDate = 11;
  return parse_stamp(text.substr(word)) ||
         (word >= kDate && parse_stamp(text.substr(word - kDate)));
}

bool read_ids(string_view word, Prefix& out) {
  const auto host_pid = before_number(word);
  const auto host = host_pid ? before_number(*host_pid) : std::nullopt;
  if (!host) return false;
  const auto tid = id(word.substr(host_pid->size() + 1));
  const auto pid = id(host_pid->substr(host->size() + 1));
  const string_view name = host->substr(host->rfind(':') + 1);
  if (!tid || !pid || name.empty() || name.size() > kMaxHost) return false;
  out.host = name;
  out.pid = *pid;
  out.tid = *tid;
  return true;
}

}  // namespace

Level level_at(string_view text, size_t nccl) {
  const string_view rest = text.substr(nccl + kNccl.size());
  if (rest.starts_with("INFO ")) return Level::Info;
  for (const LevelWord& l : kLevels) {
    if (rest.starts_with(l.word) && (rest.size() == l.word.size() || rest[l.word.size()] == ' '))
      return l.level;
  }
  return Level::None;
}

size_t message_at(string_view text, size_t nccl, Level level) {
  const size_t word = level == Level::Trace || level == Level::Abort ? 5 : 4;
  return std::min(nccl + kNccl.size() + word + 1, text.size());
}

std::optional<Prefix> parse_prefix(string_view text, size_t nccl) {
  Prefix prefix;
  prefix.level = level_at(text, nccl);
  if (prefix.level == Level::None) return std::nullopt;
  Backwards words(text.substr(0, nccl));
  read_fields(words, prefix);
  if (is_time(text, words.begin()) || !read_ids(words.word(), prefix)) return std::nullopt;
  prefix.nccl = nccl;
  prefix.begin = prefix.host.data() - text.data();
  prefix.text = message_at(text, nccl, prefix.level);
  return prefix;
}

std::optional<Prefix> find_prefix(string_view text, size_t nccl) {
  for (; nccl < text.size(); nccl = text.find(kNccl, nccl + kNccl.size())) {
    if (auto prefix = parse_prefix(text, nccl)) return prefix;
  }
  return std::nullopt;
}

std::optional<Prefix> parse_cut_prefix(string_view text) {
  const size_t nccl = text.find(kNccl);
  if (nccl == string_view::npos) return std::nullopt;
  Prefix prefix;
  prefix.level = level_at(text, nccl);
  if (prefix.level == Level::None) return std::nullopt;
  Backwards words(text.substr(0, nccl));
  read_fields(words, prefix);
  const bool device = text.substr(0, nccl).find("] ") != string_view::npos;
  const string_view left = trim(text.substr(0, words.begin() + words.word().size()));
  const bool ids_lost = device && left == words.word() && left.find(':') != string_view::npos;
  if (!left.empty() && !ids_lost) return std::nullopt;
  prefix.text = message_at(text, nccl, prefix.level);
  return prefix;
}

bool is_banner(string_view text) {
  constexpr string_view start = "NCCL version ";
  return text.size() > start.size() && text.starts_with(start) && is_digit(text[start.size()]);
}

}  // namespace rankdx
