#include "redact/redactor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "redact/letters.h"
#include "redact/pass.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

constexpr size_t kMostNames = 1 << 20;
constexpr int kMostKeyLines =
    200;  ///< a key of 16,384 bits has 203; one that never ends must not swallow a log

/// Place in the table of kinds, for three bytes. Others may share it (what is found is judged), but
/// rarely: that costs time.
constexpr int kKeyBits = 17;
uint32_t key_of(const char* three) {
  uint16_t two;
  std::memcpy(&two, three, sizeof two);
  const uint32_t all = uint32_t{static_cast<unsigned char>(three[2])} << 16 | two;
  return all * 0x9e3779b1u >> (32 - kKeyBits);
}

/// A dot or colon of an address: between two digits, or two colons.
bool separates_numbers(const char* three) {
  const char a = three[0], b = three[1], c = three[2];
  if (b == '.') return is_digit(a) && is_digit(c);
  return b == ':' && (a == ':' || (is_hex(a) && is_hex(c)));
}

std::string any_byte() {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  return all;
}

/// Length of the colour at line[at] ("ESC[0;31m", and "ESC[K", which ls and grep add), 0 for none.
/// No other sequence: a broken one must not take the first letter of a secret with it.
size_t colour_at(std::string_view line, size_t at) {
  if (!line.substr(at).starts_with("\x1b[")) return 0;
  size_t end = at + 2;
  while (end < line.size() && (is_digit(line[end]) || line[end] == ';' || line[end] == ':')) ++end;
  return end < line.size() && (line[end] == 'm' || line[end] == 'K') ? end + 1 - at : 0;
}

std::string colourless(std::string_view line) {
  std::string out;
  for (size_t i = 0; i < line.size();) {
    const size_t colour = colour_at(line, i);
    if (colour == 0) out += line[i];
    i += std::max<size_t>(colour, 1);
  }
  return out;
}

bool is_base64(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; });
}

}  // namespace

Redactor::Watched::Watched(Hide hide) : kinds(size_t{1} << kKeyBits) {
  for (std::string_view text : token_beginnings()) add(text, kToken, Case::Exact);
  for (std::string_view text : secret_path_beginnings()) add(text, kPath, Case::Exact);
  for (std::string_view text : secret_name_parts()) add(text, kName);
  add("://", kUserInfo);
  add("begin", kKeyBlock);
  add("name", kNameOfSetting);
  add("value", kValueOfSetting);
  add("-u ", kCommandFlag);
  add("-p ", kCommandFlag);
  add("\x1b[", kColour);
  add("--user", kCommandFlag);
  if (hide == Hide::SecretsOnly) return;
  for (std::string_view text : {"user", "login", "logname", "uname", "ruser"}) add(text, kName);
  for (std::string_view text : {"/home/", "/users/", "ip-"}) add(text, kPlace);
}

/// The table is made once, and copied.
Redactor::Redactor(Hide hide)
    : hide_(hide), watched_([hide]() -> const Watched& {
        static const Watched kSecrets(Hide::SecretsOnly), kNames(Hide::NamesToo);
        return hide == Hide::NamesToo ? kNames : kSecrets;
      }()) {}

void Redactor::Watched::add(std::string_view beginning, uint8_t kind, Case letters) {
  filter.add(beginning, letters);
  std::vector<std::string> forms = {""};
  for (size_t i = 0; i < PlaceFilter::kBytes; ++i) {
    std::string bytes = i < beginning.size() ? std::string(1, beginning[i]) : any_byte();
    if (letters == Case::Either && i < beginning.size() && is_alnum(bytes[0]) &&
        !is_digit(bytes[0]))
      bytes += static_cast<char>(bytes[0] ^ 0x20);
    std::vector<std::string> longer;
    for (const std::string& form : forms) {
      for (char byte : bytes) longer.emplace_back(form).push_back(byte);
    }
    forms = std::move(longer);
  }
  for (const std::string& form : forms) kinds[key_of(form.data())] |= kind;
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
  watched_.add(host, kHost);
  name_for("host-", host, hosts_);
}

