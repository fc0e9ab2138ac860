#include <cstdlib>

#include "rules/rule.h"

extern "C" const char rankdx_rule_pack_begin[], rankdx_rule_pack_end[];

namespace rankdx {

const RulePack& builtin_rules() {
  static const RulePack pack = [] {
    auto unpacked =
        RulePack::unpack({rankdx_rule_pack_begin,
                          static_cast<size_t>(rankdx_rule_pack_end - rankdx_rule_pack_begin)});
    if (!unpacked) std::abort();  // made by this very build
    return std::move(*unpacked);
  }();
  return pack;
}

}  // namespace rankdx
