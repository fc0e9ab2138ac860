// What a secret looks like, and which settings hold one. Pure functions over views; no state.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace rankdx {

/// What stands in place of a secret.
inline constexpr std::string_view kGone = "[redacted]";

/// Length of a token that begins at text[0] ("hf_…", "AKIA…", a JWT), 0 for none. `text` begins at
/// the start of a word.
size_t token_length(std::string_view text);

/// Length of an address whose path is the secret (Slack, Discord and Teams hooks, Telegram bots),
/// and how many of its bytes may stay; {0, 0} for none.
struct SecretPath {
  size_t length = 0, stays = 0;
};
SecretPath secret_path(std::string_view text);

/// Whether a setting of this name holds a secret: "HF_TOKEN", "api-key", "dbPassword"; not
/// "max_tokens", "eos_token_id".
bool names_a_secret(std::string_view name);

/// Whether a setting of this name holds the name of a person: "user", "USERNAME", "login".
bool names_a_user(std::string_view name);

/// Whether a value says nothing: "None", "null", "true", "***", "$HF_TOKEN", "<set to the key 'a'
/// in secret 'b'>".
bool says_nothing(std::string_view value);

/// The beginnings (at least three bytes) by which the above are found in a line.
std::vector<std::string_view> token_beginnings();
std::vector<std::string_view> secret_path_beginnings();
std::vector<std::string_view> secret_name_parts();

}  // namespace rankdx
