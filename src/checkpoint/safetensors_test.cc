#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "checkpoint/safetensors_reference.h"
#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

using test::length_field;
using test::safetensors_file;

/// "" for an accepted file.
std::string fault_of(std::string_view file, uint64_t file_bytes = 0) {
  const auto result = parse_safetensors(file, std::max<uint64_t>(file_bytes, file.size()));
  return result ? "" : std::string(to_string(result.error().fault));
}

struct Case {
  std::string header;
  uint64_t data;
  std::string_view fault;
};

constexpr std::string_view kF32 = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(Safetensors, LengthField) {
  EXPECT_EQ(fault_of(""), "header-too-small");
  EXPECT_EQ(fault_of("1234567"), "header-too-small");
  EXPECT_EQ(fault_of(length_field(100'000'001)), "header-too-large");
  EXPECT_EQ(fault_of(length_field(uint64_t{1} << 63), 1 << 20), "header-too-large");
  EXPECT_EQ(fault_of(length_field(UINT64_MAX), 1 << 20), "header-too-large");
  EXPECT_EQ(fault_of(length_field(100'000'000)), "header-length");
  EXPECT_EQ(fault_of(length_field(3) + "{}"), "header-length");
  EXPECT_EQ(fault_of(length_field(2) + "{}"), "");
  EXPECT_EQ(fault_of("version https://git-lfs.github.com/spec/v1\n"), "header-too-large");
}

TEST(Safetensors, Headers) {
  const std::string deep(200, '[');
  const Case cases[] = {
      {std::string(kF32), 8, ""},
      {"  \n" + std::string(kF32) + " \t ", 8, ""},
      {std::string(kF32), 7, "not-covered"},
      {std::string(kF32), 9, "not-covered"},
      {"\xFF{}", 0, "header-utf8"},
      {"{\"\xC0\xAF\":1}", 0, "header-utf8"},
      {"{\"\xED\xA0\x80\":1}", 0, "header-utf8"},
      {"", 0, "header-json"},
      {"[]", 0, "header-json"},
      {"null", 0, "header-json"},
      {"{} x", 0, "header-json"},
      {"{", 0, "header-json"},
      {std::string("{}\0", 3), 0, "header-json"},
      {"\xEF\xBB\xBF{}", 0, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},})", 8, "header-json"},
      {R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}})", 0, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8,
       "header-json"},
      {R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}})", 8, "header-json"},
      {R"({"a":null})", 0, "header-json"},
      {R"({"__metadata__":{"a":1}})", 0, "header-json"},
      {R"({"__metadata__":[]})", 0, "header-json"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "header-json"},
      {R"({"__metadata__":{"a":"1"}})", 0, ""},
      {R"({"__metadata__":null})", 0, ""},
      {R"({"\u005f_metadata__":{"a":"1"}})", 0, ""},
      {R"({"a\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {"{\"a\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "header-json"},
      {R"({"a\n\ud83d\ude00":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, ""},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1e400}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":NaN}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":[1.5,{"y":null}]}})", 8, ""},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":)" + deep + "}}", 8,
       "header-json"},
      // What the derived deserialisers take as well.
      {R"({"a":["F32",[2],[0,8]]})", 8, ""},
      {R"({"a":["F32",[2]]})", 8, "header-json"},
      {R"({"a":["F32",[2],[0,8],1]})", 8, "header-json"},
      {R"({"a":{"dtype":{"F32":null},"shape":[2],"data_offsets":[0,8]}})", 8, ""},
      {R"({"a":{"dtype":{"F32":1},"shape":[2],"data_offsets":[0,8]}})", 8, "header-json"},
      {R"({"a":{"dtype":"F32","shape":[9],"data_offsets":[3,8]},)"
       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       8, ""},
      // Offsets
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})", 9, "offset"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "offset"},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
       R"("b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
       5, "offset"},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
       R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3, "offset"},
      {R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]},)"
       R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
       4, ""},
      {R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
       R"("a":{"dtype":"U8","shape":[0,5],"data_offsets":[0,0]}})",
       2, ""},
      // Sizes
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", 9, "tensor-size"},
      {R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4, ""},
      {R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8, ""},
      {R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", 1, ""},
      {R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1, "misaligned"},
      {R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3, ""},
      {R"({"a":{"dtype":"F6_E3M2","shape":[2],"data_offsets":[0,1]}})", 1, "misaligned"},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "overflow"},
      {R"({"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
       "overflow"},
      {R"({"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0, ""},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0,
       "overflow"},
  };
  for (const Case& c : cases) {
    const std::string file = safetensors_file(c.header, c.data);
    EXPECT_EQ(fault_of(file), c.fault) << c.header;
    const auto slow = slow_safetensors_verdict(file, file.size());
    EXPECT_EQ(slow ? to_string(*slow) : "", c.fault) << c.header;
  }
}

TEST(Safetensors, WordsOfTheReference) {
  const auto text = [](const std::string& header, uint64_t data) {
    const auto result = parse_safetensors(safetensors_file(header, data), 0);
    return result ? "" : result.error().text;
  };
  EXPECT_EQ(text(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})", 9),
            "invalid offset for tensor `a`");
  EXPECT_EQ(text(std::string(kF32), 0), "incomplete metadata, file not fully covered");
  EXPECT_EQ(text("{\n  x", 0), "invalid JSON in header: key must be a string at line 2 column 3");
}

TEST(Safetensors, SizesOfTheError) {
  const std::string file = safetensors_file(std::string(kF32), 3);
  const auto error = parse_safetensors(file, file.size()).error();
  EXPECT_EQ(error.expected_bytes, file.size() + 5);
  EXPECT_EQ(error.file_bytes, file.size());
}

