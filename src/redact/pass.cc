#include "redact/pass.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "redact/letters.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

constexpr size_t kMostName = 64;

constexpr bool is_quote(char c) { return c == '"' || c == '\'' || c == '`' || c == '\\'; }
constexpr auto kOfNames = [] {
  std::array<bool, 256> of_names{};
  for (int c = 0; c < 128; ++c)
    of_names[size_t(c)] = is_alnum(static_cast<char>(c)) || c == '_' || c == '-' || c == '.';
  return of_names;
}();
constexpr bool is_of_name(char c) { return kOfNames[static_cast<unsigned char>(c)]; }
constexpr bool ends_word(char c) {
  return is_space(c) || is_quote(c) ||
         std::string_view(",;&)}]<>|").find(c) != std::string_view::npos;
}

size_t blanks(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

/// "me:secret", but not "host:8000".
bool holds_password(std::string_view authority) {
  const size_t colon = authority.find(':');
  if (colon == authority.npos) return false;
  const std::string_view behind = authority.substr(colon + 1);
  return behind.empty() || !std::all_of(behind.begin(), behind.end(), is_digit);
}

/// Whether a "&" ends a value: before the next setting of a query, or as an operator of a shell.
bool ends_query_value(std::string_view rest) {
  size_t n = 1;
  while (n < rest.size() && is_of_name(rest[n])) ++n;
  if (n == 1) return rest.size() == 1 || rest[1] == '&';
  return n < rest.size() && rest[n] == '=';
}

/// The same letters but for their case.
bool begins_with(std::string_view text, std::string_view lower_case) {
  if (text.size() < lower_case.size()) return false;
  for (size_t i = 0; i < lower_case.size(); ++i) {
    if (to_lower(text[i]) != lower_case[i]) return false;
  }
  return true;
}

}  // namespace

void RedactionPass::look(size_t at, uint8_t kinds) {
  // A name is judged as a whole, wherever in it the hit lies; all else begins here or not at all.
  if (kinds & kName && at >= name_seen_ && setting(at)) return;
  if (at < done_) return;
  if (kinds & kToken && token(at)) return;
  if (kinds & kPath && path(at)) return;
  if (kinds & kUserInfo && user_info(at)) return;
  if (kinds & kOther && (key_block(at) || named_value(at) || command_flag(at))) return;
  if (kinds & kHost && host(at)) return;
  if (kinds & kPlace && place(at)) return;
  if (kinds & kAddress) address(at);
}

void RedactionPass::finish() {
  out_ += line_.substr(done_);
  r_.value_follows_ = secret_named_;
}

void RedactionPass::hide(size_t begin, size_t end, std::string_view instead, uint64_t& count) {
  out_ += line_.substr(done_, begin - done_);
  out_ += instead;
  done_ = end;
  ++count;
}

bool RedactionPass::starts_word(size_t at) const { return at == 0 || !is_alnum(line_[at - 1]); }

bool RedactionPass::token(size_t at) {
  if (!starts_word(at)) return false;
  const size_t n = token_length(rest(at));
  if (n == 0) return false;
  size_t begin = at;
  if (rest(at).starts_with("atlasv1.") && at > 0 && line_[at - 1] == '.') {  // "id.atlasv1.…"
    --begin;
    while (begin > done_ && is_alnum(line_[begin - 1])) --begin;
  }
  hide(begin, at + n, kGone, r_.counts_.secrets);
  return true;
}

bool RedactionPass::path(size_t at) {
  const SecretPath found = secret_path(rest(at));
  if (found.length > 0) hide(at + found.stays, at + found.length, kGone, r_.counts_.secrets);
  return found.length > 0;
}

bool RedactionPass::user_info(size_t at) {
  if (!rest(at).starts_with("://")) return false;
  const size_t begin = at + 3;
  size_t end = begin;
  while (end < line_.size() && !is_space(line_[end]) &&
         std::string_view("/\"'<>").find(line_[end]) == std::string_view::npos) {
    // A query or fragment begins, unless a password does that has such a sign: "me:a#b@host".
    const bool sign = line_[end] == '?' || line_[end] == '#';
    if (sign && !holds_password(line_.substr(begin, end - begin))) break;
    ++end;
  }
  // A password may hold '@' itself, and '/' where it was not escaped; the last sign before the host
  // counts.
  const size_t sign = line_.substr(begin, end - begin).rfind('@');
  if (sign == std::string_view::npos || sign == 0) return false;
  hide(begin, begin + sign, kGone, r_.counts_.secrets);
  return true;
}

