// Hash and comparison of short texts, without a call and with few branches: for the tables of the
// hot path.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rankdx {

inline uint64_t load8(const char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline uint64_t mix8(uint64_t a, uint64_t b) {
  a = (a ^ b) * 0x9e3779b97f4a7c15ULL;
  return a ^ (a >> 32);
}

/// Of all bytes.
inline uint64_t quick_hash(std::string_view text) {
  const char* p = text.data();
  const size_t n = text.size();
  if (n < 8) {
    uint64_t value = n;
    for (char c : text) value = value << 8 | static_cast<unsigned char>(c);
    return mix8(value, 0);
  }
  uint64_t even = n, odd = ~n;
  size_t i = 0;
  for (; i + 32 <= n; i += 16) {
    even = mix8(even, load8(p + i));
    odd = mix8(odd, load8(p + i + 8));
  }
  if (n >= 16) {  // what is left, 16 to 31 bytes: two pairs that may overlap
    even = mix8(mix8(even, load8(p + i)), load8(p + n - 16));
    odd = mix8(mix8(odd, load8(p + i + 8)), load8(p + n - 8));
  } else {
    even = mix8(even, load8(p));
    odd = mix8(odd, load8(p + n - 8));
  }
  return mix8(even, odd);
}

inline bool quick_equal(std::string_view a, std::string_view b) {
  const size_t n = a.size();
  if (n != b.size()) return false;
  if (n < 8) return a == b;
  uint64_t differ = load8(a.data() + n - 8) ^ load8(b.data() + n - 8);
  for (size_t i = 0; i + 8 < n; i += 8) differ |= load8(a.data() + i) ^ load8(b.data() + i);
  return differ == 0;
}

}  // namespace rankdx
