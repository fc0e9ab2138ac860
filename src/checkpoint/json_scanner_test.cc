#include "checkpoint/json_scanner.h"

#include <gtest/gtest.h>

#include "checkpoint/json_tree.h"

namespace rankdx {
namespace {

/// "" where the text is a value, else "line:column what".
std::string error_of(std::string_view text, JsonDialect dialect = JsonDialect::Strict) {
  JsonScanner json(text, dialect);
  if (json.skip() && json.end()) return "";
  const JsonError e = json.error();
  return std::to_string(e.place.line) + ":" + std::to_string(e.place.column) + " " + e.text;
}

struct Case {
  std::string_view text, strict, python;
};

TEST(JsonScanner, Values) {
  const Case cases[] = {
      {"{}", "", ""},
      {" [ 1 , -2.5e+3 , \"a\" , true , false , null , {\"k\":[]} ] ", "", ""},
      {"", "1:1 unexpected end", "1:1 unexpected end"},
      {"{", "1:2 unexpected end", "1:2 unexpected end"},
      {"[1,]", "1:4 trailing comma", "1:4 trailing comma"},
      {"{\"a\":1,}", "1:8 trailing comma", "1:8 trailing comma"},
      {"{\"a\" 1}", "1:6 expected `:`", "1:6 expected `:`"},
      {"{a:1}", "1:2 key must be a string", "1:2 key must be a string"},
      {"[1 2]", "1:4 expected `,` or `]`", "1:4 expected `,` or `]`"},
      {"1 x", "1:3 trailing characters", "1:3 trailing characters"},
      {"\n\n  tru", "3:3 expected a value", "3:3 expected a value"},
      {"NaN", "1:1 expected a value", ""},
      {"-Infinity", "1:2 invalid number", ""},
      {"01", "1:1 invalid number", "1:1 invalid number"},
      {"1.", "1:3 invalid number", "1:3 invalid number"},
      {"1e", "1:3 invalid number", "1:3 invalid number"},
      {"-", "1:2 invalid number", "1:2 invalid number"},
      {"1e999", "1:6 number out of range", ""},
      {"1e-999", "", ""},
      {"0e999", "", ""},
      {"\"\\ud83d\\ude00\"", "", ""},
      {"\"\\ud83d\"", "1:8 lone surrogate in an escape", ""},
      {"\"\\x\"", "1:4 invalid escape", "1:4 invalid escape"},
      {"\"\\u12g4\"", "1:6 invalid escape", "1:6 invalid escape"},
      {"\"a\tb\"", "1:3 control character in a string", "1:3 control character in a string"},
      {"\"abcdefgh", "1:10 unexpected end of a string", "1:10 unexpected end of a string"},
      {"\"\xC3\xA9\" x", "1:5 trailing characters", "1:5 trailing characters"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(error_of(c.text), c.strict) << c.text;
    EXPECT_EQ(error_of(c.text, JsonDialect::Python), c.python) << c.text;
  }
}

TEST(JsonScanner, DepthIsBounded) {
  EXPECT_EQ(error_of(std::string(127, '[') + std::string(127, ']')), "");
  EXPECT_EQ(error_of(std::string(128, '[')), "1:128 recursion limit exceeded");
  EXPECT_EQ(error_of(std::string(1'000'000, '[')), "1:128 recursion limit exceeded");
}

TEST(JsonScanner, StringsOfEveryLength) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t escaped = 0; escaped <= length; ++escaped) {
      std::string plain(length, 'x'), text(length, 'x');
      if (escaped < length) plain[escaped] = '"', text.replace(escaped, 1, "\\\"");
      const std::string quoted = '"' + text + '"';
      JsonScanner json(quoted, JsonDialect::Strict);
      std::string_view value;
      ASSERT_TRUE(json.string(value));
      ASSERT_EQ(value, plain);
    }
  }
}

TEST(JsonScanner, Integers) {
  const auto read = [](std::string_view text) {
    JsonScanner json(text, JsonDialect::Strict);
    JsonNumber n;
    if (!json.number(n)) return std::string("no number");
    return n.integer ? (n.negative ? "-" : "") + std::to_string(n.magnitude) : "no integer";
  };
  EXPECT_EQ(read("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(read("18446744073709551616"), "no integer");
  EXPECT_EQ(read("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(read("-9223372036854775809"), "no integer");
  EXPECT_EQ(read("-0"), "no integer");
  EXPECT_EQ(read("1.0"), "no integer");
}

TEST(JsonScanner, Utf8) {
  EXPECT_EQ(first_invalid_utf8("plain and \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            std::string_view::npos);
  EXPECT_EQ(first_invalid_utf8("12345678\x80"), 8u);
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF",
                          "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xC3"})
    EXPECT_EQ(first_invalid_utf8(bad), 0u);
}

TEST(JsonTree, FindsAndPlaces) {
  const auto root =
      parse_json_tree(R"({"a": 1, "a": [true, "x"], "n": -7, "b": {"c": null}})", "f");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("a")->items().at(1).text(), "x");  // the last counts
  EXPECT_EQ(root->find("a")->items().at(0).boolean(), true);
  EXPECT_EQ(root->find("n")->integer(), -7);
  EXPECT_TRUE(root->find("b")->find("c")->is_null());
  EXPECT_EQ(root->find("zzz"), nullptr);
  JsonPlace place;
  const auto bad = parse_json_tree("{\n \"a\": }", "config.json", &place);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().place, "config.json:2:7");
  EXPECT_EQ(place.column, 7u);
  EXPECT_EQ(parse_json_tree("{\"\xFF\":1}", "f").error().text, "is not UTF-8");
}

}  // namespace
}  // namespace rankdx
