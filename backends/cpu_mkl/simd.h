// Vectors of the instruction set being compiled for: GCC's vector types, with
// intrinsics where the compiler has no good spelling. Arithmetic, comparisons and `mask
// ? a : b` are the language's own.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__)
// GCC 12 takes the undefined operands of its own intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include "dtypes.h"

namespace FL_ISA {

#if defined(__AVX512F__)
inline constexpr int kWidth = 64;  // bytes of a vector
#elif defined(__AVX2__)
inline constexpr int kWidth = 32;
#else
inline constexpr int kWidth = 16;
#endif

#define FL_INLINE inline __attribute__((always_inline))

template <class T, int N>
struct VecOf {
  typedef T type __attribute__((vector_size(sizeof(T) * N)));
};
template <int N>
struct VecOf<boolean, N> : VecOf<uint8_t, N> {};

// N elements of T; by default a whole register.
template <class T, int N = kWidth / static_cast<int>(sizeof(T))>
using Vec = typename VecOf<T, N>::type;

template <int Bytes>
struct IntOf;
template <>
struct IntOf<1> {
  using type = int8_t;
};
template <>
struct IntOf<2> {
  using type = int16_t;
};
template <>
struct IntOf<4> {
  using type = int32_t;
};
template <>
struct IntOf<8> {
  using type = int64_t;
};

template <class V>
using Lane = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;
template <class V>
inline constexpr int lanes_of = static_cast<int>(sizeof(V) / sizeof(Lane<V>));
// What comparing two V gives: lanes of all ones or zeros.
template <class V>
using Mask = Vec<typename IntOf<sizeof(Lane<V>)>::type, lanes_of<V>>;

// ---- memory -----------------------------------------------------------------

template <class V>
FL_INLINE V load(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof(V));
  return v;
}

template <class V>
FL_INLINE void store(void* p, V v) {
  std::memcpy(p, &v, sizeof(V));
}

// Past the caches, where vectors are a whole register; p is aligned.
template <class V>
FL_INLINE void stream(void* p, V v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return _mm512_stream_si512(static_cast<__m512i*>(p), __m512i(v));
  }
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(V) == 32) {
    return _mm256_stream_si256(static_cast<__m256i*>(p), __m256i(v));
  }
#endif
#if defined(__SSE2__)
  if constexpr (sizeof(V) == 16) {
    return _mm_stream_si128(static_cast<__m128i*>(p), __m128i(v));
  }
#endif
  store(p, v);
}

#if defined(__AVX2__)
// Mask of the first n of eight words.
FL_INLINE __m256i first_words(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

// The first n < lanes elements; the other lanes are 0, and their memory is not touched.
template <class V>
FL_INLINE V load_some(const void* p, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    const __mmask64 m = (uint64_t{1} << n) - 1;
    if constexpr (sizeof(Lane<V>) == 8) return V(_mm512_maskz_loadu_epi64(m, p));
    if constexpr (sizeof(Lane<V>) == 4) return V(_mm512_maskz_loadu_epi32(m, p));
    if constexpr (sizeof(Lane<V>) == 2) return V(_mm512_maskz_loadu_epi16(m, p));
    if constexpr (sizeof(Lane<V>) == 1) return V(_mm512_maskz_loadu_epi8(m, p));
  } else if constexpr (sizeof(V) == 32) {
    return V(_mm256_maskz_loadu_epi8((uint64_t{1} << (n * sizeof(Lane<V>))) - 1, p));
  } else if constexpr (sizeof(V) == 16) {
    return V(_mm_maskz_loadu_epi8((uint32_t{1} << (n * sizeof(Lane<V>))) - 1, p));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 32 && sizeof(Lane<V>) >= 4) {
    return V(
        _mm256_maskload_epi32(static_cast<const int*>(p),
                              first_words(n * static_cast<int>(sizeof(Lane<V>) / 4))));
  }
#endif
  V v{};
  for (int i = 0; i < n; ++i) v[i] = static_cast<const Lane<V>*>(p)[i];
  return v;
}

// In every lane; not `V{} + x`, which loses the sign of -0.
template <class V>
FL_INLINE V splat(Lane<V> x) {
  V v;
  for (int i = 0; i < lanes_of<V>; ++i) v[i] = x;
  return v;
}

// The first n < lanes elements, and the very first again in the other lanes: so that
// lanes that do not count meet no special case (a zero divisor, a logarithm of 0) of
// their own.
template <class V>
FL_INLINE V load_padded(const void* p, int n) {
  Lane<V> first;
  std::memcpy(&first, p, sizeof(first));
  V v = splat<V>(first);
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    const __mmask64 m = (uint64_t{1} << n) - 1;
    const __m512i raw = __m512i(v);
    if constexpr (sizeof(first) == 8) return V(_mm512_mask_loadu_epi64(raw, m, p));
    if constexpr (sizeof(first) == 4) return V(_mm512_mask_loadu_epi32(raw, m, p));
    if constexpr (sizeof(first) == 2) return V(_mm512_mask_loadu_epi16(raw, m, p));
    if constexpr (sizeof(first) == 1) return V(_mm512_mask_loadu_epi8(raw, m, p));
  }
