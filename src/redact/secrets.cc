#include "redact/secrets.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "base/text.h"
#include "redact/letters.h"

namespace rankdx {
namespace {

/// Which letters a token goes on with. Word and Long need a run of letters and digits somewhere:
/// "aio_read_queue_0" is a name of a program, "sk-worker-01" one of a host.
enum class Letters : uint8_t { Word, UpperDigits, Url, Base64, Long };

struct Shape {
  std::string_view prefix;
  size_t least;
  Letters letters;
};

// Prefix and the least number of letters behind it, from the services' own documentation. Sorted by
// prefix. One may begin another (sk- and sk_live_): the longest hit counts.
constexpr std::array kShapes = std::to_array<Shape>({
    {"A3T", 16, Letters::UpperDigits},
    {"ABIA", 16, Letters::UpperDigits},
    {"ACCA", 16, Letters::UpperDigits},
    {"AGE-SECRET-KEY-", 20, Letters::Word},
    {"AIza", 30, Letters::Url},
    {"AKIA", 16, Letters::UpperDigits},
    {"AROA", 16, Letters::UpperDigits},
    {"ASIA", 16, Letters::UpperDigits},
    {"ATATT3", 20, Letters::Url},
    {"ATCTT3", 20, Letters::Url},
    {"CCIPAT_", 20, Letters::Word},
    {"EAAA", 40, Letters::Word},
    {"FLWSECK", 12, Letters::Url},
    {"FwoGZXIvYXdz", 40, Letters::Base64},
    {"GOCSPX-", 20, Letters::Url},
    {"HRKU-", 30, Letters::Url},
    {"IQoJb3JpZ2lu", 40, Letters::Base64},
    {"LTAI", 16, Letters::Word},
    {"NRAK-", 20, Letters::Word},
    {"PMAK-", 20, Letters::Url},
    {"SG.", 20, Letters::Url},
    {"aio_", 20, Letters::Word},
    {"api_org_", 20, Letters::Word},
    {"atlasv1.", 20, Letters::Url},
    {"bkua_", 20, Letters::Word},
    {"cfut_", 20, Letters::Word},
    {"dapi", 32, Letters::Word},
    {"dckr_oat_", 16, Letters::Url},
    {"dckr_pat_", 16, Letters::Url},
    {"ddapi_", 20, Letters::Word},
    {"ddp_", 20, Letters::Word},
    {"doo_v1_", 20, Letters::Word},
    {"dop_v1_", 20, Letters::Word},
    {"dor_v1_", 20, Letters::Word},
    {"dp.pt.", 20, Letters::Word},
    {"dp.st.", 20, Letters::Url},
    {"dt0c01.", 20, Letters::Url},
    {"duffel_live_", 20, Letters::Url},
    {"fal_", 20, Letters::Word},
    {"figd_", 20, Letters::Url},
    {"fio-u-", 20, Letters::Url},
    {"fm2_", 20, Letters::Base64},
    {"fo1_", 20, Letters::Url},
    {"fw_", 20, Letters::Word},
    {"ghe_", 20, Letters::Word},
    {"gho_", 20, Letters::Word},
    {"ghp_", 20, Letters::Word},
    {"ghr_", 20, Letters::Word},
    {"ghs_", 20, Letters::Word},
    {"ghu_", 20, Letters::Word},
    {"github_pat_", 20, Letters::Word},
    {"glagent-", 16, Letters::Url},
    {"glc_", 20, Letters::Base64},
    {"glcbt-", 16, Letters::Url},
    {"gldt-", 16, Letters::Url},
    {"glft-", 16, Letters::Url},
    {"gloas-", 16, Letters::Url},
    {"glpat-", 16, Letters::Url},
    {"glptt-", 16, Letters::Url},
    {"glrt-", 16, Letters::Url},
    {"glsa_", 20, Letters::Word},
    {"glsoat-", 16, Letters::Url},
    {"gsk_", 20, Letters::Word},
    {"hf_", 16, Letters::Word},
    {"hvb.", 20, Letters::Url},
    {"hvs.", 20, Letters::Url},
    {"jina_", 20, Letters::Word},
    {"lin_api_", 20, Letters::Word},
    {"ls__", 20, Letters::Word},
    {"lsv2_", 20, Letters::Word},
    {"ltm_", 20, Letters::Word},
    {"nfp_", 20, Letters::Word},
    {"npm_", 20, Letters::Word},
    {"ntn_", 20, Letters::Word},
    {"nvapi-", 20, Letters::Url},
    {"nvcf-", 20, Letters::Url},
    {"oauth:", 20, Letters::Word},
    {"ops_eyJ", 40, Letters::Base64},
    {"pat-na1-", 20, Letters::Url},
    {"pcsk_", 20, Letters::Word},
    {"phc_", 20, Letters::Word},
    {"phx_", 20, Letters::Word},
    {"pk_live_", 10, Letters::Word},
    {"pnu_", 20, Letters::Word},
    {"pplx-", 20, Letters::Word},
    {"prt_", 20, Letters::Word},
    {"pscale_pw_", 20, Letters::Url},
    {"pscale_tkn_", 20, Letters::Url},
    {"pul-", 20, Letters::Word},
    {"pypi-", 20, Letters::Url},
    {"r8_", 20, Letters::Word},
    {"rdme_", 20, Letters::Word},
    {"rk_live_", 10, Letters::Word},
    {"rnd_", 20, Letters::Word},
    {"rpa_", 20, Letters::Word},
    {"rubygems_", 20, Letters::Word},
    {"sbp_", 20, Letters::Word},
    {"sgp_", 20, Letters::Word},
    {"shpat_", 20, Letters::Word},
    {"shpca_", 20, Letters::Word},
    {"shppa_", 20, Letters::Word},
    {"shpss_", 20, Letters::Word},
    {"sk-", 16, Letters::Long},
    {"sk_live_", 10, Letters::Word},
    {"sk_test_", 10, Letters::Word},
    {"sntrys_", 20, Letters::Base64},
    {"sntryu_", 20, Letters::Word},
    {"sq0atp-", 20, Letters::Url},
    {"sq0csp-", 20, Letters::Url},
    {"squ_", 20, Letters::Word},
    {"syt_", 20, Letters::Word},
    {"tfp_", 20, Letters::Word},
    {"tgp_v1_", 20, Letters::Url},
    {"tskey-", 16, Letters::Url},
    {"v2.local.", 20, Letters::Url},
    {"vcp_", 20, Letters::Word},
    {"wandb_v1_", 20, Letters::Word},
    {"whsec_", 16, Letters::Base64},
    {"xai-", 20, Letters::Word},
    {"xapp-", 16, Letters::Url},
    {"xkeysib-", 20, Letters::Url},
    {"xoxa-", 10, Letters::Url},
    {"xoxb-", 10, Letters::Url},
    {"xoxe-", 10, Letters::Url},
    {"xoxe.", 10, Letters::Url},
    {"xoxp-", 10, Letters::Url},
    {"xoxr-", 10, Letters::Url},
    {"xoxs-", 10, Letters::Url},
    {"ya29.", 20, Letters::Url},
    {"zpka_", 20, Letters::Word},
});

/// The shapes that begin with the first byte of a text.
std::span<const Shape> shapes_from(std::string_view text) {
  static const auto kFirst = [] {
    std::array<uint8_t, 129> first{};
    for (size_t c = 0; c <= 128; ++c) {
      first[c] = static_cast<uint8_t>(std::count_if(kShapes.begin(), kShapes.end(), [&](auto& s) {
        return static_cast<unsigned char>(s.prefix[0]) < c;
      }));
    }
    return first;
  }();
  const size_t c = text.empty() ? 128 : static_cast<unsigned char>(text[0]);
  if (c >= 128) return {};
  return std::span(kShapes).subspan(kFirst[c], kFirst[c + 1] - kFirst[c]);
}

bool belongs(char c, Letters letters) {
  if (letters == Letters::UpperDigits) return is_digit(c) || (c >= 'A' && c <= 'Z');
  if (is_alnum(c) || c == '_') return true;
  if (letters == Letters::Base64) return c == '+' || c == '/' || c == '=' || c == '-' || c == ',';
  return letters != Letters::Word && (c == '-' || c == '.');
}

size_t run(std::string_view text, Letters letters) {
  size_t n = 0;
  while (n < text.size() && belongs(text[n], letters)) ++n;
  while (n > 0 && text[n - 1] == '.') --n;  // the end of a sentence
  return n;
}

bool has_run(std::string_view text, size_t least) {
  size_t n = 0;
  for (char c : text) {
    n = is_alnum(c) ? n + 1 : 0;
    if (n >= least) return true;
  }
  return false;
}

/// A token has a digit; a long word of a program ("hf_transfer_is_not_installed") has none.
bool has_digit(std::string_view text) { return std::any_of(text.begin(), text.end(), is_digit); }

/// A JSON object in base64: the header of a JWT (header.payload.signature), or a docker
/// configuration.
size_t json_in_base64(std::string_view text) {
  constexpr size_t kLeast = 30;
  if (!text.starts_with("eyJ")) return 0;
  size_t n = 0;
  while (n < text.size() && (belongs(text[n], Letters::Url) || belongs(text[n], Letters::Base64)))
    ++n;
  return n >= kLeast ? n : 0;
}

/// The public half of an SSH key names its owner; the rest of the line is a comment that often is a
/// name too.
size_t ssh_key(std::string_view text) {
  for (std::string_view kind :
       {"ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ecdsa-sha2-nistp256 AAAA",
        "ecdsa-sha2-nistp384 AAAA", "ecdsa-sha2-nistp521 AAAA"}) {
    if (text.starts_with(kind)) return kind.size() + run(text.substr(kind.size()), Letters::Base64);
  }
  return 0;
}

/// Sorted words, and a sieve in front of them: the first letters that a word of some length has.
template <size_t N>
struct WordSet {
  std::array<std::string_view, N> words;
  std::array<uint32_t, 32> first_letters{};
  constexpr explicit WordSet(const std::array<std::string_view, N>& sorted) : words(sorted) {
    for (std::string_view w : words) first_letters[w.size()] |= bit(w[0]);
  }
  static constexpr uint32_t bit(char c) { return 1u << (static_cast<unsigned char>(c) & 31); }
  bool holds(std::string_view word) const {
    return word.size() < first_letters.size() && first_letters[word.size()] & bit(word[0]) &&
           std::binary_search(words.begin(), words.end(), word);
  }
};

// Words of a name that make it a secret, and those that take it back ("max_tokens" counts,
// "token_id" numbers). Sorted.
constexpr WordSet kSecretWords(std::to_array<std::string_view>({"apikey",
                                                                "auth",
                                                                "authkey",
                                                                "authorization",
                                                                "authtoken",
                                                                "bearer",
                                                                "connectionstring",
                                                                "cookie",
                                                                "credential",
                                                                "credentials",
                                                                "creds",
                                                                "dsn",
                                                                "passphrase",
                                                                "passwd",
                                                                "password",
                                                                "passwort",
                                                                "pat",
                                                                "privatekey",
                                                                "pwd",
                                                                "sas",
                                                                "secret",
                                                                "secretkey",
                                                                "sig",
                                                                "signature",
                                                                "token"}));
constexpr WordSet kKeyBefore(std::to_array<std::string_view>(
    {"access",  "account", "admin",        "api",        "app",     "application",
     "auth",    "client",  "consumer",     "encryption", "license", "master",
     "munge",   "private", "secret",       "service",    "session", "shared",
     "signing", "storage", "subscription", "write"}));
constexpr WordSet kTakenBack(std::to_array<std::string_view>(
    {"algorithm", "bos",      "budget", "class",    "count",    "counts", "dir",
     "enabled",   "endpoint", "eos",    "expiry",   "file",     "id",     "ids",
     "image",     "len",      "length", "limit",    "mask",     "max",    "min",
     "mode",      "name",     "num",    "pad",      "parallel", "path",   "per",
     "prompt",    "provider", "ref",    "required", "sep",      "size",   "special",
     "stop",      "ttl",      "type",   "unk",      "url",      "video"}));
constexpr std::array kEndings =
    std::to_array<std::string_view>({"apikey", "passwd", "password", "secret", "token"});
constexpr WordSet kUserWords(std::to_array<std::string_view>({"login", "logname", "ruser", "uname",
                                                              "user", "username"}));

/// "PGPASSWORD", "identitytoken": glued to a word before it.
bool ends_like_a_secret(std::string_view word) {
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view e) { return word.ends_with(e); });
}

