// Whether a variable's literal value can be what its reader wants. Pure functions over the
// catalogue.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalogue/nccl_variables.h"
#include "catalogue/vllm_variables.h"

namespace rankdx::lint {

/// What is wrong with the value, for a person, or nothing. Empty values are not judged here.
struct ValueComplaint {
  std::string text;
  std::string better;     ///< the value that was probably meant; "" = not known
  bool harmless = false;  ///< it works as if unset
};

std::optional<ValueComplaint> nccl_value_complaint(const NcclVariable& variable,
                                                   std::string_view value);
std::optional<ValueComplaint> launch_value_complaint(const LaunchVariable& variable,
                                                     std::string_view value);

}  // namespace rankdx::lint