TEST(Safetensors, TensorsByOffsetWithTheirShapes) {
  const std::string file = safetensors_file(
      {{"b", "BF16", {3, 2}, 12}, {"a", "F8_E4M3", {}, 1}, {"c\\u0041", "I64", {1}, 8}});
  auto parsed = parse_safetensors(file, file.size());
  ASSERT_TRUE(parsed);
  const SafetensorsHeader header = std::move(*parsed);
  ASSERT_EQ(header.tensors.size(), 3u);
  EXPECT_EQ(header.tensors[0].name, "b");
  EXPECT_EQ(header.tensors[0].dtype->name, "BF16");
  EXPECT_EQ(header.shape(header.tensors[0]), (std::vector<uint64_t>{3, 2}));
  EXPECT_EQ(header.shape(header.tensors[1]), (std::vector<uint64_t>{}));
  EXPECT_EQ(header.tensors[2].name, "cA");
  EXPECT_EQ(header.data_bytes, 21u);
  EXPECT_EQ(header.metadata, (decltype(header.metadata){{"format", "pt"}}));
}

TEST(Safetensors, DtypesAreSorted) {
  const auto& table = safetensors_dtypes();
  for (size_t i = 1; i < table.size(); ++i) EXPECT_LT(table[i - 1].name, table[i].name);
  EXPECT_EQ(table.size(), 22u);
}

bool of_validation(SafetensorsFault f) {
  return f >= SafetensorsFault::Offset && f <= SafetensorsFault::TensorSize;
}

/// Which of two tensors with the same offsets is blamed is not part of the rules.
void expect_agreement(const std::string& file, uint64_t file_bytes) {
  const auto fast = parse_safetensors(file, file_bytes);
  const auto slow = slow_safetensors_verdict(file, file_bytes);
  ASSERT_EQ(!fast, slow.has_value()) << file.substr(8);
  if (slow && !(of_validation(*slow) && of_validation(fast.error().fault))) {
    ASSERT_EQ(to_string(fast.error().fault), to_string(*slow)) << file.substr(8);
  }
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  uint64_t below(uint64_t n) { return random_() % n; }

  std::string valid() {
    const auto& dtypes = safetensors_dtypes();
    std::vector<test::TestTensor> tensors;
    for (uint64_t i = 0, n = below(6); i < n; ++i) {
      const auto& dtype = dtypes[below(dtypes.size())];
      test::TestTensor t{"t" + std::to_string(i), std::string(dtype.name), {}, 1};
      for (uint64_t d = 0, dims = below(4); d < dims; ++d) t.shape.push_back(below(5));
      if (dtype.bits < 8) t.shape.push_back(4);
      for (uint64_t dim : t.shape) t.bytes *= dim;
      t.bytes = t.bytes * dtype.bits / 8;
      tensors.push_back(t);
    }
    return safetensors_file(tensors);
  }

  void mutate(std::string& file) {
    static const std::string kSigns = "{}[]\":,0123456789eE+-. \\u\n\tabtfnull\xC3\xA9";
    const uint64_t at = below(file.size()) % 200;
    switch (below(7)) {
      case 0:
        file[at % file.size()] = static_cast<char>(below(256));
        break;
      case 1:
        file[8 + at % (file.size() - 8)] = kSigns[below(kSigns.size())];
        break;
      case 2:
        file.insert(at % file.size(), 1, kSigns[below(kSigns.size())]);
        break;
      case 3:
        file.erase(8 + at % (file.size() - 8), 1 + below(4));
        break;
      case 4:
        file.resize(8 + below(file.size() - 7));
        break;
      case 5:
        file.append(below(9), '\0');
        break;
      default:
        swap_words(file);
    }
  }

 private:
  void swap_words(std::string& file) {
    static const std::vector<std::string> kWords = {"F32",
                                                    "F4",
                                                    "dtype",
                                                    "shape",
                                                    "[0,8]",
                                                    "[]",
                                                    "null",
                                                    "\"t0\"",
                                                    "-0",
                                                    "1e3",
                                                    "18446744073709551615",
                                                    "{\"F32\":null}",
                                                    "__metadata__",
                                                    "\\u0041",
                                                    "\\ud83d"};
    const std::string& from = kWords[below(kWords.size())];
    const std::string& to = kWords[below(kWords.size())];
    if (const size_t i = file.find(from, 8); i != std::string::npos)
      file.replace(i, from.size(), to);
    else
      file.insert(8 + below(file.size() - 8) % 100, to);
  }
  std::mt19937 random_;
};

/// Mutations often make the length field wrong first; repaired, the JSON is what is tested.
void repair_length(std::string& file, uint64_t data) {
  if (file.size() < 8 + data) return;
  file.replace(0, 8, length_field(file.size() - 8 - data));
}

TEST(Safetensors, AgreesWithTheSlowRules) {
  uint32_t seeds = 30'000;
  if (const char* more = std::getenv("RANKDX_PROPERTY_RUNS"))
    seeds = static_cast<uint32_t>(std::atoi(more));
  size_t accepted = 0;
  for (uint32_t seed = 0; seed < seeds; ++seed) {
    Generator g(seed);
    std::string file = g.valid();
    ASSERT_EQ(fault_of(file), "") << file.substr(8);
    const uint64_t data = file.size() - 8 - static_cast<unsigned char>(file[0]) -
                          256u * static_cast<unsigned char>(file[1]);
    for (uint64_t i = 0, n = 1 + g.below(3); i < n && file.size() > 9; ++i) g.mutate(file);
    if (g.below(3) != 0) repair_length(file, data);
    accepted += fault_of(file).empty() ? 1 : 0;
    expect_agreement(file, file.size());
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, seeds / 50);  // else the mutations test little
  EXPECT_LT(accepted, seeds / 2);
}

}  // namespace
}  // namespace rankdx
