#include "input/content.h"

#include <algorithm>
#include <array>

namespace rankdx {
namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t offset;
  std::string_view bytes;
  Content content;
};
constexpr Magic kMagics[] = {
    {0, "RDXF"sv, Content::Facts},
    {0, "\x1f\x8b"sv, Content::Packed},          // gzip
    {0, "\x28\xb5\x2f\xfd"sv, Content::Packed},  // zstd
    {0,
     "\xfd"
     "7zXZ\0"sv,
     Content::Packed},                           // xz
    {0, "BZh"sv, Content::Packed},               // bzip2, checked further below
    {0, "\x04\x22\x4d\x18"sv, Content::Packed},  // lz4
    {0, "PK\x03\x04"sv, Content::Packed},        // zip
    {257, "ustar"sv, Content::Packed},           // tar
    {0, "\xff\xfe"sv, Content::Utf16},
    {0, "\xfe\xff"sv, Content::Utf16},
};
// Behind "BZh" and the block size: the magic of a block, or of the end of an empty stream.
constexpr std::string_view kBzip2Block = "\x31\x41\x59\x26\x53\x59"sv;
constexpr std::string_view kBzip2End = "\x17\x72\x45\x38\x50\x90"sv;

// Control characters that text logs do hold: \a \b \t \n \v \f \r and ESC.
constexpr bool is_odd_control(unsigned char c) {
  return c < 0x20 && c != 0 && c != 0x1b && !(c >= '\a' && c <= '\r');
}

constexpr std::array kNotLogs = std::to_array<std::string_view>(
    {"a",   "bin",  "c",   "cc",   "cfg",         "conf",  "cpp",  "cu",     "cuh", "gguf",
     "h",   "hpp",  "htm", "html", "ini",         "ipynb", "jpeg", "jpg",    "js",  "json",
     "key", "lock", "md",  "o",    "parquet",     "pdf",   "pem",  "pkl",    "png", "pt",
     "pth", "py",   "pyc", "rst",  "safetensors", "sh",    "so",   "sqlite", "svg", "toml",
     "ts",  "tsv",  "whl", "xml",  "yaml",        "yml"});
static_assert(std::is_sorted(kNotLogs.begin(), kNotLogs.end()));

constexpr std::array kPackedEndings =
    std::to_array<std::string_view>({"bz2", "gz", "lz4", "xz", "zst"});
static_assert(std::is_sorted(kPackedEndings.begin(), kPackedEndings.end()));

template <size_t N>
bool holds(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

std::string_view ending(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == name.npos ? std::string_view() : name.substr(dot + 1);
}

}  // namespace

Content content_of(std::string_view head) {
  if (head.empty()) return Content::Empty;
  for (const Magic& magic : kMagics) {
    if (head.substr(std::min(magic.offset, head.size())).starts_with(magic.bytes)) {
      if (magic.bytes != "BZh") return magic.content;
      const std::string_view block = head.substr(std::min<size_t>(4, head.size()), 6);
      if (block == kBzip2Block || block == kBzip2End) return magic.content;
    }
  }
  head.remove_prefix(std::min(head.find_first_not_of('\0'), head.size()));  // of a truncated log
  if (head.empty()) return Content::Binary;
  const auto nul = static_cast<size_t>(std::count(head.begin(), head.end(), '\0'));
  const auto odd = static_cast<size_t>(std::count_if(head.begin(), head.end(), is_odd_control));
  // Torn log blocks hold some NUL bytes; random bytes hold 9 % of odd control characters.
  return nul * 10 > head.size() * 3 || odd * 20 > head.size() ? Content::Binary : Content::Text;
}

bool is_no_log_name(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (holds(kPackedEndings, ending(name))) name.remove_suffix(ending(name).size() + 1);
  return holds(kNotLogs, ending(name));
}

}  // namespace rankdx