#endif
  for (int i = 1; i < n; ++i) v[i] = static_cast<const Lane<V>*>(p)[i];
  return v;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// The first words of a vector. AMD's processors take dozens of operations for a store
// with a mask.
FL_INLINE void store_pieces(char* p, __m256i v, int bytes) {
  __m128i part = _mm256_castsi256_si128(v);
  if (bytes & 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), part);
    part = _mm256_extracti128_si256(v, 1);
    p += 16;
  }
  if (bytes & 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), part);
    part = _mm_unpackhi_epi64(part, part);
    p += 8;
  }
  if (bytes & 4) _mm_storeu_si32(p, part);
}
#endif

template <class V>
FL_INLINE void store_some(void* p, V v, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    const __mmask64 m = (uint64_t{1} << n) - 1;
    const __m512i raw = __m512i(v);
    if constexpr (sizeof(Lane<V>) == 8) return _mm512_mask_storeu_epi64(p, m, raw);
    if constexpr (sizeof(Lane<V>) == 4) return _mm512_mask_storeu_epi32(p, m, raw);
    if constexpr (sizeof(Lane<V>) == 2) return _mm512_mask_storeu_epi16(p, m, raw);
    if constexpr (sizeof(Lane<V>) == 1) return _mm512_mask_storeu_epi8(p, m, raw);
  } else if constexpr (sizeof(V) == 32) {
    const __mmask32 m = (uint64_t{1} << (n * sizeof(Lane<V>))) - 1;
    return _mm256_mask_storeu_epi8(p, m, __m256i(v));
  } else if constexpr (sizeof(V) == 16) {
    const __mmask16 m = (uint32_t{1} << (n * sizeof(Lane<V>))) - 1;
    return _mm_mask_storeu_epi8(p, m, __m128i(v));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 32 && sizeof(Lane<V>) >= 4)
    return store_pieces(static_cast<char*>(p), __m256i(v), n * int(sizeof(Lane<V>)));
#endif
  for (int i = 0; i < n; ++i) static_cast<Lane<V>*>(p)[i] = v[i];
}

// ---- values -----------------------------------------------------------------

#if defined(__AVX2__) && !defined(__AVX512F__)
// Lanes of T, a whole register of them, from narrower ones: GCC 12 takes those one by
// one, or in halves.
template <class T, class V>
FL_INLINE auto widen_register(V v) {
  using S = Lane<V>;
  using Out = Vec<T, lanes_of<V>>;
  constexpr int from = sizeof(S), to = sizeof(T);
  constexpr bool s = std::is_signed_v<S>;
  __m128i raw = _mm_setzero_si128();
  std::memcpy(&raw, &v, sizeof(V));
  if constexpr (std::is_same_v<S, float>) {
    return (Out)_mm256_cvtps_pd(__m128(raw));
  } else if constexpr (from == 1 && to == 2) {
    return (Out)(s ? _mm256_cvtepi8_epi16(raw) : _mm256_cvtepu8_epi16(raw));
  } else if constexpr (from == 1 && to == 4) {
    return (Out)(s ? _mm256_cvtepi8_epi32(raw) : _mm256_cvtepu8_epi32(raw));
  } else if constexpr (from == 1) {
    return (Out)(s ? _mm256_cvtepi8_epi64(raw) : _mm256_cvtepu8_epi64(raw));
  } else if constexpr (from == 2 && to == 4) {
    return (Out)(s ? _mm256_cvtepi16_epi32(raw) : _mm256_cvtepu16_epi32(raw));
  } else if constexpr (from == 2) {
    return (Out)(s ? _mm256_cvtepi16_epi64(raw) : _mm256_cvtepu16_epi64(raw));
  } else {
    return (Out)(s ? _mm256_cvtepi32_epi64(raw) : _mm256_cvtepu32_epi64(raw));
  }
}
#endif