/// Calls on_word with each word of a name, in lower case: "dbPassword" has "db" and "password".
template <class OnWord>
void for_each_word(std::string_view name, OnWord&& on_word) {
  constexpr size_t kMost = 32;
  char word[kMost];
  size_t n = 0;
  auto end_word = [&] {
    if (n > 0) on_word(std::string_view(word, n));
    n = 0;
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const bool upper = name[i] >= 'A' && name[i] <= 'Z';
    const bool camel = upper && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if (!is_alnum(name[i]) || camel) end_word();
    if (is_alnum(name[i]) && n < kMost) word[n++] = to_lower(name[i]);
  }
  end_word();
}

}  // namespace

size_t token_length(std::string_view text) {
  size_t longest = 0;
  for (const Shape& s : shapes_from(text)) {
    if (!text.starts_with(s.prefix)) continue;
    const std::string_view rest = text.substr(s.prefix.size());
    const size_t n = run(rest, s.letters);
    if (n < s.least) continue;
    if (s.letters != Letters::UpperDigits && !has_digit(rest.substr(0, n))) continue;
    const bool plain = s.letters == Letters::Word || s.letters == Letters::Long;
    if (plain && !has_run(rest.substr(0, n), std::min<size_t>(s.least, 16))) continue;
    longest = std::max(longest, s.prefix.size() + n);
  }
  return std::max({longest, json_in_base64(text), ssh_key(text)});
}

