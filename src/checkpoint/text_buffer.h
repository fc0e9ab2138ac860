// Memory for texts that are filled from files at once and kept together: headers and indexes. They
// lie side by side on huge pages where the system has them; a fault for each small page costs more
// than reading and parsing what is on it. Threads may call at once.
#pragma once

#include <cstddef>
#include <memory>

namespace rankdx {

/// At least `bytes` bytes, of any content. nullptr where memory has run out.
std::shared_ptr<char[]> text_buffer(size_t bytes);

}  // namespace rankdx
