// Findings as JSON, in the order and with the names of the contract (rankdx.diagnosis/1,
// rankdx.check/1).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/check.h"

namespace rankdx {

using OrderedJson = nlohmann::ordered_json;

OrderedJson finding_to_json(const Finding& finding);
OrderedJson findings_to_json(const std::vector<Finding>& findings);
/// null for an empty text.
OrderedJson text_or_null(const std::string& text);
/// Two blanks of indent, valid UTF-8 whatever the texts hold, a final newline.
std::string dumped(const OrderedJson& json);

}  // namespace rankdx
