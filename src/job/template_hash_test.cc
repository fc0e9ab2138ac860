// All ways to replace numbers agree with a slow obvious one.
#include "job/template_hash.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace rankdx {
namespace {

std::string replaced(std::string_view text, ReplaceNumbers replace) {
  std::vector<char> out(kNumberPiece + kNumberSlack);
  std::string all;
  bool in_number = false;
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kNumberPiece)))
    all.append(out.data(), replace(text.substr(0, kNumberPiece), out.data(), in_number));
  return all;
}

TEST(TemplateHash, NumbersAreOneZero) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", ""},
      {"rank 3 at 0x7f12 died", "rank 0 at 0 died"},
      {"8abcx9g", "0g"},
      {"abc 1", "abc 0"},
      {"x1 0X7f", "x0 0X0"},
      {"ab12CDEFG", "ab0G"},
  };
  for (const auto& [text, expected] : kCases) {
    for (const NumberWay& way : number_ways())
      EXPECT_EQ(replaced(text, way.replace), expected) << way.name << ": " << text;
  }
}

TEST(TemplateHash, AllWaysGiveTheSame) {
  std::mt19937 random(3);
  static const std::string kParts[] = {
      "0", "9", "a", "F", "g", "x",    "X",    " ",
      "/", ":", "@", "`", "{", "\xb1", "\xe1", std::string(1, '\0')};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const size_t size = round % 300 == 0 ? 3 * kNumberPiece : random() % 300;
    while (text.size() < size) {
      const std::string& part = kParts[random() % std::size(kParts)];
      text.append(part).append(random() % 8 == 0 ? random() % 90 : 0, part[0]);
    }
    const std::string expected = replaced(text, number_ways().back().replace);
    for (const NumberWay& way : number_ways())
      EXPECT_EQ(replaced(text, way.replace), expected) << way.name << ": " << text;
  }
}

TEST(TemplateHash, IgnoresNumbersOnly) {
  EXPECT_EQ(template_hash("rank 3 at 0x7f12 died"), template_hash("rank 14 at 0x80aabb died"));
  EXPECT_NE(template_hash("rank 3 died"), template_hash("rank 3 hung"));
  EXPECT_NE(template_hash("rank # died"), template_hash("rank 3 died"));
  std::set<uint64_t> hashes;
  for (char a = 'g'; a <= 'w'; ++a) {
    for (char b = 'g'; b <= 'w'; ++b) {
      for (size_t size = 2; size < 40; ++size)
        hashes.insert(template_hash(std::string(size - 2, a) + b + "-"));
    }
  }
  EXPECT_EQ(hashes.size(), 17u * (17 * 37 + 1));
  // However long the numbers are, and wherever the pieces of a long text end.
  for (size_t size : {kNumberPiece - 1, kNumberPiece, kNumberPiece + 1, 5 * kNumberPiece}) {
    const std::string words(kNumberPiece + 7, 'w'), number(size, '7');
    EXPECT_EQ(template_hash(words + number + words), template_hash(words + "1" + words)) << size;
    EXPECT_NE(template_hash(words + number + words), template_hash(words + words)) << size;
    EXPECT_NE(template_hash(words + number + words + "w"), template_hash(words + "1" + words));
  }
}

}  // namespace
}  // namespace rankdx