// Converts each lane as a C cast does.
template <class T, class V>
FL_INLINE auto convert(V v) {
  using S = Lane<V>;
  constexpr int n = lanes_of<V>;
  [[maybe_unused]] constexpr bool ints = std::is_integral_v<T> && std::is_integral_v<S>;
  if constexpr (std::is_same_v<T, S>) {
    return v;
#if defined(__AVX2__) && !defined(__AVX512F__)
  } else if constexpr (sizeof(T) > sizeof(S) && sizeof(T) * n == kWidth &&
                       (ints ||
                        (std::is_same_v<T, double> && std::is_same_v<S, float>))) {
    return widen_register<T>(v);
#endif
#if !defined(__AVX512F__)
    // In steps of two, for GCC 12 takes greater ones lane by lane.
  } else if constexpr (ints && sizeof(S) > 2 * sizeof(T)) {
    return convert<T>(convert<typename IntOf<sizeof(S) / 2>::type>(v));
  } else if constexpr (ints && sizeof(T) > 2 * sizeof(S)) {
    using Wider = typename IntOf<2 * sizeof(S)>::type;
    using U = std::make_unsigned_t<Wider>;
    return convert<T>(convert<std::conditional_t<std::is_signed_v<S>, Wider, U>>(v));
#endif
  } else {
    return __builtin_convertvector(v, Vec<T, n>);
  }
}

// The lanes of a and then of b.
template <class V>
FL_INLINE auto join(V a, V b) {
  Vec<Lane<V>, 2 * lanes_of<V>> out;
  std::memcpy(&out, &a, sizeof(V));
  std::memcpy(reinterpret_cast<char*>(&out) + sizeof(V), &b, sizeof(V));
  return out;
}

// Lanes of half the size, cut off, of a and then of b.
template <class V>
FL_INLINE auto pack_halves(V a, V b) {
  using H = typename IntOf<sizeof(Lane<V>) / 2>::type;
  constexpr int n = 2 * lanes_of<V>;
  Vec<H, n> even;
  for (int i = 0; i < n; ++i) even[i] = 2 * i;
  return __builtin_shuffle((Vec<H, n>)a, (Vec<H, n>)b, even);
}

// The same bits as lanes of T.
template <class T, class V>
FL_INLINE auto bits_as(V v) {
  return (Vec<T, static_cast<int>(sizeof(V) / sizeof(T))>)v;
}

// Applies a scalar function to each lane: for what has no vector form.
template <class F, class V, class... W>
FL_INLINE V map_lanes(F f, V a, W... rest) {
  V out{};
#pragma GCC unroll 1
  for (int i = 0; i < lanes_of<V>; ++i) out[i] = f(a[i], rest[i]...);
  return out;
}

template <class V>
FL_INLINE bool any_lane(V mask) {
  using W = Vec<int64_t, sizeof(V) / 8>;
  const W words = (W)mask;
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return _mm512_test_epi64_mask(__m512i(words), __m512i(words)) != 0;
  }
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(V) == 32) {
    return !_mm256_testz_si256(__m256i(words), __m256i(words));
  }
#endif
#if defined(__SSE4_1__)
  if constexpr (sizeof(V) == 16) {
    return !_mm_testz_si128(__m128i(words), __m128i(words));
  }
#endif
  int64_t all = 0;
  for (int i = 0; i < lanes_of<W>; ++i) all |= words[i];
  return all != 0;
}

// Folds the lanes pairwise, halves first: op(op(0,4),op(2,6)), ... in a fixed order.
template <class Op, class V>
FL_INLINE Lane<V> fold_lanes(Op op, V v) {
  if constexpr (lanes_of<V> == 1) {
    return v[0];
  } else {
    using H = Vec<Lane<V>, lanes_of<V> / 2>;
    H lo, hi;
    std::memcpy(&lo, &v, sizeof(H));
    std::memcpy(&hi, reinterpret_cast<const char*>(&v) + sizeof(H), sizeof(H));
    return fold_lanes(op, op(lo, hi));
  }
}

// NaN in either gives NaN, as IEEE's maximum and minimum of 2019 have it.
template <class V>
FL_INLINE V max_nan(V a, V b) {
  if constexpr (std::is_floating_point_v<Lane<V>>) {
    return (a > b) | (a != a) ? a : b;
  } else {
    return a > b ? a : b;
  }
}

template <class V>
FL_INLINE V min_nan(V a, V b) {
  if constexpr (std::is_floating_point_v<Lane<V>>) {
    return (a < b) | (a != a) ? a : b;
  } else {
    return a < b ? a : b;
  }
}

// ---- half precision ---------------------------------------------------------

template <int N>
FL_INLINE Vec<float, N> widen(Vec<uint16_t, N> h, bfloat16) {
  return bits_as<float>(convert<uint32_t>(h) << 16);
}

// Rounds to nearest, ties to even; NaN stays NaN. In lanes of 32 bits.
template <class V>
FL_INLINE auto round_bfloat16(V x) {
  using U = Vec<uint32_t, lanes_of<V>>;
  const U u = (U)x;
  const U rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  return x != x ? U{} + 0x7fc0 : rounded;
}

