// The shapes of secrets: what a token looks like, and which settings hold one.
#pragma once

#include <cstddef>
#include <string_view>

namespace rankdx {

/// Length of a token that begins at text[0] ("hf_…", "AKIA…", a JWT), 0 for none. `text` begins at the start of a word.
size_t token_length(std::string_view text);

/// Whether a setting of this name holds a secret: "HF_TOKEN", "api-key", "dbPassword"; not "max_tokens", "eos_token_id".
bool names_a_secret(std::string_view name);

}  // namespace rankdx
