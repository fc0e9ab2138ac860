// Version ranges of rules, over NCCL's numbers.
#pragma once

#include <string_view>

namespace rankdx {

/// "2.28.9+cuda13.0" as 22809 (major*10000 + minor*100 + patch); 0 for what is no version.
int nccl_version_number(std::string_view text);

/// Whether a version lies in ">=2.4", "<=2.13", "2.18.1-2.22.3" or "" (any). An upper bound without
/// a patch level holds all patch levels: 2.13.4 is in "<=2.13". An unknown version (0) is in every
/// range: nothing rules it out.
bool version_in(std::string_view range, int version);

/// Whether a text is such a range.
bool is_version_range(std::string_view range);

}  // namespace rankdx