SecretPath secret_path(std::string_view text) {
  constexpr std::array kPaths = std::to_array<std::string_view>(
      {"api/webhooks/", "api.telegram.org/bot", "apis/bot/v2/hook/",
       "chat.googleapis.com/v1/spaces/", "hooks.slack.com/services/", "hooks.slack.com/workflows/",
       "hooks.zapier.com/hooks/catch/", "oapi.dingtalk.com/robot/send?",
       "qyapi.weixin.qq.com/cgi-bin/webhook/send?", "v1/spaces/", "webhook.office.com/webhookb2/"});
  for (std::string_view path : kPaths) {
    if (!text.starts_with(path)) continue;
    size_t n = path.size();
    while (n < text.size() && !is_space(text[n]) &&
           std::string_view("\"'<>)]}`").find(text[n]) == std::string_view::npos)
      ++n;
    if (n > path.size()) return {n, path.size()};
  }
  return {};
}

bool names_a_secret(std::string_view name) {
  bool secret = false, taken_back = false, key_follows = false, string_follows = false;
  for_each_word(name, [&](std::string_view word) {
    secret |= kSecretWords.holds(word) || ends_like_a_secret(word) ||
              (key_follows && word == "key") || (string_follows && word == "string");
    taken_back |= kTakenBack.holds(word);
    key_follows = kKeyBefore.holds(word);
    string_follows = word == "connection";
  });
  return secret && !taken_back;
}

