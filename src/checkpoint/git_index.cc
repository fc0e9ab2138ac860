#include "checkpoint/git_index.h"

#include <fmt/format.h>

#include "base/text.h"

namespace rankdx {
namespace {

/// gitformat-index(5): ten numbers of stat data, the id, flags; all big endian.
constexpr size_t kStatBytes = 40, kIdBytes = 20, kFixedBytes = kStatBytes + kIdBytes + 2;
constexpr uint32_t kExtended = 0x4000;

uint32_t number(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Version 4: how many bytes of the path before are dropped; 7 bits a byte, each step counts one
/// more.
std::optional<size_t> dropped(std::string_view bytes, size_t& at) {
  size_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value = value << 7 | (byte & 0x7F);
    if ((byte & 0x80) == 0) return value;
    ++value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::map<std::string, std::string, std::less<>>> git_index_blobs(
    std::string_view index) {
  if (!index.starts_with("DIRC") || index.size() < 12) return std::nullopt;
  const uint32_t version = number(index, 4, 4), count = number(index, 8, 4);
  if (version < 2 || version > 4) return std::nullopt;
  std::map<std::string, std::string, std::less<>> blobs;
  std::string path;
  size_t at = 12;
  for (uint32_t i = 0; i < count; ++i) {
    const size_t begin = at;
    if (index.size() - at < kFixedBytes) return std::nullopt;
    std::string id;
    for (size_t k = 0; k < kIdBytes; ++k)
      id += fmt::format("{:02x}", static_cast<unsigned char>(index[at + kStatBytes + k]));
    const uint32_t flags = number(index, at + kStatBytes + kIdBytes, 2);
    at += kFixedBytes + (version >= 3 && (flags & kExtended) != 0 ? 2 : 0);
    if (version == 4) {
      const auto drop = dropped(index, at);
      if (!drop || *drop > path.size()) return std::nullopt;
      path.resize(path.size() - *drop);
    } else {
      path.clear();
    }
    const size_t end = at < index.size() ? index.find('\0', at) : std::string_view::npos;
    if (end == std::string_view::npos || end - at > 4096) return std::nullopt;
    path += index.substr(at, end - at);
    if (path.size() > 4096) return std::nullopt;
    // Up to version 3 an entry is padded to a multiple of eight, with at least one NUL.
    at = version == 4 ? end + 1 : begin + (end - begin + 8) / 8 * 8;
    if (at > index.size()) return std::nullopt;
    blobs[path] = std::move(id);
  }
  return blobs;
}

std::string lfs_pointer_text(std::string_view sha256, uint64_t bytes) {
  return fmt::format("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", sha256,
                     bytes);
}

}  // namespace rankdx
