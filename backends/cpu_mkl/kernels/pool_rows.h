// Rows of pooled floats, a vector of outputs at a time: the taps of a window meet in
// registers and not in memory.
#pragma once

#include <memory>
#include <new>

#include "windows.h"

namespace FL_ISA {

// Every S-th (1 or 2) of the values from p on, n of them; no others are touched.
template <int S>
FL_INLINE Vec<float> every(const float* p, int n) {
  if constexpr (S == 1) return load_first(p, n);
  constexpr int L = kLanes<float>;
  Mask<Vec<float>> pick;
  if (n >= L) {
    // The second vector begins at the last value of the first and ends at the window's.
    for (int i = 0; i < L; ++i) pick[i] = 2 * i < L ? 2 * i : 2 * i + 1;
    return __builtin_shuffle(load<Vec<float>>(p), load<Vec<float>>(p + L - 1), pick);
  }
  const int all = 2 * n - 1;
  const Vec<float> a = load_first(p, std::min(all, L));
  const Vec<float> b = all > L ? load_first(p + L, all - L) : Vec<float>{};
  for (int i = 0; i < L; ++i) pick[i] = 2 * i;
  return __builtin_shuffle(a, b, pick);
}

// The taps [lo, hi) of output i along d that lie in the input.
struct Taps {
  int64_t lo, hi;
};
inline Taps taps_inside(const Planes& p, const Window& w, int d, int64_t i) {
  const int64_t start = w.start(d, i), dil = w.dil[d];
  const auto up = [dil](int64_t n) { return dil == 1 ? n : (n + dil - 1) / dil; };
  const int64_t lo = start >= 0 ? 0 : up(-start);
  const int64_t hi = start >= p.in[d] ? 0 : up(p.in[d] - start);
  return {lo, std::max(lo, std::min(hi, w.kernel[d]))};
}

// The outputs [lo, hi) of a row all of whose taps along it lie in the input.
inline Taps whole_windows(const Planes& p, const Window& w) {
  int64_t lo, hi, unused;
  inside(p, w, 2, 0, &lo, &unused);
  inside(p, w, 2, (w.kernel[2] - 1) * w.dil[2], &unused, &hi);
  return {lo, std::max(lo, hi)};
}

// The taps across one row of outputs: how many planes and rows of the input, and where
// the window of output 0 begins in the first of them. `share` is the caller's.
struct PoolRow {
  int64_t at, planes, rows;
  float share;
};

// What all planes have in common, found once.
struct PoolRows {
  const Planes& p;
  const Window& w;
  const Taps whole = whole_windows(p, w);
  const int64_t step_y = w.dil[1] * p.in[2], step_z = w.dil[0] * p.in[1] * p.in[2];
  std::unique_ptr<PoolRow[]> row{new (std::nothrow)
                                     PoolRow[size_t(p.out[0] * p.out[1] + 1)]};

  template <class F>
  bool make(F&& share) {
    for (int64_t z = 0, i = 0; row && z < p.out[0]; ++z)
      for (int64_t y = 0; y < p.out[1]; ++y, ++i) {
        const Taps tz = taps_inside(p, w, 0, z), ty = taps_inside(p, w, 1, y);
        const int64_t at =
            (w.start(0, z) * p.in[1] + w.start(1, y)) * p.in[2] + w.start(2, 0);
        row[i] = {at + tz.lo * step_z + ty.lo * step_y, tz.hi - tz.lo, ty.hi - ty.lo,
                  share(z, y)};
      }
    return row != nullptr;
  }
  const PoolRow* begin() const { return row.get(); }
  const PoolRow* end() const { return row.get() + p.out[0] * p.out[1]; }
};

// A plane whose windows move by S along the row. K is the number of taps along it, or 0
// where that is not known to the compiler.
template <int S, int K>
struct PoolPlane {
  static constexpr int L = kLanes<float>;
  const PoolRows& rows;
  const float* src;
  const Planes& p = rows.p;
  const Window& w = rows.w;
  const Taps whole = rows.whole;

  // f(offset of the tap for output x), in the order of memory.
  template <class F>
  FL_INLINE void each_tap(const PoolRow& r, int64_t x, Taps along, F&& f) const {
    int64_t plane = r.at + x * S;
    for (int64_t z = 0; z < r.planes; ++z, plane += rows.step_z) {
      int64_t at = plane;
      for (int64_t y = 0; y < r.rows; ++y, at += rows.step_y) {
#pragma GCC unroll 3
        for (int64_t k = along.lo; k < along.hi; ++k) f(at + k * w.dil[2]);
      }
    }
  }
  FL_INLINE Taps all_along() const { return {0, K != 0 ? K : w.kernel[2]}; }

