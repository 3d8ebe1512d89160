// The product of two strided matrices on one thread: blocked over packed panels, and
// the forms without packing for small and for thin matrices.
#pragma once

#include <algorithm>

#include "pack.h"
#include "scratch.h"

namespace FL_ISA {

// A panel of b and a tile's rows of a stay in the first cache, a block of a in the
// second, a block of b in the third.
constexpr int64_t kBlockK = kWidth == 64 ? 384 : 256;
template <class T>
constexpr int64_t kBlockM = (kWidth == 64 ? 448 : 240) * 4 / int64_t(sizeof(T));
constexpr int64_t kBlockN = 4096;
constexpr int64_t kUnpacked = 1 << 15;  // elements of an a that need no packing

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
// The size of evenly sized parts of n that are at most `most` long.
inline int64_t even_part(int64_t n, int64_t most) {
  return n <= most ? std::max<int64_t>(n, 1) : ceil_div(n, ceil_div(n, most));
}

// m rows in tiles as even as can be: a last tile of one row would be nearly as slow as
// a full one.
template <class T>
struct RowTiles {
  int64_t count, least, more;  // tiles, rows of each, and how many have one more

  explicit RowTiles(int64_t m)
      : count(std::max<int64_t>(1, ceil_div(m, kTileRows<T>))) {
    least = m / count, more = m % count;
  }
  int rows(int64_t i) const { return int(least + (i < more)); }
  int64_t first(int64_t i) const { return i * least + std::min(i, more); }
  // Elements of the rows packed: a panel of kRowSlots for each tile.
  int64_t packed_size(int64_t k) const { return count * k * kRowSlots<T>; }
};

// One panel of columns (at most kTileCols) against all m rows; a is packed in panels
// that lie `panel_step` apart, or with 0 lies in rows t.ars apart. With t.packed the
// first tile packs b, which the others read.
template <class T>
void panel_product(int64_t m, int cols, TileArgs<T> t, int64_t panel_step,
                   const Epilogue<T>& e) {
  const RowTiles<T> tiles(m);
  const int vecs = cols > kLanes<T> ? 2 : 1;
  t.last = cols - (vecs - 1) * kLanes<T>;
  Epilogue<T> here = e;
  for (int64_t i = 0; i < tiles.count; ++i) {
    const int rows = tiles.rows(i);
    if (i == 0 && t.packed) {
      packing_tile_of<T>(rows)(t, here);
      t.b = t.packed, t.brs = kTileCols<T>;
    } else {
      tile_of<T>(rows, vecs)(t, here);
    }
    if (e.row_bias) here.row_bias += rows;
    t.a += panel_step ? panel_step : rows * t.ars;
    t.c += rows * t.crs;
  }
}

// a is read where it lies, and so is b, whose rows are contiguous, unless there are
// tiles enough below each other for its panels to be packed by the first.
template <class T>
bool direct_product(int64_t m, int64_t n, int64_t k, View<T> a, View<T> b, T* c,
                    int64_t crs, const Epilogue<T>& e) {
  constexpr int64_t N = kTileCols<T>;
  const bool packs = std::is_floating_point_v<T> && m > 3 * kTileRows<T>;
  T* panel = packs ? scratch::array<T>(scratch::kPackB, size_t(k * N)) : nullptr;
  if (packs && !panel) return false;
  Epilogue<T> here = e;
  for (int64_t j = 0; j < n; j += N) {
    if (e.bias) here.bias = e.bias + j;
    const int cols = int(std::min(N, n - j));
    TileArgs<T> t = {k, a.data, a.rs, a.cs, b.data + j, b.rs, c + j, crs, 0};
    if (cols == N) t.packed = panel;
    panel_product<T>(m, cols, t, 0, here);
  }
  return true;
}

// The same for a b whose columns are contiguous: its panels are packed.
template <class T>
[[gnu::noinline]] bool turned_product(int64_t m, int64_t n, int64_t k, View<T> a,
                                      View<T> b, T* c, int64_t crs,
                                      const Epilogue<T>& e) {
  constexpr int64_t N = kTileCols<T>;
  T* panel = scratch::array<T>(scratch::kPackB, size_t(k * N));
  if (!panel) return false;
  Epilogue<T> here = e;
  for (int64_t j = 0; j < n; j += N) {
    if (e.bias) here.bias = e.bias + j;
    const int cols = int(std::min(N, n - j));
    pack(panel, int(N), cols, k, b.at(0, j).transposed());
    panel_product<T>(m, cols, {k, a.data, a.rs, a.cs, panel, N, c + j, crs, 0, true}, 0,
                     here);
  }
  return true;
}

// Packs m rows of a into panels of a tile's rows each, one after another.
template <class T, class S>
void pack_rows(T* dst, int64_t m, int64_t k, View<S> a) {
  const RowTiles<T> tiles(m);
  for (int64_t i = 0; i < tiles.count; ++i, dst += k * kRowSlots<T>)
    pack(dst, kRowSlots<T>, tiles.rows(i), k, a.at(tiles.first(i), 0));
}

// Packed rows [mi, kp] against columns of b, which are packed into pb on the way if
// they are `fresh`.
template <class T, class S>
void block_product(int64_t mi, int64_t n, int64_t kp, const T* pa, T* pb, View<S> b,
                   bool fresh, T* c, int64_t crs, const Epilogue<T>& e) {
  constexpr int64_t N = kTileCols<T>;
  const int slots = int(n <= kLanes<T> ? kLanes<T> : N);
  Epilogue<T> here = e;
  for (int64_t j = 0; j < n; j += N, pb += kp * N) {
    const int cols = int(std::min(N, n - j));
    if (e.bias) here.bias = e.bias + j;
    TileArgs<T> t = {kp, pa, 1, kRowSlots<T>, pb, slots, c + j, crs, 0, true};
    if constexpr (std::is_same_v<S, T> && std::is_floating_point_v<T>)
      if (fresh && b.cs == 1 && cols == N)
        t.b = b.data + j, t.brs = b.rs, t.packed = pb;
    if (fresh && !t.packed) pack(pb, slots, cols, kp, b.at(0, j).transposed());
    panel_product<T>(mi, cols, t, kp * kRowSlots<T>, here);
  }
}

template <class T, class S>
bool packed_product(int64_t m, int64_t n, int64_t k, View<S> a, View<S> b, T* c,
                    int64_t crs, const Epilogue<T>& e) {
  const int64_t block_k = even_part(k, kBlockK), block_n = even_part(n, kBlockN);
  const int64_t block_m = even_part(m, kBlockM<T>);
  const size_t columns = size_t(ceil_div(block_n, kTileCols<T>) * kTileCols<T>);
  T* pa = scratch::array<T>(scratch::kPackA,
                            size_t(RowTiles<T>(block_m).packed_size(block_k)));
  T* pb = scratch::array<T>(scratch::kPackB, columns * size_t(block_k));
  if (!pa || !pb) return false;
  for (int64_t j = 0; j < n; j += block_n)
    for (int64_t p = 0; p == 0 || p < k; p += block_k) {
      const int64_t kp = std::min(block_k, k - p), nj = std::min(block_n, n - j);
      Epilogue<T> here = e;
      here.accumulate = e.accumulate || p > 0;
      here.bias = e.bias && p == 0 ? e.bias + j : nullptr;
      here.relu = e.relu && p + kp >= k;
      for (int64_t i = 0; i < m; i += block_m) {
        const int64_t mi = std::min(block_m, m - i);
        pack_rows(pa, mi, kp, a.at(i, p));
        here.row_bias = e.row_bias && p == 0 ? e.row_bias + i : nullptr;
        block_product(mi, nj, kp, pa, pb, b.at(p, j), i == 0, c + i * crs + j, crs,
                      here);
      }
    }
  return true;
}

// One row of c from a row of sums.
template <class T>
void finish_row(int64_t n, const T* sums, T* c, T add, const Epilogue<T>& e) {
  constexpr int L = kLanes<T>;
  for (int64_t j = 0; j < n; j += L) {
    const int left = int(std::min<int64_t>(L, n - j));
    Vec<T> v = load_first(sums + j, left) * e.alpha;
    if (e.row_bias) v += add;
    if (e.bias) v += load_first(e.bias + j, left);
    if (e.accumulate) v += load_first(c + j, left);
    if (e.relu) v = v < T(0) ? Vec<T>{} : v;  // NaN stays
    store_first(c + j, v, left);
  }
}

// c[m, n] = epilogue(sums^T), by way of `rows` where there is an epilogue.
template <class T>
void finish_transposed(int64_t m, int64_t n, const T* sums, int64_t srs, T* rows, T* c,
                       int64_t crs, const Epilogue<T>& e) {
  if (e.alpha == T(1) && !e.bias && !e.row_bias && !e.accumulate && !e.relu)
    return transpose_matrix(n, m, sums, srs, c, crs);
  transpose_matrix(n, m, sums, srs, rows, n);
  for (int64_t i = 0; i < m; ++i)
    finish_row(n, rows + i * n, c + i * crs, e.row_bias ? e.row_bias[i] : T(0), e);
}

// Few rows against a b whose columns are contiguous: the sides change places, so that
// b is read where it lies and the few rows are what is packed. A block of the result's
// transpose stays in the second cache.
template <class T>
bool swapped_product(int64_t m, int64_t n, int64_t k, View<T> a, View<T> b, T* c,
                     int64_t crs, const Epilogue<T>& e) {
  constexpr int64_t N = kTileCols<T>;
  const int64_t block_n = 16 * kTileRows<T>, slots = ceil_div(m, N) * N;
  const int64_t block_k = even_part(k, kBlockK);
  T* pb = scratch::array<T>(scratch::kPackB, size_t(slots * k));
  T* sums = scratch::array<T>(scratch::kPackA, size_t((slots + m) * block_n));
  if (!pb || !sums) return false;
  for (int64_t i = 0; i < m; i += N)
    pack(pb + i * k, int(N), int(std::min(N, m - i)), k, a.at(i, 0));
  for (int64_t j0 = 0; j0 < n; j0 += block_n) {
    const int64_t nj = std::min(block_n, n - j0);
    for (int64_t p = 0; p < k; p += block_k) {
      Epilogue<T> here;
      here.accumulate = p > 0;
      for (int64_t i = 0; i < m; i += N)
        panel_product<T>(nj, int(std::min(N, m - i)),
                         {std::min(block_k, k - p), b.data + j0 * b.cs + p, b.cs, 1,
                          pb + i * k + p * N, N, sums + i, slots, 0, true},
                         0, here);
    }
    Epilogue<T> here = e;
    if (e.bias) here.bias = e.bias + j0;
    finish_transposed(m, nj, sums, slots, sums + slots * block_n, c + j0, crs, here);
  }
  return true;
}

// MR rows of a against NC columns of b, both contiguous along k.
template <class T, int MR, int NC>
void dot_tile(int64_t k, const T* a, int64_t ars, const T* b, int64_t bcs,
              T (*out)[NC]) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR][NC] = {};
  int64_t p = 0;
  for (; p + L <= k; p += L)
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
      const Vec<T> bv = load<Vec<T>>(b + j * bcs + p);
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i) acc[i][j] += load<Vec<T>>(a + i * ars + p) * bv;
    }
  if (const int left = int(k - p); left > 0)
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
      const Vec<T> bv = load_some<Vec<T>>(b + j * bcs + p, left);
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i)
        acc[i][j] += load_some<Vec<T>>(a + i * ars + p, left) * bv;
    }
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) out[i][j] = sum_lanes<T>(acc[i][j]);
}

