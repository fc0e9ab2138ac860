// What a file is that is not what its name says: a pointer of Git LFS, an error page that was
// saved, nothing at all. Looks at the first bytes only. Plain functions; free of state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rankdx {

enum class Fake : uint8_t { None, LfsPointer, ErrorPage, Empty };

struct Sniffed {
  Fake fake = Fake::None;
  std::string what;  ///< LfsPointer: expected bytes and hash; ErrorPage: its first line
  std::string oid;   ///< LfsPointer: sha256 of the real file, 64 hex digits
  std::optional<uint64_t> lfs_bytes;
};

/// `head`: the first bytes, up to 1 KiB, of a file of `bytes`.
Sniffed sniff(std::string_view head, uint64_t bytes);

constexpr size_t kSniffBytes = 1024;

}  // namespace rankdx
