// Keys that order elements as `sort` does (NaN last, -0 equal to 0), rows along one
// dimension, and a radix sort of keys packed with their indices.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "elements.h"

namespace FL_ISA::inline data_kernels {

// In this namespace, unlike std::greater: what is made of it is of one instruction set.
struct Descending {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a > b;
  }
};

template <size_t Bytes>
using UnsignedOf = std::conditional_t<
    Bytes == 1, uint8_t,
    std::conditional_t<Bytes == 2, uint16_t,
                       std::conditional_t<Bytes == 4, uint32_t, uint64_t>>>;

// Note [Ordered keys]
// An unsigned integer for each element, in the order of the elements: integers with the
// sign bit flipped; floats with all bits flipped when negative, else the sign bit. All
// NaNs share the largest key and both zeros one key, so that sorting is stable among
// them; decoding those keys (kAll and kSign) gives some NaN and +0.
template <class T>
struct Key {
  using Bits = UnsignedOf<sizeof(T)>;
  // 16 bits and fewer in 32-bit keys: one size less to compile and to test.
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(T) - 1));
  static constexpr Bits kAll = static_cast<Bits>(~Bits{0});
  static constexpr Bits kInfinity = std::is_same_v<T, float16>    ? Bits(0x7C00)
                                    : std::is_same_v<T, bfloat16> ? Bits(0x7F80)
                                    : sizeof(T) == 4 ? Bits(0x7F800000u)
                                                     : Bits(0x7FF0000000000000ull);

  static U encode(T x) {
    if constexpr (is_float_type<T>) {
      const Bits b = std::bit_cast<Bits>(x);
      const Bits magnitude = static_cast<Bits>(b & ~kSign);
      const Bits flipped =
          static_cast<Bits>(b & kSign ? (magnitude == 0 ? kSign : static_cast<Bits>(~b))
                                      : static_cast<Bits>(b | kSign));
      return magnitude > kInfinity ? kAll : flipped;
    } else if constexpr (std::is_same_v<T, boolean>) {
      return x.value != 0;
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<Bits>(static_cast<Bits>(x) ^ kSign);
    } else {
      return x;
    }
  }

  static T decode(U key) {
    const Bits k = static_cast<Bits>(key);
    if constexpr (is_float_type<T>) {
      return std::bit_cast<T>(
          static_cast<Bits>(k & kSign ? k & ~kSign : static_cast<Bits>(~k)));
    } else if constexpr (std::is_same_v<T, boolean>) {
      return boolean{static_cast<uint8_t>(k)};
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(k ^ kSign);
    } else {
      return k;
    }
  }

  // The bits of a key that may be set.
  static constexpr U kMask = std::is_same_v<T, boolean> ? U{1} : static_cast<U>(kAll);
};

// The 1-D rows of a tensor along `dim`: where row i begins.
class DimRows {
 public:
  DimRows(const fl_tensor& t, int64_t dim)
      : t_(t), dim_(t.ndim > 0 && dim < 0 ? dim + t.ndim : dim) {}
  int64_t length() const { return t_.ndim == 0 ? 1 : t_.sizes[dim_]; }
  int64_t stride() const { return t_.ndim == 0 ? 1 : t_.strides[dim_]; }
  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < t_.ndim; d++) n *= d == dim_ ? 1 : t_.sizes[d];
    return n;
  }
  int64_t begin(int64_t row) const {
    if (t_.ndim == 2) return row * t_.strides[1 - dim_];
    int64_t offset = 0;
    for (int d = t_.ndim - 1; d >= 0; d--) {
      if (d == dim_) continue;
      offset += row % t_.sizes[d] * t_.strides[d];
      row /= t_.sizes[d];
    }
    return offset;
  }

 private:
  const fl_tensor& t_;
  int64_t dim_;
};

// Note [Radix sort]
// Of packed numbers by `bits` bits from `low` on, stably, least significant digit
// first: one scan counts all digits, then each digit that is not the same everywhere
// costs a pass. A pass writes to as many places as there are digits, each a line of the
// nearest cache: with more than 10 bits it takes three times as long (AMD Zen 3), and
// as long with 8 as with 10. n is below 2³².
struct Radix {
  static constexpr int kMostBits = 10, kMostCounts = 7 << kMostBits;
  int low, width, passes;

  Radix(int64_t n, int low_bit, int bits) : low(low_bit) {
    const int most = n < 4096 ? 8 : kMostBits;
    passes = (bits + most - 1) / most;
    width = passes == 0 ? 0 : (bits + passes - 1) / passes;
  }

  int64_t digits() const { return int64_t{1} << width; }
  int64_t digit(uint64_t key, int shift) const {
    return static_cast<int64_t>(key >> shift) & (digits() - 1);
  }

  // counts[p·digits + d]: how many numbers have digit d in pass p. Two passes at a
  // time: a loop over the passes of one number takes three times as long.
  [[gnu::noinline]] void count(const uint64_t* a, int64_t n, uint32_t* counts) const {
    std::fill_n(counts, passes * digits(), 0);
    int p = 0;
    for (; p + 2 <= passes; p += 2) {
      const int shift = low + p * width, next_shift = shift + width;
      uint32_t *first = counts + p * digits(), *second = first + digits();
#pragma GCC unroll 4
      for (int64_t i = 0; i < n; i++) {
        first[digit(a[i], shift)]++;
        second[digit(a[i], next_shift)]++;
      }
    }
    if (p == passes) return;
#pragma GCC unroll 4
    for (int64_t i = 0; i < n; i++)
      counts[p * digits() + digit(a[i], low + p * width)]++;
  }

  // Unrolled: the processor then foresees better which place was written just before.
  [[gnu::noinline]] void move(const uint64_t* a, int64_t n, int shift, uint32_t* place,
                              uint64_t* __restrict out) const {
    constexpr int64_t kAtOnce = 8;
    int64_t i = 0;
    for (; i + kAtOnce <= n; i += kAtOnce) {
#pragma GCC unroll 8
      for (int64_t k = 0; k < kAtOnce; k++) {
        out[place[digit(a[i + k], shift)]++] = a[i + k];
      }
    }
    for (; i < n; i++) out[place[digit(a[i], shift)]++] = a[i];
  }
};

// See Note [Radix sort]; returns where the result is, `a` or `spare`.
inline uint64_t* radix_sort(uint64_t* a, uint64_t* spare, int64_t n, int low,
                            int bits) {
  const Radix radix(n, low, bits);
  uint32_t counts[Radix::kMostCounts];
  radix.count(a, n, counts);
  for (int p = 0; p < radix.passes; p++) {
    const int shift = low + p * radix.width;
    uint32_t* place = counts + p * radix.digits();
    if (place[radix.digit(a[0], shift)] == n) continue;
    uint32_t total = 0;
    for (int64_t d = 0; d < radix.digits(); d++)
      total += std::exchange(place[d], total);
    radix.move(a, n, shift, place, spare);
    std::swap(a, spare);
  }
  return a;
}

}  // namespace FL_ISA::inline data_kernels