bool RedactionPass::key_block(size_t at) {
  constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
  if (at < 5 || !line_.substr(at - 5).starts_with(kBegin)) return false;
  const size_t begin = at - 5;
  const size_t title_end = line_.find(kDashes, at);
  const std::string_view title =
      line_.substr(at, title_end == line_.npos ? line_.npos : title_end - at);
  if (begin < done_ || title.find("PRIVATE KEY") == title.npos || title.size() > 80) return false;
  // In JSON and in shell variables the whole block stands in one line.
  size_t end = line_.find(kEnd, at);
  if (end != line_.npos) {
    const size_t dashes = line_.find(kDashes, end + kEnd.size());
    end = dashes == line_.npos ? line_.size() : dashes + kDashes.size();
  } else {
    end = line_.size();
    r_.key_lines_ = 1;
    r_.odd_key_lines_ = 0;
  }
  hide(begin, end, kGone, r_.counts_.secrets);
  return true;
}

RedactionPass::Name RedactionPass::name_around(size_t at) const {
  Name name{at, at};
  const size_t least = std::max(done_, at > kMostName ? at - kMostName : 0);
  while (name.begin > least && is_of_name(line_[name.begin - 1])) --name.begin;
  while (name.end < line_.size() && name.end - at < kMostName && is_of_name(line_[name.end]))
    ++name.end;
  return name;
}

size_t RedactionPass::past_quotes(size_t at) const {
  while (at < line_.size() && is_quote(line_[at])) ++at;
  return at;
}

/// Where the value of a name begins: behind '=' or ':', behind a flag's blank, or in the next word
/// of a list of arguments. npos when the name has no value.
size_t RedactionPass::value_behind(const Name& name) const {
  const bool flag = line_.substr(name.begin, 2) == "--";
  const size_t quotes = past_quotes(name.end);
  const size_t at = blanks(line_, quotes);
  if (at >= line_.size()) return line_.npos;
  if (line_[at] == '>' && name.begin > 0 && line_[name.begin - 1] == '<') return at + 1;  // XML
  if (line_[at] == '=' || line_[at] == ':') {
    // "==" of a requirement and "::" of C++ assign nothing.
    if (at + 1 < line_.size() && line_[at + 1] == line_[at]) return line_.npos;
    const size_t arrow = line_[at] == '=' && at + 1 < line_.size() && line_[at + 1] == '>' ? 1 : 0;
    return blanks(line_, at + 1 + arrow);
  }
  if (flag && quotes > name.end && line_[at] == ',') return blanks(line_, at + 1);
  if (flag && at > quotes && line_[at] != '-') return at;
  const std::string_view word = line_.substr(name.begin, name.end - name.begin);
  if (begins_with(word, "bearer") && word.size() == 6 && at > quotes) return at;
  return begins_with(word, "password") && at > quotes && is_of_netrc(name, at) ? at : line_.npos;
}

/// "machine x login me password y", or a line of the two words: "  password y".
bool RedactionPass::is_of_netrc(const Name& name, size_t value) const {
  const std::string_view before = trim(line_.substr(0, name.begin));
  if (before.find("login ") != before.npos || before.starts_with("machine ")) return true;
  return before.empty() && trim(line_.substr(end_of_value(value, Until::Word))).empty();
}

bool RedactionPass::setting(size_t at) {
  if (at < done_) return false;
  Name name = name_around(at);
  name_seen_ = name.end;
  // "api key: …" of prose.
  if (begins_with(line_.substr(name.begin, name.end - name.begin), "key") && name.begin > done_ &&
      line_[name.begin - 1] == ' ') {
    --name.begin;
    while (name.begin > done_ && is_alnum(line_[name.begin - 1])) --name.begin;
  }
  const std::string_view word = line_.substr(name.begin, name.end - name.begin);
  const bool secret = names_a_secret(word);
  const bool user = !secret && r_.hide_ == Hide::NamesToo && names_a_user(word);
  if (!secret && !user) return false;
  const size_t value = value_behind(name);
  if (value == line_.npos || value >= line_.size()) return false;
  if (secret) return hide_value(value, word);
  const size_t begin = past_quotes(value);
  size_t end = begin;
  while (end < line_.size() && is_of_name(line_[end])) ++end;
  const std::string_view person = line_.substr(begin, end - begin);
  if (person.empty() || person == "root" || says_nothing(person)) return false;
  hide(begin, end, r_.name_for("user-", person, r_.users_), r_.counts_.users);
  return true;
}

