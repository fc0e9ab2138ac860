// What this machine can say beside logs that were named as files: the answer of `check pod` or
// `check host`, and the variables of a launch as processes and NCCL's files have them. Reads only,
// and no longer than a few seconds.
#pragma once

#include "live/collected.h"
#include "probe/pod/pod.h"

namespace rankdx {

/// `name`: of this machine, for the texts.
CollectedTexts collect_here(const HostView& host, const std::string& name,
                            const PodLimits& limits = {});

}  // namespace rankdx
