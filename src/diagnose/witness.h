// Another witness beside the logs (NCCL's RAS port): its findings joined to a diagnosis. Plain
// function over values.
#pragma once

#include "base/check.h"
#include "diagnose/diagnose.h"

namespace rankdx {

/// What both say becomes one finding with the evidence of both. What only the witness says leads
/// when the logs have no cause that is better than possible; else it stands beside theirs.
void add_witness(Diagnosis& diagnosis, const CheckReport& witness);

}  // namespace rankdx
