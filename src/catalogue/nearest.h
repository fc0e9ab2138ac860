// The word that was probably meant. For suggestions behind a word that no table knows.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace rankdx {

/// Edits (insert, delete, replace, swap of neighbours; ASCII letters without case) that make one
/// word of the other, or limit + 1 when there are more than `limit` of them. Words over 200 bytes
/// are too far apart unless equal.
int edit_distance(std::string_view a, std::string_view b, int limit);

/// How many edits still count as a typo of this word: 1 up to 5 bytes, 2 up to 9, 3 beyond.
int typo_limit(std::string_view word);

/// Candidates within the typo limit of the word, nearest first, in table order when equal; at most
/// `most`. Views of the candidates.
std::vector<std::string_view> nearest(std::string_view word,
                                      std::span<const std::string_view> candidates,
                                      size_t most = 3);

}  // namespace rankdx