template <int N>
FL_INLINE Vec<uint16_t, N> narrow(Vec<float, N> x, bfloat16) {
  return convert<uint16_t>(round_bfloat16(x));
}

template <int N>
FL_INLINE Vec<float, N> widen(Vec<uint16_t, N> h, float16) {
#if defined(__AVX512F__)
  if constexpr (N == 16) return (Vec<float, N>)_mm512_cvtph_ps((__m256i)h);
#endif
#if defined(__F16C__)
  if constexpr (N == 8) return (Vec<float, N>)_mm256_cvtph_ps((__m128i)h);
#endif
  // Shifted into place, the exponent is short by 112: a product makes that good, and
  // brings subnormals right. Infinity and NaN get their exponent set.
  const auto u = convert<uint32_t>(h);
  const auto sign = (u & 0x8000u) << 16;
  const auto small = bits_as<float>((u & 0x7fffu) << 13) * 0x1p112f;
  const auto special = bits_as<uint32_t>(small) | 0x7f800000u;
  return bits_as<float>(
      ((u & 0x7c00u) == 0x7c00u ? special : bits_as<uint32_t>(small)) | sign);
}

template <int N>
FL_INLINE Vec<uint16_t, N> narrow(Vec<float, N> x, float16) {
#if defined(__AVX512F__)
  if constexpr (N == 16) return (Vec<uint16_t, N>)_mm512_cvtps_ph((__m512)x, 8);
#endif
#if defined(__F16C__)
  if constexpr (N == 8) return (Vec<uint16_t, N>)_mm256_cvtps_ph((__m256)x, 8);
#endif
  using F = Vec<float, N>;
  using U = Vec<uint32_t, N>;
  const U sign = ((U)x >> 16) & 0x8000u;
  const U magnitude = (U)x & 0x7fffffffu;
  // Normal results: round at bit 13. Subnormal ones: adding 0.5 leaves the value,
  // rounded to a multiple of 2^-24, in the low bits.
  const U normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1)) >> 13;
  const U subnormal = (U)((F)magnitude + F{} + 0.5f) - 0x3f000000u;
  U out = magnitude < 0x38800000u ? subnormal : normal;
  out = magnitude >= 0x477ff000u ? U{} + 0x7c00u : out;
  out = magnitude > 0x7f800000u ? U{} + 0x7e00u : out;
  return convert<uint16_t>(out | sign);
}

template <class Half>
FL_INLINE float to_float(Half h) {
  return widen<4>(Vec<uint16_t, 4>{h.bits}, Half{})[0];
}

template <class Half>
FL_INLINE Half from_float(float x) {
  return Half{narrow<4>(Vec<float, 4>{x}, Half{})[0]};
}

// The type in which arithmetic on T is done.
template <class T>
struct ComputeOf {
  using type = T;
};
template <>
struct ComputeOf<float16> {
  using type = float;
};
template <>
struct ComputeOf<bfloat16> {
  using type = float;
};
template <class T>
using Compute = typename ComputeOf<T>::type;

// One element as arithmetic sees it, and back.
template <class T>
FL_INLINE Compute<T> read(T x) {
  if constexpr (std::is_same_v<T, Compute<T>>) {
    return x;
  } else {
    return to_float(x);
  }
}
template <class T>
FL_INLINE T write(Compute<T> x) {
  if constexpr (std::is_same_v<T, Compute<T>>) {
    return x;
  } else {
    return from_float<T>(x);
  }
}

// ---- complex: two vectors, taken apart at load ------------------------------
template <class T, int N>
struct CVec {
  Vec<T, N> re, im;
};

template <class C>
FL_INLINE C load_complex(const void* p) {
  using V = decltype(C::re);
  constexpr int n = lanes_of<V>;
  using M = Mask<V>;
  const V a = load<V>(p), b = load<V>(static_cast<const char*>(p) + sizeof(V));
  M even, odd;
  for (int i = 0; i < n; ++i) {
    even[i] = 2 * i;
    odd[i] = 2 * i + 1;
  }
  return {__builtin_shuffle(a, b, even), __builtin_shuffle(a, b, odd)};
}

template <class C>
FL_INLINE void store_complex(void* p, C v, bool past = false) {
  using V = decltype(C::re);
  constexpr int n = lanes_of<V>;
  using M = Mask<V>;
  M low, high;
  for (int i = 0; i < n; ++i) {
    low[i] = i / 2 + (i % 2) * n;
    high[i] = n / 2 + i / 2 + (i % 2) * n;
  }
  const V first = __builtin_shuffle(v.re, v.im, low);
  const V second = __builtin_shuffle(v.re, v.im, high);
  char* const next = static_cast<char*>(p) + sizeof(V);
  past ? stream(p, first) : store(p, first);
  past ? stream(next, second) : store(next, second);
}

}  // namespace FL_ISA
