// The Facts reader: any bytes give Facts or an Error; what was read is written and read again to
// the same Facts, and a job can be assembled from it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "job/job.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto facts = rankdx::deserialize({reinterpret_cast<const char*>(data), size});
  if (!facts) return 0;
  const auto again = rankdx::deserialize(rankdx::serialize(*facts));
  if (!again || rankdx::serialize(*again) != rankdx::serialize(*facts)) std::abort();
  rankdx::assemble(*facts);
  return 0;
}
