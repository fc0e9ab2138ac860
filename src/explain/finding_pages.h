// docs/findings: one page per finding of the rule pack, and an index.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "rules/rule.h"

namespace rankdx {

/// File name to content: "shm-too-small.md", ..., "README.md". The same for the same pack.
std::map<std::string, std::string> finding_pages(const RulePack& rules);

/// Writes them and removes pages of findings that are gone (files that carry the mark of generated
/// pages). Gives the number of pages written.
Result<size_t> write_finding_pages(const std::string& directory, const RulePack& rules);

}  // namespace rankdx
