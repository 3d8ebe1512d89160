// The weight gradient of the convolutions that Winograd's F(2x2, 3x3) computes: the
// same transform of x, the transposes of the other two, and between them sixteen
// products summed over all tiles.
#pragma once

#include "winograd.h"

namespace FL_ISA {

// A g A^T for neighbouring tiles, as transform_input.
FL_INLINE void transform_gradient(const float* g, int64_t plane, int64_t, float* v,
                                  int64_t point) {
  VecF t[4][2];
#pragma GCC unroll 2
  for (int j = 0; j < 2; ++j) {
    const VecF a = load<VecF>(g + j * plane), b = load<VecF>(g + (2 + j) * plane);
    t[0][j] = a, t[1][j] = a + b, t[2][j] = a - b, t[3][j] = -b;
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store(v + (4 * i) * point, t[i][0]);
    store(v + (4 * i + 1) * point, VecF(t[i][0] + t[i][1]));
    store(v + (4 * i + 2) * point, VecF(t[i][0] - t[i][1]));
    store(v + (4 * i + 3) * point, VecF(-t[i][1]));
  }
}

// G^T m G for the filters of up to one vector of channels, which lie side by side.
inline void transform_sums(const float* m, int64_t point, int count, float* dw) {
  VecF t[3][4];
  for (int j = 0; j < 4; ++j) {
    VecF x[4];
    for (int i = 0; i < 4; ++i) x[i] = load_first(m + (4 * i + j) * point, count);
    const VecF sum = (x[1] + x[2]) * 0.5f;
    t[0][j] = x[0] + sum, t[1][j] = (x[1] - x[2]) * 0.5f, t[2][j] = sum + x[3];
  }
  float taps[9][kLanes<float>];
  for (int i = 0; i < 3; ++i) {
    const VecF sum = (t[i][1] + t[i][2]) * 0.5f;
    store(taps[3 * i], VecF(t[i][0] + sum));
    store(taps[3 * i + 1], VecF((t[i][1] - t[i][2]) * 0.5f));
    store(taps[3 * i + 2], VecF(sum + t[i][3]));
  }
  for (int c = 0; c < count; ++c)
    for (int i = 0; i < 9; ++i) *dw++ = taps[i][c];
}

// The gradient of the weights of input channels [c0, c0 + x.channels) of a group.
struct WinogradWeightTask {
  WinogradPlanes x, g;
  int64_t n, tiles_y, tiles_x;

  // The transforms of all tiles of a block: [point][channel][stride].
  template <class F>
  void transform(const WinogradPlanes& p, int64_t count, int64_t y0, int64_t y1,
                 int64_t stride, float* v, F&& one) const {
    const int64_t point = spread(p.channels * stride);
    for (int64_t c = 0; c < p.channels; ++c)
      for_tile_runs<INT64_MAX>(
          count, y0, y1, tiles_x, [&](int64_t i, int64_t y, int64_t q, int64_t t, int) {
            one(p.at(i, c, y, q), p.f.plane(), p.f.size[2], v + c * stride + t, point);
          });
  }

  // sums[point][g.channels][x.channels] += gt * v^T.
  void multiply(int64_t tiles, int64_t stride, const float* v, const float* gt,
                float* pb, float* sums, bool accumulate) const {
    constexpr int64_t N = kTileCols<float>;
    const int64_t cols = x.channels;
    Epilogue<float> e;
    e.accumulate = accumulate;
    for (int p = 0; p < kPoints; ++p) {
      for (int64_t c = 0; c < cols; c += N) {
        const int width = int(std::min(N, cols - c));
        pack(pb, int(N), width, tiles, View<float>{v + c * stride, stride, 1});
        panel_product<float>(g.channels, width,
                             {tiles, gt, stride, 1, pb, N, sums + c, cols, 0, true}, 0,
                             e);
      }
      v += spread(cols * stride), gt += spread(g.channels * stride);
      sums += g.channels * cols;
    }
  }

  // dw at the first of its channels; its filters of one output lie `dw_row` apart.
  // False: no memory.
  bool run(float* dw, int64_t dw_row) {
    const int64_t wanted = winograd_tiles(x.channels + g.channels);
    const int64_t images = std::clamp<int64_t>(wanted / (tiles_y * tiles_x), 1, n);
    const int64_t rows = winograd_rows(wanted, tiles_y, tiles_x);
    const int64_t most = images * rows * tiles_x, stride = most + 2 * kLanes<float>;
    const int64_t size = images * (x.image() + g.image());
    float* planes = scratch::array<float>(scratch::kWork, size_t(size + 64));
    float* v = scratch::array<float>(scratch::kWork2,
                                     size_t(kPoints * spread(x.channels * stride)));
    float* gt = scratch::array<float>(scratch::kWork3,
                                      size_t(kPoints * spread(g.channels * stride)));
    float* pb = scratch::array<float>(scratch::kPackB, size_t(most * kTileCols<float>));
    float* sums = scratch::array<float>(scratch::kWork4,
                                        size_t(kPoints * x.channels * g.channels));
    if (!planes || !v || !gt || !pb || !sums) return false;
    for (int64_t i = 0; i < n; i += images) {
      const int64_t count = std::min(images, n - i);
      x.fill(i, count, planes);
      g.fill(i, count, planes + images * x.image());
      for (int64_t y0 = 0; y0 < tiles_y; y0 += rows) {
        const int64_t y1 = std::min(tiles_y, y0 + rows);
        transform(x, count, y0, y1, stride, v, transform_input);
        transform(g, count, y0, y1, stride, gt, transform_gradient);
        multiply(count * (y1 - y0) * tiles_x, stride, v, gt, pb, sums, i + y0 > 0);
      }
    }
    constexpr int L = kLanes<float>;
    const int64_t point = g.channels * x.channels;
    for (int64_t o = 0; o < g.channels; ++o)
      for (int64_t c = 0; c < x.channels; c += L)
        transform_sums(sums + o * x.channels + c, point,
                       int(std::min<int64_t>(L, x.channels - c)),
                       dw + o * dw_row + c * 9);
    return true;
  }
};

// One group: g [n][co][out], x [n][ci][in], dw [co][ci][9]. False: no memory.
inline bool winograd_weight_gradient(const ConvShape& s, const float* g,
                                     int64_t g_image, const float* x, int64_t x_image,
                                     float* dw) {
  const int64_t ty = ceil_div(s.out[1], 2), tx = ceil_div(s.out[2], 2);
  Phases fx = phases_of(s), fg = fx;
  fx.copied = fg.copied = true;
  fx.step[1] = fx.step[2] = fg.step[1] = fg.step[2] = 2;
  fx.size[1] = ty + 1, fx.size[2] = tx + 1;
  fg.size[1] = ty, fg.size[2] = tx;
  for (int d = 0; d < kSpatial; ++d) fg.src[d] = s.out[d], fg.pad[d] = 0;
  bool ok = true;
  const int64_t grain = std::max<int64_t>(16, ceil_div(s.ci, threads::count()));
  parallel_for(s.ci, grain, [&](int64_t begin, int64_t end) {
    WinogradWeightTask task = {{fx, end - begin, x + begin * s.in_size(), x_image},
                               {fg, s.co, g, g_image},
                               s.n,
                               ty,
                               tx};
    if (!task.run(dw + begin * 9, s.ci * 9))
      __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

}  // namespace FL_ISA
