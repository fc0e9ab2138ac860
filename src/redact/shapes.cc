#include "redact/shapes.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

/// Which letters a token goes on with.
enum class Letters { Word, UpperDigits, Url };

struct Shape { std::string_view prefix; size_t least; Letters letters; };

// Prefix and the least number of letters behind it, as the services document them. Sorted by prefix.
constexpr std::array kShapes = std::to_array<Shape>({
    {"AGE-SECRET-KEY-", 20, Letters::Word}, {"AIza", 30, Letters::Url},      {"AKIA", 16, Letters::UpperDigits},
    {"AROA", 16, Letters::UpperDigits},     {"ASIA", 16, Letters::UpperDigits}, {"SG.", 20, Letters::Url},
    {"api_org_", 20, Letters::Word},        {"dckr_pat_", 16, Letters::Url}, {"dop_v1_", 20, Letters::Word},
    {"ghp_", 20, Letters::Word},            {"gho_", 20, Letters::Word},     {"ghr_", 20, Letters::Word},
    {"ghs_", 20, Letters::Word},            {"ghu_", 20, Letters::Word},     {"github_pat_", 20, Letters::Word},
    {"glpat-", 16, Letters::Url},           {"gsk_", 20, Letters::Word},     {"hf_", 16, Letters::Word},
    {"hvs.", 20, Letters::Url},             {"lsv2_", 20, Letters::Word},    {"npm_", 20, Letters::Word},
    {"nvapi-", 20, Letters::Url},           {"pypi-", 20, Letters::Url},     {"r8_", 20, Letters::Word},
    {"sk-", 16, Letters::Url},              {"sk_live_", 10, Letters::Word}, {"sk_test_", 10, Letters::Word},
    {"tfp_", 20, Letters::Word},            {"xapp-", 16, Letters::Url},     {"xoxa-", 10, Letters::Url},
    {"xoxb-", 10, Letters::Url},            {"xoxp-", 10, Letters::Url},     {"xoxr-", 10, Letters::Url},
    {"xoxs-", 10, Letters::Url},            {"ya29.", 20, Letters::Url},
});

bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool belongs(char c, Letters letters) {
  if (letters == Letters::UpperDigits) return is_digit(c) || (c >= 'A' && c <= 'Z');
  return is_alnum(c) || c == '_' || (letters == Letters::Url && (c == '-' || c == '.'));
}

size_t run(std::string_view text, Letters letters) {
  size_t n = 0;
  while (n < text.size() && belongs(text[n], letters)) ++n;
  return n;
}

/// header.payload.signature in base64url; a header begins with {" which is eyJ.
size_t jwt_length(std::string_view text) {
  if (!text.starts_with("eyJ")) return 0;
  const size_t n = run(text, Letters::Url);
  const std::string_view token = text.substr(0, n);
  return n >= 30 && std::count(token.begin(), token.end(), '.') >= 2 ? n : 0;
}

// Words of a name that make it a secret; the rest of the table are words that take it back. All lower case, sorted.
constexpr std::array kSecretWords = std::to_array<std::string_view>(
    {"apikey", "authkey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "passphrase", "passwd", "password",
     "pat", "pwd", "secret", "secretkey", "token"});
constexpr std::array kKeyBefore = std::to_array<std::string_view>({"access", "account", "admin", "api", "auth", "client", "encryption", "license", "master", "private", "secret", "shared", "signing", "storage"});
constexpr std::array kTakenBack = std::to_array<std::string_view>({"bos", "class", "count", "eos", "id", "ids", "limit", "mask", "max", "min", "name", "num", "pad", "path", "file", "per", "sep", "special", "type", "unk", "size", "length", "stop", "image", "video", "mode"});

template <size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

size_t token_length(std::string_view text) {
  for (const Shape& s : kShapes) {
    if (text.empty() || text[0] != s.prefix[0] || !text.starts_with(s.prefix)) continue;
    const size_t n = run(text.substr(s.prefix.size()), s.letters);
    if (n >= s.least) return s.prefix.size() + n;
  }
  return jwt_length(text);
}

bool names_a_secret(std::string_view name) {
  std::string word, before;
  bool secret = false, taken_back = false;
  auto end_word = [&] {
    if (word.empty()) return;
    secret |= among(kSecretWords, word) || (word == "key" && among(kKeyBefore, before));
    taken_back |= among(kTakenBack, word);
    before = std::move(word);
    word.clear();
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool camel = upper && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if (!is_alnum(c) || camel) end_word();
    if (is_alnum(c)) word += upper ? static_cast<char>(c + 32) : c;
  }
  end_word();
  return secret && !taken_back;
}

}  // namespace rankdx
