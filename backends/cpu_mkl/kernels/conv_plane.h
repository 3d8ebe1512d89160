// Convolutions whose groups have one or two output channels (depthwise ones above all):
// nothing to reuse, so taps are added to vectors of pixels, plane by plane.
#pragma once

#include "conv_gather.h"

namespace FL_ISA {

// U vectors of pixels of one output channel, of which the first `width` pixels count.
// Taps is their number in all where the compiler knows it, or 0.
template <class T, int U, int Taps>
void plane_block(const Gather& g, const T* weights, const T* phases, int64_t width,
                 T bias, T* to, int64_t step) {
  constexpr int L = kLanes<T>;
  const int64_t channel = g.phases.channel();
  Vec<T> acc[U];
#pragma GCC unroll 8
  for (int u = 0; u < U; ++u) acc[u] = broadcast<T>(bias);
  const auto add = [&](int64_t t) __attribute__((always_inline)) {
    const T* from = phases + g.offsets[t];
    const Vec<T> w = broadcast<T>(weights[t]);
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) acc[u] += w * load<Vec<T>>(from + u * L);
  };
  if constexpr (Taps > 0) {
#pragma GCC unroll 16
    for (int t = 0; t < Taps; ++t) add(t);
  } else {
    for (int64_t c = 0; c < g.channels; ++c, phases += channel, weights += g.taps)
      for (int64_t t = 0; t < g.taps; ++t) add(t);
  }
#pragma GCC unroll 8
  for (int u = 0; u < U; ++u) {
    const int n = int(std::min<int64_t>(L, width - u * L));
    if (n <= 0) return;
    if (step == 1) {
      store_first(to + u * L, acc[u], n);
    } else {
      for (int i = 0; i < n; ++i) to[(u * L + i) * step] = acc[u][i];
    }
  }
}

template <class T>
using PlaneBlock = void (*)(const Gather&, const T*, const T*, int64_t, T, T*, int64_t);

// The block of so many vectors, up to kPlaneVectors.
constexpr int kPlaneVectors = 8;
template <class T, int Taps, int... U>
PlaneBlock<T> plane_block_of(int64_t vectors, std::integer_sequence<int, U...>) {
  static constexpr PlaneBlock<T> table[] = {plane_block<T, U + 1, Taps>...};
  return table[vectors - 1];
}

// A row of pixels: sums enough at once that none waits for the one before it.
template <class T>
void plane_row(const Gather& g, const T* weights, const T* phases, int64_t width,
               T bias, T* to, int64_t step) {
  constexpr int64_t L = kLanes<T>, most = kPlaneVectors * L;
  const std::make_integer_sequence<int, kPlaneVectors> counts;
  for (int64_t x = 0; x < width; x += most) {
    const int64_t left = width - x, vectors = ceil_div(std::min(left, most), L);
    const PlaneBlock<T> block = g.channels == 1 && g.taps == 9
                                    ? plane_block_of<T, 9>(vectors, counts)
                                    : plane_block_of<T, 0>(vectors, counts);
    block(g, weights, phases + x, left, bias, to + x * step, step);
  }
}

template <class T>
bool plane_convolution(const Gather& g, const T* weights, const T* src, T* dst,
                       const T* bias) {
  const int64_t plane = g.phases.src[0] * g.phases.src[1] * g.phases.src[2];
  const int64_t channel = g.phases.channel();
  bool ok = true;
  const int64_t work = g.rows * g.channels * g.taps * g.pixels();
  const int64_t grain =
      std::max<int64_t>(1, (int64_t{1} << 19) / std::max<int64_t>(work, 1));
  parallel_for(g.n, grain, [&](int64_t begin, int64_t end) {
    constexpr int64_t kSlack = 9 * kLanes<T>;
    T* phases =
        scratch::array<T>(scratch::kWork, size_t(g.channels * channel + kSlack));
    if (!phases) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    std::fill_n(phases + g.channels * channel, kSlack, T(0));
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t c = 0; c < g.channels; ++c)
        fill_phases(g.phases, src + i * g.src_image + c * plane, phases + c * channel);
      for (int64_t r = 0; r < g.rows; ++r)
        for (int64_t z = 0; z < g.grid[0]; ++z)
          for (int64_t y = 0; y < g.grid[1]; ++y) {
            const int64_t row =
                (z * g.step[0] + g.first[0]) * g.dst[1] + y * g.step[1] + g.first[1];
            plane_row(
                g, weights + r * g.channels * g.taps,
                phases + (z * g.phases.size[1] + y) * g.phases.size[2], g.grid[2],
                bias ? bias[r] : T(0),
                dst + i * g.dst_image + r * g.dst_plane() + row * g.dst[2] + g.first[2],
                g.step[2]);
          }
    }
  });
  return ok;
}

// Sums of MR taps times one channel of g, over the pixels of an image.
template <class T, int MR>
void plane_gradient_tile(const ConvShape& s, const Phases& f, const T* const* a,
                         const T* g, double* sums) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR] = {};
  for (int64_t z = 0; z < s.out[0]; ++z)
    for (int64_t y = 0; y < s.out[1]; ++y, g += s.out[2]) {
      const int64_t at = (z * f.size[1] + y) * f.size[2];
      for (int64_t x = 0; x < s.out[2]; x += L) {
        const Vec<T> gv = load_first(g + x, int(std::min<int64_t>(L, s.out[2] - x)));
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) acc[r] += gv * load<Vec<T>>(a[r] + at + x);
      }
    }
  for (int r = 0; r < MR; ++r) sums[r] += double(sum_lanes<T>(acc[r]));
}

// The gradient of the weights of a group with few output channels.
template <class T>
bool plane_weight_gradient(const ConvShape& s, const Phases& f, const int64_t* offsets,
                           const T* g, int64_t g_image, const T* x, int64_t x_image,
                           T* dw) {
  const int64_t rows = s.ci * s.taps(), channel = f.channel(), plane = s.in_size();
  constexpr int64_t kSlack = 2 * kLanes<T>;
  T* phases = scratch::array<T>(scratch::kWork, size_t(s.ci * channel + kSlack));
  double* sums = scratch::array<double>(scratch::kWork2, size_t(s.co * rows));
  if (!phases || !sums) return false;
  std::fill_n(phases + s.ci * channel, kSlack, T(0));
  std::fill_n(sums, s.co * rows, 0.0);
  for (int64_t i = 0; i < s.n; ++i) {
    for (int64_t c = 0; c < s.ci; ++c)
      fill_phases(f, x + i * x_image + c * plane, phases + c * channel);
    for (int64_t o = 0; o < s.co; ++o) {
      const T* go = g + i * g_image + o * s.out_size();
      const auto at = [&](int64_t r) {
        return phases + r / s.taps() * channel + offsets[r % s.taps()];
      };
      const auto tiles = [&](auto many, int64_t r) {
        constexpr int MR = decltype(many)::value;
        for (; r + MR <= rows; r += MR) {
          const T* a[MR];
          for (int j = 0; j < MR; ++j) a[j] = at(r + j);
          plane_gradient_tile<T, MR>(s, f, a, go, sums + o * rows + r);
        }
        return r;
      };
      const int64_t r = tiles(std::integral_constant<int, 9>{}, 0);
      tiles(std::integral_constant<int, 1>{},
            tiles(std::integral_constant<int, 4>{}, r));
    }
  }
  for (int64_t j = 0; j < s.co * rows; ++j) dw[j] = T(sums[j]);
  return true;
}

}  // namespace FL_ISA
