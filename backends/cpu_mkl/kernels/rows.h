// Rows of any float type read and written as vectors of the type that sums are made in;
// optional operands; and the exponential, for kernels that fuse it.
#pragma once

#include <algorithm>
#include <cmath>

#include "dtypes.h"
#include "scratch.h"
#include "tile.h"

namespace FL_ISA {

template <class T>
constexpr bool kIsHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

// The first n (at most a vector's) elements at p as vector lanes of the compute type.
template <class T>
FL_INLINE Vec<Compute<T>> load_row(const T* p, int n) {
  if constexpr (kIsHalf<T>) {
    constexpr int L = kLanes<float>;
    using H = Vec<uint16_t, L>;
    return widen<L>(n >= L ? load<H>(p) : load_some<H>(p, n), T{});
  } else {
    return load_first(p, n);
  }
}
template <class T>
FL_INLINE void store_row(T* p, Vec<Compute<T>> v, int n) {
  if constexpr (kIsHalf<T>) {
    constexpr int L = kLanes<float>;
    const Vec<uint16_t, L> h = narrow<L>(v, T{});
    if (n >= L)
      store(p, h);
    else
      store_some(p, h, n);
  } else {
    store_first(p, v, n);
  }
}

// Past the caches where the result is larger than they are: the read of what is to be
// overwritten costs as much as the write itself. The caller ends with stream_fence().
template <class V>
FL_INLINE void store_past([[maybe_unused]] bool past, void* p, V v) {
#if defined(__AVX2__)
  const auto at = reinterpret_cast<uintptr_t>(p);
#endif
#if defined(__AVX512F__)
  if (past && at % 64 == 0)
    return _mm512_stream_si512(static_cast<__m512i*>(p), (__m512i)v);
#elif defined(__AVX2__)
  if (past && at % 32 == 0)
    return _mm256_stream_si256(static_cast<__m256i*>(p), (__m256i)v);
#endif
  store(p, v);
}

// f(offset, lanes) over n elements, a vector at a time.
template <class C, class F>
FL_INLINE void for_lanes(int64_t n, F&& f) {
  constexpr int L = kLanes<C>;
  int64_t i = 0;
  for (; i + L <= n; i += L) f(i, L);
  if (i < n) f(i, int(n - i));
}

// The sum of f(offset, lanes) over n elements, in four parts: additions that wait for
// one another would take longer than the loads.
template <class C, class F>
FL_INLINE Vec<C> sum_over(int64_t n, F&& f) {
  constexpr int L = kLanes<C>;
  Vec<C> a = {}, b = {}, c = {}, d = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    a += f(i, L);
    b += f(i + L, L);
    c += f(i + 2 * L, L);
    d += f(i + 3 * L, L);
  }
  for (; i + L <= n; i += L) a += f(i, L);
  if (i < n) b += f(i, int(n - i));
  return (a + b) + (c + d);
}

// Two sums at once: f(offset, lanes) gives the terms of both.
template <class C>
struct Pair {
  Vec<C> a = {}, b = {};
  FL_INLINE void operator+=(const Pair& o) { a += o.a, b += o.b; }
};
template <class C, class F>
FL_INLINE Pair<C> sums_over(int64_t n, F&& f) {
  constexpr int L = kLanes<C>;
  Pair<C> s[4];
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) s[k] += f(i + k * L, L);
  }
  for (; i + L <= n; i += L) s[0] += f(i, L);
  if (i < n) s[1] += f(i, int(n - i));
  s[0] += s[1], s[2] += s[3], s[0] += s[2];
  return s[0];
}

// Lanes from n on become zero: for sums of what does not vanish on zeros.
template <class C>
FL_INLINE Vec<C> keep_first(Vec<C> v, int n) {
  if (n >= kLanes<C>) return v;
  using I = Lane<Mask<Vec<C>>>;
  Mask<Vec<C>> index;
  for (int i = 0; i < kLanes<C>; ++i) index[i] = I(i);
  return index < I(n) ? v : Vec<C>{};
}

