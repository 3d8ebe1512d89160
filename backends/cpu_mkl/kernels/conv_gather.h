// Convolution as a product: rows are output channels, columns are output pixels, whose
// patches are packed from phases as the product goes. Serves the forward pass and, with
// the taps of each remainder of the stride, the gradient of the input.
#pragma once

#include "conv_shape.h"
#include "loops.h"
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {

struct Gather {
  Phases phases;
  int64_t n, channels;     // images; source channels of the group
  int64_t taps;            // rows of a patch are channels * taps
  const int64_t* offsets;  // of each tap in the phases of a channel
  int64_t rows;            // output channels of the group
  int64_t grid[kSpatial];  // output pixels that these taps produce
  int64_t dst[kSpatial];   // output plane, of which the grid fills every step-th
  int64_t first[kSpatial], step[kSpatial];
  int64_t src_image, dst_image;  // strides between images

  int64_t pixels() const { return grid[0] * grid[1] * grid[2]; }
  int64_t dst_plane() const { return dst[0] * dst[1] * dst[2]; }
  bool whole() const {
    for (int d = 0; d < kSpatial; ++d)
      if (step[d] != 1 || first[d] != 0 || grid[d] != dst[d]) return false;
    return true;
  }
};

constexpr int64_t kColumns = 512;            // of a task
constexpr int64_t kPackedOnce = 384 * 1024;  // elements of weights kept packed

// A run of pixels that lie side by side in the source and in the panel.
struct Run {
  int64_t src, image;
  int dst, len;
};

// The runs of `cols` pixels from pixel j of an image block on.
inline int find_runs(const Gather& g, int64_t j, int cols, Run* runs) {
  const int64_t pixels = g.pixels(), w = g.grid[2];
  int count = 0, at = 0;
  while (at < cols) {
    const int64_t image = (j + at) / pixels, p = (j + at) % pixels;
    if (!g.phases.copied) {  // the pixels of an image are one run
      const int len = int(std::min<int64_t>(cols - at, pixels - p));
      runs[count++] = {p, image, at, len};
      at += len;
      continue;
    }
    const int64_t x = p % w, y = p / w % g.grid[1], z = p / w / g.grid[1];
    const int len = int(std::min<int64_t>(cols - at, w - x));
    runs[count++] = {(z * g.phases.size[1] + y) * g.phases.size[2] + x, image, at, len};
    at += len;
  }
  return count;
}

// Patch rows [p0, p0 + kp) of one panel. Phases have room to read whole vectors; the
// source itself has not.
template <class T>
void pack_patches(const Gather& g, T* __restrict panel, const T* images,
                  int64_t image_stride, int64_t channel_stride, int64_t j, int cols,
                  int64_t p0, int64_t kp) {
  constexpr int N = kTileCols<T>, L = kLanes<T>;
  Run runs[N];
  const int count = find_runs(g, j, cols, runs);
  for (int r = 0; r < count; ++r) runs[r].src += runs[r].image * image_stride;
  if (cols < N) std::memset(panel, 0, size_t(kp * N) * sizeof(T));
  images += p0 / g.taps * channel_stride;
  int64_t tap = p0 % g.taps;
  if (count == 1 && cols == N) {
    images += runs[0].src;
    for (int64_t p = 0; p < kp; ++p, panel += N) {
      const T* from = images + g.offsets[tap];
#pragma GCC unroll 4
      for (int i = 0; i < N; i += L) store(panel + i, load<Vec<T>>(from + i));
      if (++tap == g.taps) tap = 0, images += channel_stride;
    }
    return;
  }
  for (int64_t p = 0; p < kp; ++p, panel += N) {
    const T* from = images + g.offsets[tap];
    if (g.phases.copied) {
      for (int r = 0; r < count; ++r)
        for (int i = 0; i < runs[r].len; i += L)
          store(panel + runs[r].dst + i, load<Vec<T>>(from + runs[r].src + i));
      if (cols < N) std::fill(panel + cols, panel + N, T(0));
    } else {
      for (int r = 0; r < count; ++r)
        std::memcpy(panel + runs[r].dst, from + runs[r].src,
                    size_t(runs[r].len) * sizeof(T));
    }
    if (++tap == g.taps) tap = 0, images += channel_stride;
  }
}

// Writes a block of results, pixels j0.. of an image block, to where they belong.
template <class T>
void scatter_block(const Gather& g, const T* block, int64_t cols, int64_t j0, T* dst,
                   const T* bias, bool past) {
  const int64_t pixels = g.pixels(), w = g.grid[2];
  for (int64_t r = 0; r < g.rows; ++r, block += cols) {
    const T add = bias ? bias[r] : T(0);
    for (int64_t at = 0; at < cols;) {
      const int64_t image = (j0 + at) / pixels, p = (j0 + at) % pixels;
      const int64_t x = p % w, y = p / w % g.grid[1], z = p / w / g.grid[1];
      const int64_t len = std::min(cols - at, g.whole() ? pixels - p : w - x);
      const int64_t row =
          (z * g.step[0] + g.first[0]) * g.dst[1] + y * g.step[1] + g.first[1];
      T* to = dst + image * g.dst_image + r * g.dst_plane() + row * g.dst[2] +
              x * g.step[2] + g.first[2];
      if (g.step[2] == 1)
        for_lanes<T>(len, [&](int64_t i, int k) {
          const Vec<T> v = load_first(block + at + i, k) + add;
          k < kLanes<T> ? store_first(to + i, v, k) : store_past(past, to + i, v);
        });
      else
        for (int64_t i = 0; i < len; ++i) to[i * g.step[2]] = block[at + i] + add;
      at += len;
    }
  }
}

// One thread's part of a Gather.
template <class T>
struct GatherTask {
  const Gather& g;
  const T* weights;  // [rows][channels * taps]
  const T* packed;   // the same, packed by blocks of k; or null
  const T* src;
  T* dst;
  const T* bias;
  int64_t k, block_k, images;  // images of a block
  bool past;                   // whether the result goes past the caches
  int64_t built = -1;
  const T* phases = nullptr;
  int64_t image_stride = 0, channel_stride = 0;

  bool build(int64_t block) {
    if (built == block) return true;
    built = block;
    const int64_t from = block * images, count = std::min(images, g.n - from);
    const T* first = src + from * g.src_image;
    const int64_t plane = g.phases.src[0] * g.phases.src[1] * g.phases.src[2];
    if (!g.phases.copied) {
      phases = first;
      image_stride = g.src_image;
      channel_stride = plane;
      return true;
    }
    channel_stride = g.phases.channel();
    image_stride = channel_stride * g.channels;
    T* to = scratch::array<T>(scratch::kWork, size_t(image_stride * count + 64));
    if (!to) return false;
    phases = to;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t c = 0; c < g.channels; ++c, to += channel_stride)
        fill_phases(g.phases, first + i * g.src_image + c * plane, to);
    return true;
  }

  const T* weight_block(int64_t p0, int64_t kp) {
    if (packed) return packed + RowTiles<T>(g.rows).packed_size(p0);
    T* pa =
        scratch::array<T>(scratch::kPackA, size_t(RowTiles<T>(g.rows).packed_size(kp)));
    if (pa) pack_rows(pa, g.rows, kp, View<T>{weights + p0, k, 1});
    return pa;
  }

  // Columns [j0, j0 + cols) of an image block.
  bool run(int64_t block, int64_t j0, int64_t cols) {
    if (!build(block)) return false;
    constexpr int N = kTileCols<T>;
    const bool direct = images == 1 && g.whole() && !past;
    T* image = dst + block * images * g.dst_image;
    T* c =
        direct ? image + j0 : scratch::array<T>(scratch::kWork2, size_t(g.rows * cols));
    T* pb = scratch::array<T>(scratch::kPackB, size_t(block_k * N + 64));
    if (!c || !pb) return false;
    const int64_t crs = direct ? g.dst_plane() : cols;
    for (int64_t p = 0; p < k; p += block_k) {
      const int64_t kp = std::min(block_k, k - p);
      const T* pa = weight_block(p, kp);
      if (!pa) return false;
      Epilogue<T> e;
      e.accumulate = p > 0;
      if (direct && p == 0) e.row_bias = bias;
      for (int64_t j = 0; j < cols; j += N) {
        const int width = int(std::min<int64_t>(N, cols - j));
        pack_patches(g, pb, phases, image_stride, channel_stride, j0 + j, width, p, kp);
        panel_product<T>(g.rows, width,
                         {kp, pa, 1, kRowSlots<T>, pb, N, c + j, crs, 0, true},
                         kp * kRowSlots<T>, e);
      }
    }
    if (!direct) scatter_block(g, c, cols, j0, image, bias, past);
    return true;
  }
};

