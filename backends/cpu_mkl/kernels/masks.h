// Masks of elements, 64 at a time as the bits of a number: the loop of nonzero,
// count_nonzero, masked_select and masked_scatter.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "elements.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace FL_ISA::inline data_kernels {

constexpr int64_t kMaskBits = 64;

// Bit i tells whether byte i is not 0.
inline uint64_t bits_of_bytes(const uint8_t* bytes) {
#if defined(__AVX512BW__)
  const __m512i v = _mm512_loadu_si512(bytes);
  return _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
  const auto half = [](const uint8_t* p) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i none = _mm256_cmpeq_epi8(v, _mm256_setzero_si256());
    return ~static_cast<uint32_t>(_mm256_movemask_epi8(none));
  };
  return half(bytes) | static_cast<uint64_t>(half(bytes + 32)) << 32;
#else
  uint64_t mask = 0;
  for (int i = 0; i < 64; i++) mask |= uint64_t{bytes[i] != 0} << i;
  return mask;
#endif
}

template <class T>
inline bool is_nonzero(T x) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return (x.bits & 0x7FFF) != 0;
  } else if constexpr (std::is_same_v<T, boolean>) {
    return x.value != 0;
  } else if constexpr (is_complex_type<T>) {
    return x.real() != 0 || x.imag() != 0;
  } else {
    return x != 0;
  }
}

// Which of n <= 64 elements are not 0.
template <class T>
inline uint64_t nonzero_bits(const T* x, int64_t stride, int64_t n) {
  if constexpr (sizeof(T) == 1) {
    if (stride == 1 && n == kMaskBits) {
      return bits_of_bytes(reinterpret_cast<const uint8_t*>(x));
    }
  }
  uint8_t bytes[kMaskBits] = {};
  if (stride == 1 && n == kMaskBits) {
    for (int64_t i = 0; i < kMaskBits; i++) bytes[i] = is_nonzero(x[i]);
  } else {
    for (int64_t i = 0; i < n; i++) bytes[i] = is_nonzero(x[i * stride]);
  }
  return bits_of_bytes(bytes);
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// For each byte, the positions of its set bits: what AVX-512 has an instruction for.
inline constexpr auto kSetBits = [] {
  std::array<std::array<uint8_t, 8>, 256> bits{};
  for (size_t byte = 0; byte < 256; byte++) {
    size_t count = 0;
    for (uint8_t i = 0; i < 8; i++) {
      if (byte >> i & 1) bits[byte][count++] = i;
    }
  }
  return bits;
}();
constexpr int64_t kFewBits = 8;  // of 64: so few go one by one
#endif

// Calls f(i) for the bits that are set, from the lowest.
template <class F>
inline void each_bit(uint64_t mask, F&& f) {
  for (; mask != 0; mask &= mask - 1) f(std::countr_zero(mask));
}

}  // namespace FL_ISA::inline data_kernels
