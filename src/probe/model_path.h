// The model that a vLLM command line names. Plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

/// Words between blanks, tabs and line ends.
std::vector<std::string> split_words(std::string_view text);

/// The directory behind "serve", "--model" or "--model="; quotes are taken off. Empty when there is
/// none or it is no absolute path (a name of the hub).
std::string model_of_command(const std::vector<std::string>& words);

}  // namespace rankdx
