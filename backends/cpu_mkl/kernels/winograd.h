// Winograd's F(2x2, 3x3) for convolutions of stride 1: four outputs from 16 products
// where the direct form takes 36. Sixteen independent products of matrices, between
// transforms of sums and differences alone, whose rounding is about that of the direct
// form.
#pragma once

#include "conv_gather.h"

namespace FL_ISA {

constexpr int kPoints = 16;  // of a transformed tile

// Tiles of a task: so few that their transforms stay in the second cache, but where the
// weights fill the third, which are then read less often.
inline int64_t winograd_tiles(int64_t channels) {
  if (channels >= 768) return 128;
  return std::clamp<int64_t>((kWidth == 64 ? 16384 : 6144) / channels, 48, 128);
}

// Rows of tiles of a task that takes about `tiles` of them: those that leave the fewest
// columns of the products' panels empty.
inline int64_t winograd_rows(int64_t tiles, int64_t tiles_y, int64_t tiles_x) {
  constexpr int64_t N = kTileCols<float>;
  const int64_t most = std::clamp<int64_t>(tiles * 3 / 2 / tiles_x, 1, tiles_y);
  int64_t best = 1, fewest = INT64_MAX;
  for (int64_t rows = 1; rows <= most; ++rows) {
    const int64_t panels = tiles_y / rows * ceil_div(rows * tiles_x, N) +
                           ceil_div(tiles_y % rows * tiles_x, N);
    if (panels <= fewest) best = rows, fewest = panels;
  }
  return best;
}

// Elements between the points of a transform: at least n, such that sixteen streams of
// stores meet in different sets of the first cache.
inline int64_t spread(int64_t n) { return ceil_div(n, 1024) * 1024 + 5 * 16; }

// Weights in place: w[row * row_stride + k * k_stride + tap], taps reversed with
// `flip`.
struct WinogradWeights {
  const float* data;
  int64_t row_stride, k_stride;
  bool flip;
};

inline bool winograd_fits(const ConvShape& s) {
  const int64_t ones[3] = {1, 1, 1}, kernel[3] = {1, 3, 3};
  for (int d = 0; d < kSpatial; ++d)
    if (s.stride[d] != ones[d] || s.dil[d] != 1 || s.k[d] != kernel[d] || s.pad[d] > 2)
      return false;
  const auto wide = [](int64_t c) { return c >= 16 && c <= 768; };
  return s.in[0] == 1 && s.pad[0] == 0 && wide(s.ci) && wide(s.co) &&
         s.n * s.out_size() >= 64 &&
         s.ci * s.taps() * std::max(s.ci, s.co) < (int64_t{1} << 30);
}

using VecF = Vec<float>;

// One tap of the filters of `rows` rows.
inline VecF gather_taps(const float* p, int64_t stride, int rows) {
#if defined(__AVX512F__)
  const __m512i lane =
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i at = _mm512_mullo_epi32(lane, _mm512_set1_epi32(int(stride)));
  return (VecF)_mm512_mask_i32gather_ps(_mm512_setzero_ps(),
                                        __mmask16((1u << rows) - 1), at, p, 4);
#else
  VecF v = {};
  for (int i = 0; i < rows; ++i) v[i] = p[i * stride];
  return v;
#endif
}

// G g G^T of a tile's rows, packed: [point][panel of rows][k][kRowSlots<float>].
inline void transform_weights(const WinogradWeights& w, int64_t rows, int64_t k,
                              float* u) {
  const RowTiles<float> tiles(rows);
  const int64_t point = spread(tiles.packed_size(k));
  for (int64_t q = 0; q < tiles.count; ++q) {
    const int count = tiles.rows(q);
    const float* base = w.data + tiles.first(q) * w.row_stride;
    for (int64_t c = 0; c < k; ++c) {
      VecF g[9], t[4][3];
      for (int i = 0; i < 9; ++i)
        g[i] = gather_taps(base + c * w.k_stride + (w.flip ? 8 - i : i), w.row_stride,
                           count);
      for (int j = 0; j < 3; ++j) {
        const VecF sum = (g[j] + g[6 + j]) * 0.5f, mid = g[3 + j] * 0.5f;
        t[0][j] = g[j], t[1][j] = sum + mid, t[2][j] = sum - mid, t[3][j] = g[6 + j];
      }
      float* to = u + (q * k + c) * kRowSlots<float>;
      for (int i = 0; i < 4; ++i) {
        const VecF sum = (t[i][0] + t[i][2]) * 0.5f, mid = t[i][1] * 0.5f;
        store(to + (4 * i) * point, t[i][0]);
        store(to + (4 * i + 1) * point, VecF(sum + mid));
        store(to + (4 * i + 2) * point, VecF(sum - mid));
        store(to + (4 * i + 3) * point, t[i][2]);
      }
    }
  }
}

// B^T d B for as many neighbouring tiles of a row as a vector has lanes; d lies in four
// phases of `plane` elements. Lanes beyond a run are stored too: the next run, or the
// next channel, overwrites them.
FL_INLINE void transform_input(const float* d, int64_t plane, int64_t width, float* v,
                               int64_t point) {
  VecF t[4][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    VecF x[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      x[i] = load<VecF>(d + (i % 2 * 2 + j % 2) * plane + i / 2 * width + j / 2);
    t[0][j] = x[0] - x[2], t[1][j] = x[1] + x[2];
    t[2][j] = x[2] - x[1], t[3][j] = x[1] - x[3];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store(v + (4 * i) * point, VecF(t[i][0] - t[i][2]));
    store(v + (4 * i + 1) * point, VecF(t[i][1] + t[i][2]));
    store(v + (4 * i + 2) * point, VecF(t[i][2] - t[i][1]));
    store(v + (4 * i + 3) * point, VecF(t[i][1] - t[i][3]));
  }
}

// A^T m A for neighbouring tiles: 2 rows of up to `n` outputs, the second one optional.
FL_INLINE void transform_output(const float* m, int64_t point, float bias, float* to,
                                int64_t width, int64_t n, bool second) {
  VecF t[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    VecF x[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) x[i] = load<VecF>(m + (4 * i + j) * point);
    t[0][j] = x[0] + x[1] + x[2];
    t[1][j] = x[1] - x[2] - x[3];
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    if (i == 1 && !second) break;
    store_pairs<float>(to + i * width, t[i][0] + t[i][1] + t[i][2] + bias,
                       t[i][1] - t[i][2] - t[i][3] + bias, n);
  }
}

// Planes of `channels` channels in phases of two by two.
struct WinogradPlanes {
  Phases f;
  int64_t channels;
  const float* src;
  int64_t image_stride;
  float* data = nullptr;

  int64_t image() const { return channels * f.channel(); }
  // A tile of image i of those filled in.
  const float* at(int64_t i, int64_t c, int64_t y, int64_t x) const {
    return data + i * image() + c * f.channel() + y * f.size[2] + x;
  }
  void fill(int64_t from, int64_t count, float* to) {
    data = to;
    const int64_t plane = f.src[1] * f.src[2];
    for (int64_t i = from; i < from + count; ++i)
      for (int64_t c = 0; c < channels; ++c, to += f.channel())
        fill_phases(f, src + i * image_stride + c * plane, to);
  }
};

// body(image, tile row, first tile of a run, its index in the block, length) for the
// tile rows [y0, y1) of `count` images; no run goes on from one panel of N columns to
// the next.
template <int64_t N, class F>
void for_tile_runs(int64_t count, int64_t y0, int64_t y1, int64_t tiles_x, F&& body) {
  constexpr int64_t L = kLanes<float>;
  int64_t t = 0;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t y = y0; y < y1; ++y)
      for (int64_t x = 0; x < tiles_x;) {
        const int64_t n = std::min({L, tiles_x - x, N - t % N});
        body(i, y, x, t, int(n));
        x += n;
        t += n;
      }
}

// One thread's part: tile rows [y0, y1) of the images of a block.
struct WinogradTask {
  const Gather& g;
  WinogradPlanes x;
  const float *u, *bias;
  float* dst;
  int64_t tiles_x, images;
  int64_t built = -1;