// The largest of n elements that is a number (a NaN shows in what is computed from
// them); -inf where there is none.
template <class T>
Compute<T> largest_number(const T* x, int64_t n) {
  using C = Compute<T>;
  constexpr int L = kLanes<C>;
  const auto larger = [](auto a, auto b) { return b > a ? b : a; };
  const Vec<C> least = Vec<C>{} - C(INFINITY);
  Vec<C> m[4] = {least, least, least, least};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) m[k] = larger(m[k], load_row(x + i + k * L, L));
  }
  for (; i + L <= n; i += L) m[0] = larger(m[0], load_row(x + i, L));
  C most = fold_lanes(larger, larger(larger(m[0], m[1]), larger(m[2], m[3])));
  for (; i < n; ++i) most = larger(most, C(read(x[i])));
  return most;
}

// A count's mean and the sum of squares about it.
template <class C>
struct Spread {
  C mean;
  double squares;
};
// From sums(about) of x - about and of its square: in one pass, about the mean of the
// first few, and another, about the mean itself, where that was a bad guess.
template <class C, class Sums, class Mean>
FL_INLINE Spread<C> spread_of(double n, C guess, Sums&& sums, Mean&& mean) {
  double off, square;
  const auto sum = [&](C about) {
    const Pair<C> d = sums(about);
    off = double(sum_lanes<C>(d.a)), square = double(sum_lanes<C>(d.b));
  };
  sum(guess);
  if (off * off > 0.5 * square * n) sum(guess = mean());
  const double shift = off / n, squares = square - shift * off;
  return {C(guess + shift), squares < 0 ? 0 : squares};
}

inline bool present(const fl_tensor* list, int count, int i) {
  return i < count && list[i].ndim >= 0;
}
inline const fl_tensor* input(const fl_call* call, int i) {
  return present(call->in, call->n_in, i) ? &call->in[i] : nullptr;
}
inline const fl_tensor* output(const fl_call* call, int i) {
  return present(call->out, call->n_out, i) ? &call->out[i] : nullptr;
}

template <class T>
T* data_of(const fl_tensor* t) {
  return t ? static_cast<T*>(t->data) : nullptr;
}
template <class T>
T* data_of(const fl_tensor& t) {
  return static_cast<T*>(t.data);
}

// One value of a float tensor of whatever float type, contiguous.
template <class C>
C value_at(const fl_tensor& t, int64_t i) {
  switch (t.dtype) {
    case FL_FLOAT32:
      return C(static_cast<const float*>(t.data)[i]);
    case FL_FLOAT64:
      return C(static_cast<const double*>(t.data)[i]);
    case FL_FLOAT16:
      return C(read(static_cast<const float16*>(t.data)[i]));
    default:
      return C(read(static_cast<const bfloat16*>(t.data)[i]));
  }
}
template <class C>
void put_at(const fl_tensor& t, int64_t i, C v) {
  switch (t.dtype) {
    case FL_FLOAT32:
      static_cast<float*>(t.data)[i] = float(v);
      break;
    case FL_FLOAT64:
      static_cast<double*>(t.data)[i] = double(v);
      break;
    case FL_FLOAT16:
      static_cast<float16*>(t.data)[i] = write<float16>(float(v));
      break;
    default:
      static_cast<bfloat16*>(t.data)[i] = write<bfloat16>(float(v));
  }
}

// A 1-D parameter as an array of the compute type: itself, or a copy in `slot`. Null
// for an absent one. *ok is cleared when there is no memory.
template <class C>
const C* parameter(const fl_tensor* t, scratch::Slot slot, bool* ok) {
  if (!t || t->numel == 0) return nullptr;
  const int64_t stride = t->ndim > 0 ? t->strides[t->ndim - 1] : 1;
  if (t->dtype == DtypeOf<C>::value && (stride == 1 || t->numel == 1))
    return static_cast<const C*>(t->data);
  C* copy = scratch::array<C>(slot, size_t(t->numel));
  if (!copy) {
    *ok = false;
    return nullptr;
  }
  for (int64_t i = 0; i < t->numel; ++i) copy[i] = value_at<C>(*t, i * stride);
  return copy;
}

inline bool contiguous(const fl_tensor& t) {
  int64_t expect = 1;
  for (int d = t.ndim - 1; d >= 0; --d) {
    if (t.sizes[d] != 1 && t.strides[d] != expect) return false;
    expect *= t.sizes[d];
  }
  return true;
}

