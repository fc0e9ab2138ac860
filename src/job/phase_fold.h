// Lines in which vLLM says how far it is, to the phase that a process is in.
#pragma once

#include <string_view>

#include "job/facts.h"
#include "job/process_fold.h"

namespace rankdx {

/// Takes a line in; one without a phase or a bar changes nothing. A server's first words begin
/// anew: the container has started again.
void fold_phase(std::string_view body, const LinePlace& at, PhaseFacts& facts);

}  // namespace rankdx
