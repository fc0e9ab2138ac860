// What a stream of bytes is, told from its first block and never from its name.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

enum class Content : uint8_t { Empty, Text, Utf16, Facts, Packed, Binary };

/// Bytes of the head that content_of() wants to see: a tar header shows itself at byte 257.
inline constexpr size_t kHeadSize = 4096;

/// `Facts` are files written by rankdx itself; `Packed` is compressed or an archive.
Content content_of(std::string_view head);

/// True for a name that is no log whatever it holds: "labels.json", "train.py", "x.safetensors.gz".
/// Used where nobody named the file: in directories and bundles.
bool is_no_log_name(std::string_view path);

}  // namespace rankdx