// dst = weights * patches of src. False: no memory.
template <class T>
bool gather_convolution(const Gather& g, const T* weights, const T* src, T* dst,
                        const T* bias) {
  const int64_t pixels = g.pixels(), k = g.channels * g.taps;
  if (pixels == 0 || g.n == 0 || g.rows == 0) return true;
  const int64_t images = std::clamp<int64_t>(kColumns / pixels, 1, g.n);
  const int64_t blocks = ceil_div(g.n, images), columns = images * pixels;
  constexpr int64_t N = kTileCols<T>;  // whole panels: they end where rows end
  const int64_t width = ceil_div(even_part(columns, kColumns), N) * N;
  const int64_t parts = ceil_div(columns, width);
  const int64_t block_k = even_part(k, kBlockK);
  T* packed = nullptr;
  const RowTiles<T> tiles(g.rows);
  if (tiles.packed_size(k) <= kPackedOnce) {
    packed = scratch::array<T>(scratch::kPackA, size_t(tiles.packed_size(k)));
    if (!packed) return false;
    for (int64_t p = 0; p < k; p += block_k)
      pack_rows(packed + tiles.packed_size(p), g.rows, std::min(block_k, k - p),
                View<T>{weights + p, k, 1});
  }
  const bool past = g.whole() && pixels % kLanes<T> == 0 &&
                    g.n * g.rows * pixels * int64_t(sizeof(T)) >= kStreamBytes;
  bool ok = true;
  const int64_t work = g.rows * k * width;
  const int64_t grain =
      std::max<int64_t>(1, (int64_t{1} << 21) / std::max<int64_t>(work, 1));
  parallel_for(blocks * parts, grain, [&](int64_t begin, int64_t end) {
    GatherTask<T> task{g, weights, packed, src, dst, bias, k, block_k, images, past};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = i / parts, j0 = i % parts * width;
      const int64_t mine = std::min(images, g.n - block * images) * pixels;
      if (j0 >= mine) continue;
      if (!task.run(block, j0, std::min(width, mine - j0)))
        __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    }
    if (past) stream_fence();
  });
  return ok;
}

}  // namespace FL_ISA
