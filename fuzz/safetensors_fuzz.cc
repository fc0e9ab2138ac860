// Any bytes as a safetensors file: the fast reader says what the slow rules say.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_reference.h"

namespace {

/// Which of several tensors with the same offsets is blamed is not part of the rules.
bool of_validation(rankdx::SafetensorsFault f) {
  return f >= rankdx::SafetensorsFault::Offset && f <= rankdx::SafetensorsFault::TensorSize;
}

void compare(std::string_view file, uint64_t file_bytes) {
  const auto fast = rankdx::parse_safetensors(file, file_bytes);
  const auto slow = rankdx::slow_safetensors_verdict(file, file_bytes);
  if (fast.has_value() == slow.has_value()) std::abort();
  if (slow && *slow != fast.error().fault &&
      !(of_validation(*slow) && of_validation(fast.error().fault)))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  compare(bytes, size);
  // The same bytes as a header alone, so that the length field need not be guessed.
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(size >> (8 * i) & 0xFF);
  file += bytes;
  compare(file, file.size());
  if (const auto header = rankdx::parse_safetensors(file, file.size()))
    for (const rankdx::HeaderTensor& t : header->tensors)
      if (header->shape(t).size() != t.dims || t.name.size() > size) std::abort();
  return 0;
}
