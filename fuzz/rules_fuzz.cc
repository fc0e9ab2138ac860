// The rule loader: any TOML gives rules or an Error; what was loaded survives packing, and can be
// matched. The same bytes as a packed form give a pack or an Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "job/fold.h"
#include "rules/match.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)rankdx::RulePack::unpack(text);
  const auto pack = rankdx::RulePack::parse_toml(text, "fuzz.toml");
  if (!pack) return 0;
  const auto again = rankdx::RulePack::unpack(pack->pack());
  if (!again || again->pack() != pack->pack()) std::abort();
  if (pack->literals().empty()) return 0;
  (void)pack->check_samples();
  return 0;
}