// e^x to about one unit in the last place; 0 below and infinity above the range.
template <class C>
FL_INLINE Vec<C> exp_lanes(Vec<C> x) {
  using I = Mask<Vec<C>>;
  constexpr bool single = std::is_same_v<C, float>;
  constexpr C low = single ? C(-87.33654f) : C(-708.3964185322641);
  constexpr C high = single ? C(88.72283f) : C(709.782712893384);
  constexpr C magic = single ? C(0x1.8p23) : C(0x1.8p52);  // adding it rounds
  const Vec<C> shifted = x * C(1.4426950408889634074) + magic;
  const Vec<C> n = shifted - magic;
  const Vec<C> r = single
                       ? (x - n * C(0x1.62e4p-1)) - n * C(1.428606765330187045e-6)
                       : (x - n * C(0x1.62e42feep-1)) - n * C(1.9082149292705877e-10);
  Vec<C> p;
  if constexpr (single) {
    p = r * 1.3981999507e-3f + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
  } else {
    p = r * C(1.0 / 479001600) + C(1.0 / 39916800);
    for (double f :
         {3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0})
      p = p * r + C(1.0 / f);
  }
  p = p * (r * r) + r + C(1);
  constexpr int bits = single ? 23 : 52, bias = single ? 127 : 1023;
  // 2^n in two factors, so that the results next to the upper end do not overflow
  // early.
  const I whole = (I)shifted - (I)(Vec<C>{} + magic);
  const I half = whole >> 1;
  const Vec<C> scale1 = (Vec<C>)((half + bias) << bits);
  const Vec<C> scale2 = (Vec<C>)((whole - half + bias) << bits);
  const Vec<C> y = p * scale1 * scale2;
  const Vec<C> top = Vec<C>{} + C(INFINITY);
  return x != x ? x : x < low ? Vec<C>{} : x > high ? top : y;
}

// e^x of what is not above 0: fewer cases, and what would be subnormal is 0. NaN stays.
template <class C>
FL_INLINE Vec<C> exp_nonpositive(Vec<C> x) {
  if constexpr (std::is_same_v<C, float>) {
    using I = Mask<Vec<C>>;
    constexpr float magic =
        0x1.8p23f + 127;  // adding it rounds, and biases the exponent
    const Vec<C> shifted = x * 1.44269504f + magic;
    const Vec<C> n = shifted - magic;
    const Vec<C> r = (x - n * 0x1.62e4p-1f) - n * 1.428606765330187045e-6f;
    Vec<C> p = r * 1.3981999507e-3f + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return x < -87.33654f ? Vec<C>{} : p * (Vec<C>)((I)shifted << 23);
  } else {
    return exp_lanes<C>(x);
  }
}

// By e^-|x|, which is in range.
template <class C>
FL_INLINE Vec<C> sigmoid_lanes(Vec<C> x) {
  const Vec<C> e = exp_nonpositive<C>(x < C(0) ? x : -x);
  const Vec<C> one = Vec<C>{} + C(1);
  return (x < C(0) ? e : one) / (one + e);
}

// By e^-2|x|, and by a polynomial next to zero, where the difference would cancel.
template <class C>
FL_INLINE Vec<C> tanh_lanes(Vec<C> x) {
  const Vec<C> a = x < C(0) ? -x : x;
  const Vec<C> e = exp_nonpositive<C>(C(-2) * a);
  const Vec<C> big = (C(1) - e) / (C(1) + e);
  const Vec<C> s = x * x;
  Vec<C> p;
  C near;
  if constexpr (std::is_same_v<C, float>) {
    near = C(0.25);
    p = s * C(62.0 / 2835) + C(-17.0 / 315);
    p = p * s + C(2.0 / 15);
    p = p * s + C(-1.0 / 3);
  } else {
    near = C(0.02);
    p = s * C(-1382.0 / 155925) + C(62.0 / 2835);
    p = p * s + C(-17.0 / 315);
    p = p * s + C(2.0 / 15);
    p = p * s + C(-1.0 / 3);
  }
  const Vec<C> small = x + x * s * p;
  return a < near ? small : x < C(0) ? -big : big;
}

}  // namespace FL_ISA
