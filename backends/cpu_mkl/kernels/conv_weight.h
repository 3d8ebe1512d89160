// The gradient of a convolution's weights: a product over all pixels, whose rows are
// read from the phases of x as they lie and whose columns are the output channels of g.
#pragma once

#include "conv_shape.h"
#include "threads.h"

namespace FL_ISA {

// Rows (taps of channels) of a tile of NV vectors of columns: their pointers fit the
// general registers, and the sums those of vectors.
template <int NV>
constexpr int kGradRows = kWidth == 64   ? (NV == 4 ? 6 : 9)
                          : kWidth == 32 ? 4
                                         : 3;

// Pixels of several images, as a and b hold them.
struct PixelWalk {
  int64_t images, depth, height, width;
  int64_t a_image, a_depth, a_row;  // strides of a; b is contiguous
};

template <class T, int NV, int MR>
void gradient_tile(const PixelWalk& w, const T* const* rows, const T* __restrict b,
                   T* c, bool accumulate) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR][NV] = {};
  for (int64_t i = 0; i < w.images; ++i)
    for (int64_t z = 0; z < w.depth; ++z)
      for (int64_t y = 0; y < w.height; ++y) {
        const int64_t at = i * w.a_image + z * w.a_depth + y * w.a_row;
        const T* a[MR];
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) a[r] = rows[r] + at;
        for (int64_t x = 0; x < w.width; ++x, b += NV * L) {
          Vec<T> bv[NV];
#pragma GCC unroll 4
          for (int j = 0; j < NV; ++j) bv[j] = load<Vec<T>>(b + j * L);
#pragma GCC unroll 16
          for (int r = 0; r < MR; ++r) {
            const Vec<T> av = broadcast<T>(a[r][x]);
#pragma GCC unroll 4
            for (int j = 0; j < NV; ++j) acc[r][j] += av * bv[j];
          }
        }
      }
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      T* to = c + (r * NV + j) * L;
      store(to, accumulate ? load<Vec<T>>(to) + acc[r][j] : acc[r][j]);
    }
}

template <class T>
using GradientFn = void (*)(const PixelWalk&, const T* const*, const T*, T*, bool);
template <class T, int NV, int... R>
constexpr GradientFn<T> pick_gradient(int rows, std::integer_sequence<int, R...>) {
  constexpr GradientFn<T> table[] = {gradient_tile<T, NV, R + 1>...};
  return table[rows - 1];
}

// One group's weights, or a range of its input channels.
template <class T, int NV>
struct WeightGradient {
  static constexpr int N = NV * kLanes<T>;  // columns of a tile

  const ConvShape& s;
  const Phases& f;
  const int64_t* offsets;  // of the taps
  const T *g, *x;          // the first image of the group
  int64_t g_image, x_image;
  T* dw;  // [co][ci][taps]

  // Columns of g as a panel: [pixel][N].
  void pack_g(T* panel, int64_t first, int64_t count, int64_t o0) const {
    const int64_t pixels = s.out_size();
    const int cols = int(std::min<int64_t>(N, s.co - o0));
    for (int64_t i = 0; i < count; ++i)
      pack(panel + i * pixels * N, N, cols, pixels,
           View<T>{g + (first + i) * g_image + o0 * pixels, pixels, 1});
  }

  // Channels [c0, c1); sums are [panel of o][row][N]. False: no memory.
  bool run(int64_t c0, int64_t c1) const {
    const int64_t pixels = s.out_size(), taps = s.taps();
    const int64_t images = std::clamp<int64_t>(768 / pixels, 1, s.n);
    const int64_t rows = (c1 - c0) * taps, panels = ceil_div(s.co, N);
    const int64_t plane = s.in_size();
    const int64_t channel = f.copied ? f.channel() : plane;
    T* sums = scratch::array<T>(scratch::kWork2, size_t(panels * rows * N));
    T* pb = scratch::array<T>(scratch::kPackB, size_t(images * pixels * N));
    T* phases = !f.copied
                    ? nullptr
                    : scratch::array<T>(scratch::kWork,
                                        size_t(images * (c1 - c0) * channel + 64));
    if (!sums || !pb || (f.copied && !phases)) return false;
    for (int64_t i0 = 0; i0 < s.n; i0 += images) {
      const int64_t count = std::min(images, s.n - i0);
      const T* from = x + i0 * x_image;
      PixelWalk walk = {count, 1, 1, pixels, x_image, 0, 0};
      const T* base = from + c0 * plane;
      if (f.copied) {
        walk = {count,
                s.out[0],
                s.out[1],
                s.out[2],
                (c1 - c0) * channel,
                f.size[1] * f.size[2],
                f.size[2]};
        for (int64_t i = 0; i < count; ++i)
          for (int64_t c = c0; c < c1; ++c)
            fill_phases(f, from + i * x_image + c * plane,
                        phases + i * walk.a_image + (c - c0) * channel);
        base = phases;
      }
      for (int64_t q = 0; q < panels; ++q) {
        pack_g(pb, i0, count, q * N);
        tiles(walk, base, channel, rows, pb, sums + q * rows * N, i0 > 0);
      }
    }
    write_out(sums, c0, rows);
    return true;
  }

  void tiles(const PixelWalk& walk, const T* base, int64_t channel, int64_t rows,
             const T* pb, T* sums, bool accumulate) const {
    constexpr auto all = std::make_integer_sequence<int, kGradRows<NV>>{};
    const int64_t part = even_part(rows, kGradRows<NV>), taps = s.taps();
    for (int64_t r = 0; r < rows; r += part) {
      const int count = int(std::min(part, rows - r));
      const T* a[kGradRows<NV>];
      for (int i = 0; i < count; ++i)
        a[i] = base + (r + i) / taps * channel + offsets[(r + i) % taps];
      pick_gradient<T, NV>(count, all)(walk, a, pb, sums + r * N, accumulate);
    }
  }

  void write_out(const T* sums, int64_t c0, int64_t rows) const {
    const int64_t row_size = s.ci * s.taps();
    for (int64_t o = 0; o < s.co; o += N)
      transpose_matrix(rows, std::min<int64_t>(N, s.co - o), sums + o * rows, N,
                       dw + o * row_size + c0 * s.taps(), row_size);
  }
};

}  // namespace FL_ISA
