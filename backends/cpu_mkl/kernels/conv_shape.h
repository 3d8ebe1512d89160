// Convolutions as lists of taps over planes: the shapes that the kernels of conv*.cpp
// share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "product.h"

namespace FL_ISA {

constexpr int kSpatial = 3;  // depth, height, width; fewer are padded with 1 in front

struct ConvShape {
  int64_t n = 0, groups = 1, ci = 0, co = 0;  // channels are those of one group
  int64_t in[kSpatial], out[kSpatial], k[kSpatial];
  int64_t stride[kSpatial], pad[kSpatial], dil[kSpatial];

  static int64_t volume(const int64_t (&s)[kSpatial]) { return s[0] * s[1] * s[2]; }
  int64_t taps() const { return volume(k); }
  int64_t in_size() const { return volume(in); }
  int64_t out_size() const { return volume(out); }
};

// Note [Phases]
// A source plane is copied once with its padding, split by the remainders of
// coordinates divided by the stride: every tap of a strided convolution then reads runs
// of neighbours, at a fixed offset from the pixel that it contributes to.
struct Phases {
  int64_t src[kSpatial];   // of a plane of the source
  int64_t pad[kSpatial];   // may be negative: then the plane is cropped
  int64_t step[kSpatial];  // phases along each dimension
  int64_t size[kSpatial];  // of a plane of one phase
  bool copied = true;      // false: the source itself serves as the one phase

  int64_t count() const { return step[0] * step[1] * step[2]; }
  int64_t plane() const { return size[0] * size[1] * size[2]; }
  // Elements of one channel, with room for whole vectors to be read past its end.
  int64_t channel() const { return count() * plane(); }
  int64_t offset(int64_t z, int64_t y, int64_t x) const {  // of padded coordinates
    const int64_t phase = (z % step[0] * step[1] + y % step[1]) * step[2] + x % step[2];
    return phase * plane() + (z / step[0] * size[1] + y / step[1]) * size[2] +
           x / step[2];
  }
};

// memcpy for the length of a row of an image: its call takes longer than the row.
template <class T>
FL_INLINE void copy_run(T* dst, const T* src, int64_t n) {
  constexpr int L = kLanes<T>;
  if (n < L) {
    for (int64_t i = 0; i < n; ++i) dst[i] = src[i];
    return;
  }
  for (int64_t i = 0; i + L < n; i += L) store(dst + i, load<Vec<T>>(src + i));
  store(dst + n - L, load<Vec<T>>(src + n - L));
}

// A row of a phase: every step-th element of a row of the source, zero outside of it.
template <class T>
inline void phase_row(T* dst, int64_t n, const T* src, int64_t width, int64_t first,
                      int64_t step) {
  int64_t lo = first < 0 ? (step == 1 ? -first : ceil_div(-first, step)) : 0;
  lo = std::min(lo, n);
  int64_t hi = 0;
  if (first < width)
    hi = std::min(n, step == 1 ? width - first : (width - 1 - first) / step + 1);
  hi = std::max(hi, lo);
  constexpr int L = kLanes<T>;
  if (n >= L && lo <= L && n - hi <= L) {
    store(dst, Vec<T>{});
    store(dst + n - L, Vec<T>{});
  } else {
    std::fill(dst, dst + lo, T(0));
    std::fill(dst + hi, dst + n, T(0));
  }
  if (step == 1) {
    copy_run(dst + lo, src + first + lo, hi - lo);
  } else {
    for (int64_t i = lo; i < hi; ++i) dst[i] = src[first + i * step];
  }
}

// Two rows of results, a and b alternating, up to `n` of them.
template <class T>
FL_INLINE void store_pairs(T* to, Vec<T> a, Vec<T> b, int64_t n) {
  constexpr int L = kLanes<T>;
  Mask<Vec<T>> low, high;
  for (int i = 0; i < L; ++i) {
    low[i] = i / 2 + (i % 2) * L;
    high[i] = L / 2 + i / 2 + (i % 2) * L;
  }
  if (n <= 0) return;
  store_first(to, Vec<T>(__builtin_shuffle(a, b, low)), int(std::min<int64_t>(n, L)));
  if (n > L)
    store_first(to + L, Vec<T>(__builtin_shuffle(a, b, high)),
                int(std::min<int64_t>(n - L, L)));
}

// Elements 2i - pad and 2i + 1 - pad of a row of the source, for i in [0, n): two
// phases at once.
template <class T>
void split_row(const T* src, int64_t width, int64_t pad, int64_t n, T* even, T* odd) {
  using V = Vec<T>;
  constexpr int L = kLanes<T>;
  Mask<V> evens, odds;
  for (int i = 0; i < L; ++i) evens[i] = 2 * i, odds[i] = 2 * i + 1;
  const auto value = [&](int64_t at) { return at < 0 || at >= width ? T(0) : src[at]; };
  int64_t i = 0;
  for (; i < n && 2 * i < pad; ++i)
    even[i] = value(2 * i - pad), odd[i] = value(2 * i + 1 - pad);
  for (; i < n; i += L) {
    const int64_t at = 2 * i - pad, left = width - at;
    V a = {}, b = {};
    if (left > 0) {
      a = load_first(src + at, int(std::min<int64_t>(L, left)));
      if (left > L) b = load_first(src + at + L, int(std::min<int64_t>(L, left - L)));
    }
    const int count = int(std::min<int64_t>(L, n - i));
    store_first(even + i, V(__builtin_shuffle(a, b, evens)), count);
    store_first(odd + i, V(__builtin_shuffle(a, b, odds)), count);
  }
}

template <class T>
void fill_phases(const Phases& f, const T* src, T* dst) {
  const bool pairs = f.step[2] == 2;
  const int64_t next = f.plane(), rx_step = pairs ? 2 : 1;
  for (int64_t rz = 0; rz < f.step[0]; ++rz)
    for (int64_t ry = 0; ry < f.step[1]; ++ry)
      for (int64_t rx = 0; rx < f.step[2]; rx += rx_step, dst += (rx_step - 1) * next)
        for (int64_t z = 0; z < f.size[0]; ++z)
          for (int64_t y = 0; y < f.size[1]; ++y, dst += f.size[2]) {
            const int64_t iz = z * f.step[0] + rz - f.pad[0];
            const int64_t iy = y * f.step[1] + ry - f.pad[1];
            const T* row = src + (iz * f.src[1] + iy) * f.src[2];
            if (iz < 0 || iz >= f.src[0] || iy < 0 || iy >= f.src[1]) {
              std::fill_n(dst, f.size[2], T(0));
              if (pairs) std::fill_n(dst + next, f.size[2], T(0));
            } else if (pairs) {
              split_row(row, f.src[2], f.pad[2], f.size[2], dst, dst + next);
            } else {
              phase_row(dst, f.size[2], row, f.src[2], rx - f.pad[2], f.step[2]);
            }
          }
}

// The phases that forward and weight gradient read x through.
inline Phases phases_of(const ConvShape& s) {
  Phases f;
  bool plain = true;
  for (int d = 0; d < kSpatial; ++d) {
    f.src[d] = s.in[d];
    f.pad[d] = s.pad[d];
    f.step[d] = s.stride[d];
    const int64_t reach = (s.out[d] - 1) * s.stride[d] + (s.k[d] - 1) * s.dil[d] + 1;
    f.size[d] = ceil_div(reach, s.stride[d]);
    plain = plain && s.pad[d] == 0 && s.stride[d] == 1 && s.k[d] == 1;
  }
  f.copied = !plain;
  return f;
}

}  // namespace FL_ISA