/// Everything up to the end of a value: of its quotes or brackets, of its word, or of the line for
/// headers that hold several.
bool RedactionPass::hide_value(size_t at, std::string_view name) {
  if (line_[at] == '[' || line_[at] == '(' || line_[at] == '{') {
    const size_t end = end_of_value(at, Until::Bracket);
    if (says_nothing(line_.substr(at, end - at)) || end <= at + 2) return false;
    hide(at + 1,
         end - (end < line_.size() || line_[end - 1] == ']' || line_[end - 1] == ')' ? 1 : 0),
         kGone, r_.counts_.secrets);
    return true;
  }
  const bool quoted = is_quote(line_[at]);
  size_t begin = past_quotes(at);
  for (std::string_view scheme : {"bearer ", "basic ", "token ", "digest "}) {
    if (begins_with(rest(begin), scheme)) begin = blanks(line_, begin + scheme.size());
  }
  const bool header = begins_with(name, "authorization") ||
                      begins_with(name, "proxy-authorization") || begins_with(name, "cookie") ||
                      begins_with(name, "set-cookie");
  const size_t end = header && !quoted ? end_of_header(name, begin)
                                       : end_of_value(begin, quoted ? Until::Quote : Until::Word);
  const std::string_view value = line_.substr(begin, end - begin);
  if (says_nothing(value) || rest(begin).starts_with("<set to the key")) return false;
  hide(begin, end, kGone, r_.counts_.secrets);
  return true;
}

/// A header goes on to the end of its line, or of the quotes in which it stands as a whole.
size_t RedactionPass::end_of_header(std::string_view name, size_t at) const {
  const char before = name.data() == line_.data() ? ' ' : name.data()[-1];
  if (!is_quote(before)) return line_.size();
  const size_t end = line_.find(before, at);
  return end == line_.npos ? line_.size() : end;
}

size_t RedactionPass::end_of_value(size_t at, Until until) const {
  size_t end = at;
  if (until == Until::Bracket) {
    int depth = 0;
    for (; end < line_.size(); ++end) {
      const char c = line_[end];
      depth += c == '[' || c == '(' || c == '{';
      depth -= c == ']' || c == ')' || c == '}';
      if (depth == 0) return end + 1;
    }
    return end;
  }
  if (until == Until::Quote) {
    // In JSON that stands in a string of JSON a quote has one backslash before it, and one inside a
    // value three.
    auto slashes_before = [&](size_t i) {
      size_t n = 0;
      while (n < i && line_[i - n - 1] == '\\') ++n;
      return n;
    };
    const char quote = line_[at - 1];
    const size_t level = slashes_before(at - 1), period = 2 * (level + 1);
    for (; end < line_.size(); ++end) {
      if (line_[end] == quote && slashes_before(end) % period == level)
        return end - std::min(level, end - at);
    }
    return end;
  }
  while (end < line_.size() &&
         (!ends_word(line_[end]) || (line_[end] == '&' && !ends_query_value(line_.substr(end)))))
    ++end;
  return end;
}

/// "name: HF_TOKEN" with "value: …" beside it or on the next line, as in a pod's environment.
bool RedactionPass::named_value(size_t at) {
  const Name name = name_around(at);
  if (name.begin != at) return false;
  const std::string_view word = line_.substr(name.begin, name.end - name.begin);
  if (word != "name" && word != "value" && word != "Name" && word != "Value") return false;
  const size_t value = value_behind(name);
  if (value == line_.npos || value >= line_.size()) return false;
  if (to_lower(word[0]) == 'v') {
    const bool secret = secret_named_ || r_.value_follows_;
    secret_named_ = false;
    return secret && hide_value(value, "value");
  }
  const size_t begin = past_quotes(value);
  size_t end = begin;
  while (end < line_.size() && is_of_name(line_[end])) ++end;
  secret_named_ = names_a_secret(line_.substr(begin, end - begin));
  return false;
}

/// curl -u NAME:PASSWORD, --user NAME:PASSWORD, docker login -p PASSWORD
bool RedactionPass::command_flag(size_t at) {
  if (at > 0 && !is_space(line_[at - 1])) return false;
  if (rest(at).starts_with("-p ") && line_.substr(0, at).find(" login ") != line_.npos)
    return hide_value(blanks(line_, at + 3), "password");
  size_t begin = 0;
  if (rest(at).starts_with("-u ")) begin = at + 3;
  if (rest(at).starts_with("--user ") || rest(at).starts_with("--user=")) begin = at + 7;
  if (begin == 0) return false;
  begin = past_quotes(blanks(line_, begin));
  const size_t end = end_of_value(begin, Until::Word);
  const size_t colon = line_.substr(begin, end - begin).find(':');
  if (colon == std::string_view::npos || begin + colon + 1 == end) return false;
  hide(begin, end, kGone, r_.counts_.secrets);
  return true;
}