template <class T>
T finish_value(T v, T old, int64_t i, int64_t j, const Epilogue<T>& e) {
  v *= e.alpha;
  if (e.bias) v += e.bias[j];
  if (e.row_bias) v += e.row_bias[i];
  if (e.accumulate) v += old;
  return e.relu && v < T(0) ? T(0) : v;
}

template <class T, int MR>
void dot_rows(int64_t i, int64_t n, int64_t k, View<T> a, View<T> b, T* c, int64_t crs,
              const Epilogue<T>& e) {
  constexpr int NC = MR == 1 ? 8 : 4;
  T out[MR][NC];
  const T* rows = a.data + i * a.rs;
  int64_t j = 0;
  auto put = [&](int cols, auto& values) {
    for (int r = 0; r < MR; ++r)
      for (int q = 0; q < cols; ++q) {
        T* to = c + (i + r) * crs + j + q;
        *to = finish_value(values[r][q], *to, i + r, j + q, e);
      }
  };
  for (; j + NC <= n; j += NC) {
    dot_tile<T, MR, NC>(k, rows, a.rs, b.data + j * b.cs, b.cs, out);
    put(NC, out);
  }
  T one[MR][1];
  for (; j < n; ++j) {
    dot_tile<T, MR, 1>(k, rows, a.rs, b.data + j * b.cs, b.cs, one);
    put(1, one);
  }
}

