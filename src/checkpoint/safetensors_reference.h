// The rules of safetensors.h written down a second time, slowly and by other means (a full tree,
// plain loops, 128-bit sums), for tests and the fuzzer: the fast reader must say the same about any
// bytes. Nothing else uses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"

namespace rankdx {

/// Nothing where the file is accepted. `bytes` is the file's front part with the whole header.
std::optional<SafetensorsFault> slow_safetensors_verdict(std::string_view bytes,
                                                         uint64_t file_bytes);

}  // namespace rankdx