/// The hit lies in the middle of an address: between its first two numbers that lie close together.
bool RedactionPass::address(size_t at) {
  size_t begin = at;
  while (begin > done_ && at - begin < 5 && is_hex(line_[begin - 1])) --begin;
  if (begin > 0 &&
      (is_alnum(line_[begin - 1]) || line_[begin - 1] == '_' || line_[begin - 1] == '.'))
    return false;
  size_t n = ipv4_length(rest(begin));
  if (n > 0) {
    // Four numbers behind these are a version: "cudnn==9.10.2.21".
    const std::string_view before = line_.substr(0, begin);
    for (std::string_view sign :
         {"==", ">=", "<=", "~=", "version ", "Version: ", "versions ", "release "}) {
      if (before.ends_with(sign)) return false;
    }
  } else {
    n = ipv6_length(rest(begin));
  }
  if (n == 0) return false;
  const std::string_view text = line_.substr(begin, n);
  if (stays_readable(text)) {
    out_ += line_.substr(done_, begin + n - done_);
    done_ = begin + n;
  } else {
    hide(begin, begin + n, r_.addresses_.of(text), r_.counts_.addresses);
  }
  return true;
}

/// The longest known name that begins here and ends where a word, or a part of one, ends.
bool RedactionPass::host(size_t at) {
  constexpr size_t kMost = 253;
  if (!starts_word(at)) return false;
  size_t n = 0;
  while (n < kMost && at + n < line_.size() && is_of_name(line_[at + n])) ++n;
  const std::string_view word = line_.substr(at, n);
  if (n <= Redactor::HostWord::kMost) {
    Redactor::HostWord& known = r_.host_word(word);
    if (known.names != r_.hosts_.size() || word != std::string_view(known.word.data(), known.size))
      known = look_up(word, Cut::No);
    if (known.instead) hide(at, at + known.length, *known.instead, r_.counts_.hosts);
    return known.instead != nullptr;
  }
  const Cut cut = at + n < line_.size() && is_of_name(line_[at + n]) ? Cut::Yes : Cut::No;
  const Redactor::HostWord found = look_up(word, cut);
  if (found.instead) hide(at, at + found.length, *found.instead, r_.counts_.hosts);
  return found.instead != nullptr;
}

Redactor::HostWord RedactionPass::look_up(std::string_view word, Cut cut) const {
  Redactor::HostWord found;
  found.names = r_.hosts_.size();
  if (word.size() <= found.word.size()) {
    std::memcpy(found.word.data(), word.data(), word.size());
    found.size = static_cast<uint8_t>(word.size());
  }
  std::string name = lower(word);
  for (size_t end = word.size(); end >= 3; --end) {
    const bool stops = end == word.size() ? cut == Cut::No : !is_alnum(word[end]);
    if (!stops || !is_alnum(word[end - 1])) continue;
    name.resize(end);
    const auto known = r_.hosts_.find(name);
    if (known == r_.hosts_.end()) continue;
    found.length = static_cast<uint8_t>(end);
    found.instead = &known->second;
    break;
  }
  return found;
}

bool RedactionPass::place(size_t at) {
  for (std::string_view root : {"/home/", "/Users/"}) {
    if (!rest(at).starts_with(root)) continue;
    const size_t begin = at + root.size();
    size_t end = begin;
    while (end < line_.size() && is_of_name(line_[end])) ++end;
    if (end == begin) return false;
    hide(begin, end, r_.name_for("user-", line_.substr(begin, end - begin), r_.users_),
         r_.counts_.users);
    return true;
  }
  // "ip-10-0-0-12", as Amazon's machines are called.
  if (!starts_word(at) || !begins_with(rest(at), "ip-")) return false;
  size_t end = at + 3;
  int parts = 1;
  while (end < line_.size() && (is_digit(line_[end]) || (line_[end] == '-' && parts < 4)))
    parts += line_[end++] == '-';
  if (parts != 4 || !is_digit(line_[end - 1])) return false;
  hide(at, end, r_.name_for("host-", lower(line_.substr(at, end - at)), r_.hosts_),
       r_.counts_.hosts);
  return true;
}

}  // namespace rankdx
