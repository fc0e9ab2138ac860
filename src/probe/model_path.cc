#include "probe/model_path.h"

#include "base/text.h"

namespace rankdx {

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  const std::string flat = replace_all(replace_all(text, "\n", " "), "\t", " ");
  for (const std::string_view w : split(flat, ' ')) {
    if (!w.empty()) words.emplace_back(w);
  }
  return words;
}

std::string model_of_command(const std::vector<std::string>& words) {
  constexpr std::string_view kFlag = "--model=";
  for (size_t i = 0; i < words.size(); ++i) {
    std::string value;
    if (words[i].starts_with(kFlag)) value = words[i].substr(kFlag.size());
    if ((words[i] == "--model" || words[i] == "serve") && i + 1 < words.size())
      value = words[i + 1];
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\''))
      value = value.substr(1, value.size() - 2);
    if (value.starts_with('/')) return value;
  }
  return "";
}

}  // namespace rankdx
