// gzip, zstd and xz, unpacked so that a cut or broken stream still gives every byte before the
// damage: the last lines before a cut are the ones that matter. (libarchive drops the whole block
// that it was filling.)
#pragma once

#include <memory>
#include <string_view>

#include "input/input.h"

namespace rankdx {

/// `packed` unpacked, or nullptr (and `packed` untouched) when `head`, its beginning, is none of
/// the three. Concatenated streams are one; what follows the last one is ignored. The window may
/// take 128 MiB at most.
std::unique_ptr<ByteSource> decoded_source(std::string_view head,
                                           std::unique_ptr<ByteSource>& packed);

}  // namespace rankdx
