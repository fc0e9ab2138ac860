// "What does this mean": a word or a log line to a Page. The answers are made of the rule pack and
// of the catalogue's tables; nothing is kept between calls, any thread may call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "explain/page.h"
#include "rules/rule.h"

namespace rankdx {

/// A finding id, an NCCL variable (also NAME=value), a vLLM variable or flag, a subsystem of
/// NCCL_DEBUG_SUBSYS; anything with a blank in it is taken as a log line. A word that nothing
/// knows: ErrorCode::Usage, the hint names near ones.
Result<Page> explain(std::string_view what, const RulePack& rules);

/// Pasted log text, one or more lines. At most kMaxExplainedMessages are explained; the page says
/// how many were not.
inline constexpr size_t kMaxExplainedMessages = 20;
Page explain_log(std::string_view text, const RulePack& rules);

/// "findings", "variables", "subsystems": everything of a kind with its title.
std::optional<Page> explain_list(std::string_view kind, const RulePack& rules);

/// Every word that explain() knows, for suggestions and shell completion. Views into the tables and
/// the pack.
std::vector<std::string_view> explained_words(const RulePack& rules);

}  // namespace rankdx
