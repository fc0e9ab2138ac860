#include "launch/launchers/shell_script.h"

#include "launch/shell_words.h"

namespace rankdx {

std::string shell_word(const Word& word) {
  return word.sort == Word::Sort::Literal ? shell_quote(word.text) : "\"" + word.text + "\"";
}

LongCommand& LongCommand::raw(const std::string& text) {
  text_ += " \\\n  " + text;
  return *this;
}

LongCommand& LongCommand::line(const Words& words) {
  std::string text;
  for (const Word& word : words) {
    if (!text.empty()) text += ' ';
    text += shell_word(word);
  }
  return raw(text);
}

LongCommand& LongCommand::line(std::initializer_list<std::string> literals) {
  Words words;
  for (const std::string& text : literals) words.push_back(literal(text));
  return line(words);
}

LongCommand& LongCommand::command(const Words& words) {
  Words group;
  for (const Word& word : words) {
    const bool flag = word.sort == Word::Sort::Literal && word.text.starts_with("--");
    if (flag && !group.empty()) line(std::exchange(group, {}));
    group.push_back(word);
  }
  return group.empty() ? *this : line(group);
}

}  // namespace rankdx