// Few rows, both operands contiguous along k: every value of b is read once from
// memory.
template <class T>
void dot_product(int64_t m, int64_t n, int64_t k, View<T> a, View<T> b, T* c,
                 int64_t crs, const Epilogue<T>& e) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) dot_rows<T, 4>(i, n, k, a, b, c, crs, e);
  for (; i + 2 <= m; i += 2) dot_rows<T, 2>(i, n, k, a, b, c, crs, e);
  if (i < m) dot_rows<T, 1>(i, n, k, a, b, c, crs, e);
}

// One row times a b with contiguous rows: b is read in its order, eight rows at a time.
template <class T>
void row_product(int64_t n, int64_t k, View<T> a, View<T> b, T* __restrict c,
                 const Epilogue<T>& e) {
  constexpr int L = kLanes<T>;
  constexpr int64_t kColumns = 2048;  // of c, kept in the first cache
  for (int64_t j0 = 0; j0 < n; j0 += kColumns) {
    const int64_t cols = std::min(kColumns, n - j0);
    T* to = c + j0;
    if (!e.accumulate) std::fill_n(to, cols, T(0));
    for (int64_t p = 0; p < k; p += 8) {
      const int rows = int(std::min<int64_t>(8, k - p));
      T x[8];
      const T* from[8];
      for (int r = 0; r < 8; ++r) {
        x[r] = r < rows ? e.alpha * a.data[(p + r) * a.cs] : T(0);
        from[r] = b.data + (p + std::min(r, rows - 1)) * b.rs + j0;
      }
      for (int64_t j = 0; j < cols; j += L) {
        const int left = int(std::min<int64_t>(L, cols - j));
        Vec<T> v = load_first(to + j, left), w = {};
        if (rows == 8) {
#pragma GCC unroll 8
          for (int r = 0; r < 8; r += 2) {
            v += x[r] * load_first(from[r] + j, left);
            w += x[r + 1] * load_first(from[r + 1] + j, left);
          }
        } else {
          for (int r = 0; r < rows; ++r) v += x[r] * load_first(from[r] + j, left);
        }
        store_first(to + j, v + w, left);
      }
    }
    if (e.bias || e.row_bias || e.relu)
      for (int64_t j = 0; j < cols; ++j) {
        T v = to[j];
        if (e.bias) v += e.bias[j0 + j];
        if (e.row_bias) v += e.row_bias[0];
        to[j] = e.relu && v < T(0) ? T(0) : v;
      }
  }
}

