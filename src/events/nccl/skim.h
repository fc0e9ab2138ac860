// The lines that a log is full of, recognised without reading all their numbers: operations,
// tuning, allocations, proxy notes. What skim_nccl() does not know or finds odd goes the long way,
// through parse_nccl().
#pragma once

#include <cstdint>
#include <string_view>

#include "events/event.h"

namespace rankdx {

/// A collective call. `name` is a view into the message.
struct CollectiveCall {
  std::string_view name;
  uint64_t comm = 0, op_count = 0, count = 0;
  int datatype = -1, op = -1, root = -1;
};

/// The kind of an INFO message, as parse_nccl() would find it, if that is CollCall, Tuning, Alloc
/// or ProxyNote; else, and where it is not sure, EventKind::Unknown. Only a CollCall fills `call`.
EventKind skim_nccl(std::string_view body, CollectiveCall& call);

}  // namespace rankdx