  bool build(int64_t block) {
    if (built == block) return true;
    built = block;
    const int64_t from = block * images, count = std::min(images, g.n - from);
    float* to = scratch::array<float>(scratch::kWork, size_t(count * x.image() + 64));
    if (to) x.fill(from, count, to);
    return to != nullptr;
  }

  bool run(int64_t block, int64_t y0, int64_t y1) {
    constexpr int64_t N = kTileCols<float>;
    const int64_t count = std::min(images, g.n - block * images);
    const int64_t tiles = count * (y1 - y0) * tiles_x, panels = ceil_div(tiles, N);
    const int64_t k = g.channels, crs = panels * N + kLanes<float>;
    const int64_t step = (k + 1) * N;  // a panel, with room past its last run
    const int64_t vp = spread(panels * step), mp = spread(g.rows * crs);
    const int64_t up = spread(RowTiles<float>(g.rows).packed_size(k));
    float* v = scratch::array<float>(scratch::kWork2, size_t(kPoints * vp));
    float* m = scratch::array<float>(scratch::kWork3, size_t(kPoints * mp));
    if (!v || !m || !build(block)) return false;
    if (tiles % N != 0)
      for (int p = 0; p < kPoints; ++p)
        std::fill_n(v + p * vp + (panels - 1) * step, step, 0.f);
    for (int64_t c = 0; c < k; ++c)
      for_tile_runs<N>(count, y0, y1, tiles_x,
                       [&](int64_t i, int64_t y, int64_t q, int64_t t, int) {
                         const float* d = x.at(i, c, y, q);
                         transform_input(d, x.f.plane(), x.f.size[2],
                                         v + t / N * step + c * N + t % N, vp);
                       });
    const Epilogue<float> e;
    for (int p = 0; p < kPoints; ++p)
      for (int64_t j = 0; j < panels; ++j)
        panel_product<float>(g.rows, int(std::min(N, tiles - j * N)),
                             {k, u + p * up, 1, kRowSlots<float>, v + p * vp + j * step,
                              N, m + p * mp + j * N, crs, 0, true},
                             k * kRowSlots<float>, e);
    const int64_t height = g.dst[1], width = g.dst[2];
    for (int64_t r = 0; r < g.rows; ++r) {
      float* plane = dst + block * images * g.dst_image + r * height * width;
      for_tile_runs<INT64_MAX>(count, y0, y1, tiles_x,
                               [&](int64_t i, int64_t y, int64_t q, int64_t t, int n) {
                                 transform_output(
                                     m + r * crs + t, mp, bias ? bias[r] : 0.f,
                                     plane + i * g.dst_image + 2 * (y * width + q),
                                     width, std::min<int64_t>(2 * n, width - 2 * q),
                                     2 * y + 1 < height);
                               });
    }
    return true;
  }
};

// As gather_convolution, for 3 by 3 taps of stride 1. False: no memory.
inline bool winograd_convolution(const Gather& g, const WinogradWeights& w,
                                 const float* src, float* dst, const float* bias) {
  const int64_t ty = ceil_div(g.dst[1], 2), tx = ceil_div(g.dst[2], 2);
  Phases f = g.phases;
  f.step[0] = 1, f.step[1] = f.step[2] = 2;
  f.size[0] = 1, f.size[1] = ty + 1, f.size[2] = tx + 1;
  const int64_t point = spread(RowTiles<float>(g.rows).packed_size(g.channels));
  const size_t size = size_t(kPoints * point);
  float* u = scratch::array<float>(scratch::kPackA, size);
  if (!u) return false;
  transform_weights(w, g.rows, g.channels, u);
  const int64_t tiles = winograd_tiles(g.channels + g.rows);
  const int64_t images = std::clamp<int64_t>(tiles / (ty * tx), 1, g.n);
  const int64_t blocks = ceil_div(g.n, images);
  const int64_t rows = winograd_rows(tiles, ty, tx);
  const int64_t parts = ceil_div(ty, rows);
  bool ok = true;
  parallel_for(blocks * parts, 1, [&](int64_t begin, int64_t end) {
    WinogradTask task{g, {f, g.channels, src, g.src_image}, u, bias, dst, tx, images};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t y0 = i % parts * rows;
      if (!task.run(i / parts, y0, std::min(ty, y0 + rows)))
        __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    }
  });
  return ok;
}

}  // namespace FL_ISA