// c[m, n] = epilogue(a[m, k] b[k, n]) on this thread. False: no memory for packing.
template <class T, class S>
bool product(int64_t m, int64_t n, int64_t k, View<S> a, View<S> b, T* c, int64_t crs,
             const Epilogue<T>& e) {
  if (m <= 0 || n <= 0) return true;
  if constexpr (std::is_same_v<S, T>) {
    const bool small = k <= kBlockK && m * k <= kUnpacked && n <= 16 * kTileCols<T>;
    if (b.cs == 1 || n == 1) {
      if (m == 1 && k * n >= 4096) {
        row_product<T>(n, k, a, b, c, e);
        return true;
      }
      const bool few = m <= 2 * kTileRows<T> || k * n <= 8192;
      if ((few && k <= 2 * kBlockK) || small)
        return direct_product<T>(m, n, k, a, b, c, crs, e);
    } else if (b.rs == 1 && a.cs == 1 && m <= 8 && (k >= 96 || m * n <= 16)) {
      dot_product<T>(m, n, k, a, b, c, crs, e);
      return true;
    } else if (std::is_floating_point_v<T> && b.rs == 1 && k >= 64 && n >= 2 * m &&
               m <= 8 * kTileCols<T>) {
      return swapped_product<T>(m, n, k, a, b, c, crs, e);
    } else if (b.rs == 1 && small) {
      return turned_product<T>(m, n, k, a, b, c, crs, e);
    }
  }
  return packed_product<T, S>(m, n, k, a, b, c, crs, e);
}

}  // namespace FL_ISA
