// make_log SIZE LOG... > out: an INFO+ALL log of any size from the lines of real ones.
// Every pass repeats all lines with fresh communicator pointers, ids and buffers; the per-call
// lines (COLL, TUNING) stand kCallsPerPass times in each pass, as in a log of a running model.
// SIZE: bytes with K, M or G. Same input, same output.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kCallsPerPass = 40;

struct Slot {
  size_t at, width;
  uint64_t id;
};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

uint64_t mixed(uint64_t id, uint64_t pass) {
  uint64_t x = id * 0x9e3779b97f4a7c15ULL + pass * 0xbf58476d1ce4e5b9ULL;
  return (x ^ (x >> 31)) * 0x94d049bb133111ebULL;
}

bool per_call(std::string_view line) {
  return line.find(" opCount ") != line.npos || line.find(" Bytes -> ") != line.npos;
}

std::string template_of(const std::vector<std::string>& files) {
  std::string once, calls;
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in) std::fprintf(stderr, "make_log: cannot read %s\n", file.c_str()), std::exit(2);
    for (std::string line; std::getline(in, line);) (per_call(line) ? calls : once) += line + '\n';
  }
  for (int i = 0; i < kCallsPerPass; ++i) once += calls;
  return once;
}

/// Pointers and ids of six and more digits: the places that change from pass to pass.
std::vector<Slot> slots_of(const std::string& text) {
  std::vector<Slot> slots;
  std::map<std::string, uint64_t> ids;
  for (size_t i = text.find("0x"); i != text.npos; i = text.find("0x", i + 2)) {
    size_t end = i + 2;
    while (end < text.size() && is_hex(text[end])) ++end;
    if (end - i < 8) continue;
    auto [id, fresh] = ids.emplace(text.substr(i + 2, end - i - 2), ids.size() + 1);
    slots.push_back({i + 2, end - i - 2, id->second});
  }
  return slots;
}

void renew(std::string& text, const std::vector<Slot>& slots, uint64_t pass) {
  for (const Slot& s : slots) {
    uint64_t value = mixed(s.id, pass);
    for (size_t k = 0; k < s.width; ++k, value >>= 4)
      text[s.at + s.width - 1 - k] = "0123456789abcdef"[value & 15];
    if (text[s.at] == '0') text[s.at] = '7';
  }
}

uint64_t size_of(const char* word) {
  char* unit = nullptr;
  const double number = std::strtod(word, &unit);
  const std::map<char, double> scale = {{'\0', 1}, {'K', 1e3}, {'M', 1e6}, {'G', 1e9}};
  auto found = scale.find(*unit);
  return found == scale.end() ? 0 : static_cast<uint64_t>(number * found->second);
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t wanted = argc > 2 ? size_of(argv[1]) : 0;
  if (!wanted)
    return std::fprintf(stderr, "usage: make_log SIZE LOG... > out   (SIZE as in 1G, 200M)\n"), 2;
  std::string text = template_of({argv + 2, argv + argc});
  const std::vector<Slot> slots = slots_of(text);
  uint64_t written = 0;
  for (uint64_t pass = 0; written < wanted; ++pass) {
    renew(text, slots, pass);
    const size_t n = std::min<uint64_t>(text.size(), wanted - written);
    if (std::fwrite(text.data(), 1, n, stdout) != n) return 1;
    written += n;
  }
  return 0;
}
