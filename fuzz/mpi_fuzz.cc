// Messages between the ranks of rankdx-mpi: any bytes give a message or none; what was read is
// written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mpi/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rankdx::mpi;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_hello(bytes);
  read_rank(bytes);
  if (const auto work = read_work(bytes)) {
    const auto again = read_work(to_bytes(*work));
    if (!again || to_bytes(*again) != to_bytes(*work)) std::abort();
  }
  if (const auto part = read_part(bytes)) {
    const auto again = read_part(to_bytes(*part));
    if (!again || to_bytes(*again) != to_bytes(*part)) std::abort();
  }
  return 0;
}
