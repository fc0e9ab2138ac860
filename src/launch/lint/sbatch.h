// The #SBATCH lines of a Slurm script.
#pragma once

#include "launch/lint/launch.h"

namespace rankdx::lint {

/// Fills nodes and GPUs per node from the options. False when the script has none.
bool read_sbatch_lines(const SourceText& source, Group& group, Container& container,
                       Launch& launch);

}  // namespace rankdx::lint
