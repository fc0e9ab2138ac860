#include "redact/redactor.h"

#include <algorithm>

#include "redact/letters.h"
#include "redact/pass.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

constexpr size_t kMostNames = 1 << 20;
constexpr int kMostKeyLines =
    200;  ///< a key of 16,384 bits has 203; one that never ends must not swallow a log

constexpr uint32_t key_of(uint32_t before, char c) {
  return (before << 5 | (static_cast<unsigned char>(c) & 31)) & 0x7fff;
}

bool is_base64(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; });
}

}  // namespace

Redactor::Redactor(Hide hide) : hide_(hide) {
  for (std::string_view text : token_beginnings()) watch(text, kToken);
  for (std::string_view text : secret_path_beginnings()) watch(text, kPath);
  for (std::string_view text : secret_name_parts()) watch(text, kName);
  watch("://", kUserInfo);
  watch("begin", kKeyBlock);
  watch("name", kNameOfSetting);
  watch("value", kValueOfSetting);
  watch("-u ", kCommandFlag);
  watch("--user", kCommandFlag);
  if (hide == Hide::SecretsOnly) return;
  for (std::string_view text : {"user", "login", "logname", "uname", "ruser"}) watch(text, kName);
  for (std::string_view text : {"/home/", "/users/", "ip-"}) watch(text, kPlace);
  watch_numbers('.', kAddress);
  watch_numbers(':', kAddress);
  watch("::", kAddress);
}

void Redactor::watch(std::string_view beginning, uint8_t kind) {
  uint32_t key = 0;
  for (size_t i = 0; i < 3 && i < beginning.size(); ++i) key = key_of(key, beginning[i]);
  if (beginning.size() >= 3) {
    kinds_[key] |= kind;
    return;
  }
  for (char last = 0; last < 32; ++last)
    kinds_[key_of(key, last)] |= kind;  // two bytes and any third
}

/// A separator between two hexadecimal digits.
void Redactor::watch_numbers(char between, uint8_t kind) {
  constexpr std::string_view kDigits = "0123456789", kHex = "0123456789abcdef";
  const std::string_view digits = between == '.' ? kDigits : kHex;
  for (char a : digits) {
    for (char b : digits) kinds_[key_of(key_of(key_of(0, a), between), b)] |= kind;
  }
}

void Redactor::add_host(std::string_view name) {
  constexpr size_t kLeast = 3, kMost = 253;
  constexpr std::string_view kWordsOfLogs[] = {
      "compute", "cuda",      "debug",  "error", "gpu",  "head",    "host",  "info",
      "local",   "localhost", "master", "nccl",  "net",  "node",    "pod",   "rank",
      "ray",     "server",    "socket", "vllm",  "warn", "warning", "worker"};
  const std::string host = lower(name);
  if (host.size() < kLeast || host.size() > kMost || !is_alnum(host[0])) return;
  if (std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; })) return;
  if (std::find(std::begin(kWordsOfLogs), std::end(kWordsOfLogs), host) != std::end(kWordsOfLogs))
    return;
  if (hosts_.size() >= kMostNames) return;
  watch(host, kHost);
  name_for("host-", host, hosts_);
}

std::string Redactor::name_for(std::string_view prefix, std::string_view name, Names& known) {
  std::string key(name);
  if (auto found = known.find(key); found != known.end()) return found->second;
  if (known.size() >= kMostNames) return std::string(prefix) + "other";
  std::string pseudonym = std::string(prefix) + std::to_string(known.size() + 1);
  return known.emplace(std::move(key), std::move(pseudonym)).first->second;
}

/// Whether the line goes on with a private key: its last word is base64, or a header. Two short
/// ones in a row are an end that was cut off.
bool Redactor::in_key_block(std::string_view line) {
  constexpr size_t kShort = 40;
  line = trim(line);
  if (line.find("-----END ") != line.npos) {
    key_lines_ = 0;
    return true;
  }
  const size_t blank = line.find_last_of(" |");
  const std::string_view last = line.substr(blank == line.npos ? 0 : blank + 1);
  const bool header = line.find("Proc-Type:") != line.npos || line.find("DEK-Info:") != line.npos;
  odd_key_lines_ = header || last.size() >= kShort ? 0 : odd_key_lines_ + 1;
  if ((!header && !is_base64(last)) || odd_key_lines_ > 2 || ++key_lines_ > kMostKeyLines)
    key_lines_ = 0;
  return key_lines_ > 0;
}

std::string Redactor::redact(std::string_view line) {
  std::string out;
  redact(line, out);
  return out;
}

void Redactor::redact(std::string_view line, std::string& out) {
  if (key_lines_ > 0 && in_key_block(line)) {
    out += kGone;
    return;
  }
  RedactionPass pass(*this, line, out);
  uint32_t key = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    key = key_of(key, line[i]);
    if (const uint8_t kinds = kinds_[key]; kinds != 0 && i >= 2) [[unlikely]] {
      pass.look(i - 2, kinds);
    }
  }
  pass.finish();
}

}  // namespace rankdx
