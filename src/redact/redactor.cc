#include "redact/redactor.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "redact/shapes.h"

namespace rankdx {
namespace {

constexpr std::string_view kGone = "[redacted]";
constexpr size_t kMaxNames = 1 << 20;

bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; }
bool ends_value(char c) { return is_space(c) || c == '"' || c == '\'' || c == ',' || c == ';' || c == '&' || c == ')' || c == '}' || c == ']' || c == '<'; }

/// Addresses that say nothing about a network and much about a fault: loopback, any, link-local, docker's bridge.
bool stays(std::string_view a) {
  return a.starts_with("127.") || a.starts_with("0.") || a.starts_with("169.254.") || a.starts_with("172.17.") || a.starts_with("255.") ||
         a == "::1" || a == "::";
}

/// Length of an IPv4 address at text[0], 0 for none: four numbers up to 255 without a leading zero.
size_t ipv4_length(std::string_view text) {
  size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part && (at >= text.size() || text[at++] != '.')) return 0;
    const size_t begin = at;
    while (at < text.size() && is_digit(text[at]) && at - begin < 4) ++at;
    const auto value = parse_int<int>(text.substr(begin, at - begin));
    if (!value || *value > 255 || (at - begin > 1 && text[begin] == '0')) return 0;
  }
  const bool goes_on = at < text.size() && (is_alnum(text[at]) || text[at] == '_' || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1])));
  return goes_on ? 0 : at;
}

/// Length of an IPv6 address at text[0]; at least two colons and one digit group of it must be there.
size_t ipv6_length(std::string_view text) {
  size_t n = 0, colons = 0;
  while (n < text.size() && n < 45 && (is_digit(text[n]) || (text[n] >= 'a' && text[n] <= 'f') || (text[n] >= 'A' && text[n] <= 'F') || text[n] == ':')) colons += text[n++] == ':';
  while (n > 0 && text[n - 1] == ':' && !(n > 1 && text[n - 2] == ':')) --n, --colons;
  if (colons < 2 || n > 45 || (n < text.size() && (is_alnum(text[n]) || text[n] == '_'))) return 0;
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text.substr(0, n)).c_str(), &address) == 1 ? n : 0;
}

}  // namespace

/// One line on its way through.
struct RedactionPass {
  Redactor& r;
  std::string_view line;
  std::string out;
  size_t at = 0;

  char before() const { return at > 0 ? line[at - 1] : ' '; }
  std::string_view rest() const { return line.substr(at); }

  void hide(size_t length, std::string_view instead, uint64_t& count) {
    out += instead;
    at += length;
    ++count;
  }

  /// Everything up to the end of a value, quoted or not.
  void hide_value() {
    while (at < line.size() && (line[at] == ' ' || line[at] == '"' || line[at] == '\'' || line[at] == '\\')) out += line[at++];
    for (std::string_view scheme : {"Bearer ", "bearer ", "Basic ", "basic ", "token ", "Token "}) {
      if (rest().starts_with(scheme)) out += scheme, at += scheme.size();
    }
    size_t n = 0;
    while (at + n < line.size() && !ends_value(line[at + n])) ++n;
    if (n > 0 && rest().substr(0, n) != "None" && rest().substr(0, n) != "null" && !rest().starts_with(kGone)) hide(n, kGone, r.counts_.secrets);
  }

  /// A name at the start of a word: `--api-key VALUE`, `HF_TOKEN=VALUE`, `"password": "VALUE"`.
  bool setting() {
    size_t n = 0;
    while (at + n < line.size() && is_name(line[at + n])) ++n;
    const std::string_view name = line.substr(at, n);
    if (n < 3 || n > 64 || !names_a_secret(name)) return false;
    size_t behind = at + n;
    while (behind < line.size() && (line[behind] == '"' || line[behind] == '\'' || line[behind] == '\\')) ++behind;
    size_t blanks = behind;
    while (blanks < line.size() && line[blanks] == ' ') ++blanks;
    const bool assigned = blanks < line.size() && (line[blanks] == '=' || line[blanks] == ':');
    const bool flag = name.starts_with("--") && blanks > behind && blanks < line.size() && line[blanks] != '-';
    const bool header = name == "Bearer" || name == "bearer";
    if (!assigned && !flag && !header) return false;
    const size_t stop = assigned ? blanks + 1 : blanks;
    out += line.substr(at, stop - at);
    at = stop;
    hide_value();
    return true;
  }

  /// scheme://user:password@host
  bool user_info() {
    if (!rest().starts_with("://")) return false;
    const size_t end = line.find_first_of("/ \"'<>?#", at + 3);
    const std::string_view authority = line.substr(at + 3, end == line.npos ? end : end - at - 3);
    const size_t sign = authority.rfind('@');
    if (sign == authority.npos) return false;
    out += "://";
    at += 3;
    hide(sign, kGone, r.counts_.secrets);
    return true;
  }