bool names_a_user(std::string_view name) {
  bool user = false, last = false;
  for_each_word(name, [&](std::string_view word) {
    last = kUserWords.holds(word);
    user |= last;
  });
  return user && last;
}

bool says_nothing(std::string_view value) {
  constexpr std::array kWords = std::to_array<std::string_view>(
      {"", "***", "****", "*****", "********", "EMPTY", "False", "None", "True", "[redacted]",
       "false", "nil", "none", "null", "true", "unset"});
  if (std::find(kWords.begin(), kWords.end(), value) != kWords.end() ||
      value.starts_with("<set to the key"))
    return true;
  if (!value.starts_with('$')) return false;
  std::string_view name = value.substr(1);
  if (name.starts_with('{') || name.starts_with('(')) name.remove_prefix(1);
  if (name.ends_with('}') || name.ends_with(')')) name.remove_suffix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || is_digit(c) || (c >= 'A' && c <= 'Z');
  });
}

std::vector<std::string_view> token_beginnings() {
  std::vector<std::string_view> all = {"eyJ", "ssh-", "ecdsa-"};
  for (const Shape& s : kShapes) all.push_back(s.prefix);
  return all;
}

std::vector<std::string_view> secret_path_beginnings() {
  return {"api/webh", "api.tele", "apis/bot",  "hooks.",
          "oapi.",    "qyapi",    "v1/spaces", "webhook.office"};
}

std::vector<std::string_view> secret_name_parts() {
  return {"key", "auth", "bear",    "cook",     "cred", "dsn", "pass", "pat",
          "pwd", "sas",  "nstring", "n_string", "secr", "sig", "tok"};
}

}  // namespace rankdx
