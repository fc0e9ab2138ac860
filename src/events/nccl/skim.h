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

/// Where the parts of a call stand. Behind each number there are 8 bytes of text or more, behind
/// op_count and comm 16.
struct CallText {
  std::string_view name, op_count, count, datatype, op, root, comm;
};

/// The call whose parts skim_nccl() found, or with other digits in their places.
CollectiveCall read_call(const CallText& text);

/// The kind of an INFO message, as parse_nccl() would find it, if that is CollCall, Tuning, Alloc
/// or ProxyNote; else, and where it is not sure, EventKind::Unknown. Only a CollCall fills `call`.
/// Whatever of its decimal digits, its hexadecimal ones behind "0x" and those of op_count are
/// others, the kind is the same.
EventKind skim_nccl(std::string_view body, CallText& call);

}  // namespace rankdx