  /// A home directory: /home/NAME, /Users/NAME.
  bool home() {
    for (std::string_view root : {"/home/", "/Users/"}) {
      if (!rest().starts_with(root)) continue;
      size_t n = 0;
      while (at + root.size() + n < line.size() && is_name(line[at + root.size() + n])) ++n;
      if (n == 0) return false;
      out += root;
      at += root.size();
      hide(n, r.name_for("user-", line.substr(at, n), r.users_), r.counts_.users);
      return true;
    }
    return false;
  }

  std::string address_for(std::string_view address) {
    const std::string text(address);
    if (auto known = r.addresses_.find(text); known != r.addresses_.end()) return known->second;
    const bool v6 = address.find(':') != address.npos;
    const size_t cut = v6 ? address.rfind(':') : address.rfind('.');
    const std::string subnet(address.substr(0, cut));
    const size_t number = r.subnets_.emplace(subnet, std::to_string(r.subnets_.size())).first->second.empty()
                              ? 0 : static_cast<size_t>(parse_int<int>(r.subnets_[subnet]).value_or(0));
    const std::string host(address.substr(cut + 1));
    std::string pseudonym = v6 ? "2001:db8:" + std::to_string(number % 9999) + "::" + (host.empty() ? "0" : host)
                               : "198." + std::to_string(18 + (number >> 8) % 2) + "." + std::to_string(number & 255) + "." + host;
    if (address.starts_with("fe80:")) pseudonym = "fe80::" + (host.empty() ? std::string("0") : host);
    if (r.addresses_.size() < kMaxNames) r.addresses_.emplace(text, pseudonym);
    return pseudonym;
  }

  bool address() {
    const std::string_view text = rest();
    size_t n = is_digit(text[0]) ? ipv4_length(text) : 0;
    if (n == 0) n = ipv6_length(text);
    if (n == 0) return false;
    if (stays(text.substr(0, n))) {
      out += text.substr(0, n);
      at += n;
    } else {
      hide(n, address_for(text.substr(0, n)), r.counts_.addresses);
    }
    return true;
  }

  bool host() {
    size_t n = 0;
    while (at + n < line.size() && (is_alnum(line[at + n]) || line[at + n] == '-' || line[at + n] == '.' || line[at + n] == '_')) ++n;
    std::string word = lower(line.substr(at, n));
    while (!word.empty()) {
      if (auto known = r.hosts_.find(word); known != r.hosts_.end()) {
        hide(word.size(), known->second, r.counts_.hosts);
        return true;
      }
      const size_t dot = word.rfind('.');
      if (dot == word.npos) return false;
      word.resize(dot);
    }
    return false;
  }

  void word() {
    if (const size_t n = token_length(rest())) return hide(n, kGone, r.counts_.secrets);
    if (setting()) return;
    if (r.hide_ == Hide::NamesToo && (address() || host())) return;
    while (at < line.size() && (is_alnum(line[at]) || line[at] == '_' || line[at] == '-')) out += line[at++];
  }

  std::string run() {
    out.reserve(line.size() + 16);
    while (at < line.size()) {
      const char c = line[at];
      if (c == ':' && user_info()) continue;
      if (c == '/' && r.hide_ == Hide::NamesToo && home()) continue;
      const bool begins = is_alnum(c) || (c == '-' && rest().starts_with("--")) || (c == ':' && rest().starts_with("::") && before() == ' ');
      const size_t start = at;
      if (begins) word();
      if (at == start) out += line[at++];
    }
    return std::move(out);
  }
};

void Redactor::add_host(std::string_view name) {
  constexpr size_t kLeast = 3;
  if (name.size() < kLeast || name == "localhost" || std::all_of(name.begin(), name.end(), is_digit)) return;
  name_for("host-", lower(name), hosts_);
}

std::string Redactor::name_for(std::string_view prefix, std::string_view name, std::unordered_map<std::string, std::string>& known) {
  if (known.size() >= kMaxNames) return std::string(prefix) + "other";
  return known.emplace(std::string(name), std::string(prefix) + std::to_string(known.size() + 1)).first->second;
}

std::string Redactor::redact(std::string_view line) {
  const bool begins = line.find("-----BEGIN ") != line.npos && line.find("PRIVATE KEY") != line.npos;
  if (begins || in_key_block_) {
    in_key_block_ = line.find("-----END ") == line.npos;
    ++counts_.secrets;
    return std::string(kGone);
  }
  return RedactionPass{*this, line, {}, 0}.run();
}

}  // namespace rankdx
