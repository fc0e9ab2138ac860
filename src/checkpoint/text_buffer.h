// Memory for texts of some size that are filled from a file at once. From 32 KiB on the pages come
// from the kernel in one call: a fault for each page costs more than reading and parsing what is on
// it.
#pragma once

#include <cstddef>
#include <memory>

namespace rankdx {

/// At least `bytes` bytes, of any content. nullptr where memory has run out.
std::shared_ptr<char[]> text_buffer(size_t bytes);

}  // namespace rankdx
