// Values that NCCL prints as numbers or short names, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"

namespace rankdx {

/// "P2P/CUMEM/read", "NET/IB/0/GDRDMA": what joins the two ranks, or "".
std::string_view transport_in_words(std::string_view transport);

/// ncclResult_t: 6 is "a remote process failed or is gone", or "".
std::string_view result_in_words(int code);

/// Sentences on the values of this event; none where the numbers speak for themselves.
std::vector<std::string> values_in_words(const Event& event);

}  // namespace rankdx
