// All ways to compare agree with a slow loop, and a shape lets digits go and nothing else.
#include "scan/shape.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/text.h"

namespace rankdx {
namespace {

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// What the shape of `text` allows at each place: 'd' a digit, 'x' a hexadecimal one, 0 the same.
std::string freedom(std::string_view text, size_t hex_at, size_t hex_size) {
  std::string free(text.size(), '\0');
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "0x" && i + 2 < text.size() && is_hex(text[i + 2])) {
      inside = true;
      ++i;
      continue;
    }
    inside = inside && is_hex(text[i]);
    if (inside || (i >= hex_at && i < hex_at + hex_size)) {
      free[i] = 'x';
    } else if (is_digit(text[i])) {
      free[i] = 'd';
    }
  }
  return free;
}

bool fits_slowly(std::string_view text, std::string_view free, std::string_view other) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool fits = free[i] == 'd'   ? is_digit(other[i])
                      : free[i] == 'x' ? is_hex(other[i])
                                       : other[i] == text[i];
    if (!fits) return false;
  }
  return true;
}

std::string random_text(std::mt19937& random, size_t size) {
  static const std::string_view kParts[] = {"0x", "0x7f", " count ", "19", "a",
                                            "F",  "gG",   " ",       ":"};
  std::string text;
  while (text.size() < size) text += kParts[random() % std::size(kParts)];
  text.resize(size);
  return text;
}

TEST(Shape, AllWaysAgree) {
  std::mt19937 random(11);
  const std::string behind(Shape::kMostBytes, '7');
  for (int round = 0; round < 20'000; ++round) {
    const size_t size = 1 + random() % Shape::kMostBytes;
    const std::string text = random_text(random, size);
    size_t hex_at = random() % size, hex_size = 0;
    while (hex_size < 4 && hex_at + hex_size < size && is_hex(text[hex_at + hex_size])) ++hex_size;
    const Shape shape = shape_of(text, std::string_view(text).substr(hex_at, hex_size));
    std::string other = text + behind;
    const std::string free = freedom(text, hex_at, hex_size);
    for (size_t i = 0; i < size; ++i) {
      if (free[i]) other[i] = free[i] == 'd' ? "0189"[random() % 4] : "09afAF"[random() % 6];
    }
    for (size_t changes = random() % 3; changes > 0; --changes) {
      other[random() % size] = "09afgAFG:/@` x"[random() % 14];
    }
    const char* const at = other.data();
    const bool fits = fits_slowly(text, free, {at, size});
    for (const ShapeWay& way : shape_ways()) {
      ASSERT_EQ(way.fits(shape, at), fits) << way.name << "\n" << text << "\n" << at;
    }
  }
}

TEST(Shape, KeepsTheZeroOfAPointer) {
  const std::string text =
      "NCCL INFO Mem Alloc Size 64 pointer 0x7f00 of 12 in this communicator 1";
  const Shape shape = shape_of(text, {});
  const auto fits = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    other.resize(Shape::kMostBytes);
    return shape_ways().front().fits(shape, other.data());
  };
  EXPECT_TRUE(fits("64", "99"));
  EXPECT_TRUE(fits("7f00", "ABcd"));
  EXPECT_FALSE(fits("64", "6f"));
  EXPECT_FALSE(fits("0x7f00", "1x7f00"));
  EXPECT_FALSE(fits("0x7f00", "0x7g00"));
  EXPECT_FALSE(fits("Alloc", "alloc"));
}

}  // namespace
}  // namespace rankdx