  // vectors(x, n) for the outputs with whole windows, the last ones perhaps twice;
  // one(x) for the others of a row.
  template <class F, class G>
  FL_INLINE void cover(F&& vectors, G&& one) const {
    for (int64_t x = 0; x < whole.lo; ++x) one(x);
    for (int64_t x = whole.hi; x < p.out[2]; ++x) one(x);
    if (whole.hi - whole.lo >= L) {
      for (int64_t x = whole.lo; x < whole.hi; x += L)
        vectors(std::min(x, whole.hi - L), L);
    } else if (whole.hi > whole.lo) {
      vectors(whole.lo, int(whole.hi - whole.lo));
    }
  }

  void row_maxima(const PoolRow& r, float* to, int64_t* index) const {
    cover(
        [&](int64_t x, int n) {
          Vec<float> best = Vec<float>{} - INFINITY;
          Vec<int32_t> at = Vec<int32_t>{} + int32_t(r.at + x * S);  // the first tap
          each_tap(r, x, all_along(), [&](int64_t tap) {
            const Vec<float> v = every<S>(src + tap, n);
            const auto take = (v > best) | (v != v);
            best = take ? v : best;
            at = take ? Vec<int32_t>{} + int32_t(tap) : at;
          });
          Vec<int32_t> lane;
          for (int i = 0; i < L; ++i) lane[i] = i * S;
          store_first(to + x, best, n);
          put_indices(index + x, at + lane, n);
        },
        [&](int64_t x) {
          const Taps along = taps_inside(p, w, 2, x);
          float best = -INFINITY;
          int64_t at = r.at + x * S + along.lo * w.dil[2];
          each_tap(r, x, along, [&](int64_t tap) {
            const bool take = src[tap] > best || src[tap] != src[tap];
            best = take ? src[tap] : best;
            at = take ? tap : at;
          });
          to[x] = best;
          index[x] = at;
        });
  }

  void maxima(float* to, int64_t* index) const {
    for (const PoolRow& r : rows) {
      row_maxima(r, to, index);
      to += p.out[2];
      index += p.out[2];
    }
  }

  // The sum of a whole window is multiplied with `full`, others with along(x).
  template <class F>
  void averages(float* to, float full, F&& along) const {
    for (const PoolRow& r : rows) {
      const auto sum_of = [&](int64_t x, Taps taps, auto sum, auto&& get) {
        each_tap(r, x, taps, [&](int64_t tap) { sum += get(src + tap); });
        return sum;
      };
      cover(
          [&](int64_t x, int n) {
            const auto get = [&](const float* tap) { return every<S>(tap, n); };
            const Vec<float> sum = sum_of(x, all_along(), Vec<float>{}, get);
            store_first(to + x, sum * (full * r.share), n);
          },
          [&](int64_t x) {
            const auto get = [&](const float* tap) { return *tap; };
            to[x] =
                sum_of(x, taps_inside(p, w, 2, x), 0.0f, get) * (along(x) * r.share);
          });
      to += p.out[2];
    }
  }

 private:
  static FL_INLINE void put_indices(int64_t* to, Vec<int32_t> v, int n) {
    Vec<int32_t, L / 2> half[2];
    std::memcpy(half, &v, sizeof(v));
    if (n == L) {
      store(to, convert<int64_t>(half[0]));
      store(to + L / 2, convert<int64_t>(half[1]));
      return;
    }
    for (int i = 0; i < n; ++i) to[i] = v[i];
  }
};

// Whether there are vectors for such windows; f(PoolPlane) with what is known of them.
inline bool has_pool_plane(const Window& w) {
  return w.stride[2] == 1 || w.stride[2] == 2;
}
template <class F>
void with_pool_plane(const PoolRows& rows, const float* src, F&& f) {
  const auto width = [&](auto stride) {
    constexpr int S = decltype(stride)::value;
    const int64_t k = rows.w.kernel[2];
    if (k == 2) return f(PoolPlane<S, 2>{rows, src});
    if (k == 3) return f(PoolPlane<S, 3>{rows, src});
    return f(PoolPlane<S, 0>{rows, src});
  };
  if (rows.w.stride[2] == 1) return width(std::integral_constant<int, 1>{});
  return width(std::integral_constant<int, 2>{});
}

}  // namespace FL_ISA