std::string Redactor::name_for(std::string_view prefix, std::string_view name, Names& known) {
  std::string key(name);
  if (auto found = known.find(key); found != known.end()) return found->second;
  if (known.size() >= kMostNames) return std::string(prefix) + "other";
  std::string pseudonym = std::string(prefix) + std::to_string(known.size() + 1);
  return known.emplace(std::move(key), std::move(pseudonym)).first->second;
}

/// The place for this word, which may hold another one.
Redactor::HostWord& Redactor::host_word(std::string_view word) {
  uint64_t first = 0, last = 0;
  if (word.size() >= sizeof first) {
    std::memcpy(&first, word.data(), sizeof first);
    std::memcpy(&last, word.data() + word.size() - sizeof last, sizeof last);
  } else {
    std::memcpy(&first, word.data(), word.size());
  }
  const uint64_t hash = (first * 31 ^ last) * 0x9e3779b97f4a7c15ULL;
  return host_words_[hash >> 58];
}

/// Leaves those places of addresses whose line has enough of them: three dots between digits, or
/// seven colons or two in a row. Most lines of NCCL have some ("host:250:250", "init.cc:1785").
void Redactor::find_addresses(std::string_view line, std::span<PlaceFilter::Window> windows) {
  constexpr int kDots = 3, kColons = 7;
  int dots = 0, colons = 0;
  uint64_t twice = 0;
  for (const PlaceFilter::Window& w : windows) {
    for (uint64_t left = w.dots; left != 0; left &= left - 1) ++dots;
    for (uint64_t left = w.colons; left != 0; left &= left - 1) ++colons;
    twice |= w.twice;
  }
  // Where the line ends with two, they are no beginning.
  const bool v6 = twice != 0 || colons >= kColons || line.ends_with("::");
  for (PlaceFilter::Window& w : windows) {
    if (dots < kDots) w.dots = 0;
    if (!v6) w.colons = 0;
  }
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

/// False, with nothing done, at a colour that shall not be passed over.
bool Redactor::redact_text(std::string_view line, Colours colours, std::string& out) {
  const size_t begin = out.size();
  const RedactionCounts before = counts_;
  RedactionPass pass(*this, line, out);
  const std::span<PlaceFilter::Window> windows = watched_.filter.places(line, windows_);
  if (hide_ == Hide::NamesToo) find_addresses(line, windows);
  for (size_t i = 0; i < windows.size(); ++i) {
    const PlaceFilter::Window& window = windows[i];
    const uint64_t addresses =
        hide_ == Hide::NamesToo ? window.dots | window.colons | window.twice : 0;
    for (uint64_t mask = window.begins | addresses; mask != 0; mask &= mask - 1) {
      const size_t bit = static_cast<size_t>(std::countr_zero(mask));
      const size_t at = i * PlaceFilter::kWindow + bit;
      uint8_t kinds = watched_.kinds[key_of(line.data() + at)];
      if (addresses >> bit & 1 && separates_numbers(line.data() + at)) kinds |= kAddress;
      if (kinds == 0) continue;
      if (colours == Colours::StopAt && line[at] == '\x1b' && colour_at(line, at) > 0) {
        out.resize(begin);
        counts_ = before;
        return false;
      }
      pass.look(at, kinds);
    }
  }
  pass.finish();
  return true;
}

void Redactor::redact(std::string_view line, std::string& out) {
  if (key_lines_ > 0 && in_key_block(line.find('\x1b') == line.npos ? line : colourless(line))) {
    out += kGone;
    return;
  }
  if (redact_text(line, Colours::StopAt, out)) return;
  // Colours may stand in the middle of a secret: they go where one was found.
  const uint64_t before = counts_.total();
  std::string clean;
  redact_text(colourless(line), Colours::PassOver, clean);
  out += counts_.total() == before ? line : std::string_view(clean);
}

}  // namespace rankdx
