// The innermost part of every product of matrices here: one tile of the result kept in
// registers, and the vectors that it is made of.
#pragma once

#include <utility>

#include "simd.h"

namespace FL_ISA {

template <class T>
constexpr int kLanes = lanes_of<Vec<T>>;

// Rows and columns of a full tile: as many accumulators as the registers hold beside
// one row of b and one value of a (28 of 32, 12 of 16).
template <class T>
constexpr int kTileRows = std::is_integral_v<T> ? 4
                          : kWidth == 64        ? 14
                          : kWidth == 32        ? 6
                                                : 4;
constexpr int kTileVecs = 2;
template <class T>
constexpr int kTileCols = kLanes<T> * kTileVecs;
// Slots of one step of k in a packed panel of rows: whole vectors.
template <class T>
constexpr int kRowSlots = (kTileRows<T> + kLanes<T> - 1) / kLanes<T> * kLanes<T>;

template <class T>
FL_INLINE Vec<T> load_first(const T* p, int n) {
  return n >= kLanes<T> ? load<Vec<T>>(p) : load_some<Vec<T>>(p, n);
}
template <class T>
FL_INLINE void store_first(T* p, Vec<T> v, int n) {
  if (n >= kLanes<T>)
    store(p, v);
  else
    store_some(p, v, n);
}

// x + 0 would turn -0 into 0, and so cost an addition; x - 0 is x.
template <class T>
FL_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

template <class T>
FL_INLINE T sum_lanes(Vec<T> v) {
  return fold_lanes([](auto a, auto b) { return a + b; }, v);
}

// What happens to the result on its way to memory:
// c = act(alpha * ab + bias[column] + row_bias[row] + (accumulate ? c : 0)).
template <class T>
struct Epilogue {
  T alpha = T(1);
  const T* bias = nullptr;
  const T* row_bias = nullptr;
  bool accumulate = false;
  bool relu = false;
};

// One operand of a tile's call: a is read at a[i * ars + p * acs], b at b[p * brs + j].
template <class T>
struct TileArgs {
  int64_t k;
  const T* a;
  int64_t ars, acs;
  const T* b;
  int64_t brs;
  T* c;
  int64_t crs;
  int last;             // lanes of the last vector of columns
  bool whole = false;   // rows of b may be read to the end of the last vector
  T* packed = nullptr;  // where a tile that packs leaves what it reads of b
};

template <class T, int MR, int NV>
inline void finish_tile(const Vec<T> (&acc)[MR][NV], const TileArgs<T>& t,
                        const Epilogue<T>& e) {
  constexpr int L = kLanes<T>;
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < NV; ++j) {
      const int n = j + 1 < NV ? L : t.last;
      T* to = t.c + i * t.crs + j * L;
      Vec<T> v = acc[i][j] * e.alpha;
      if (e.bias) v += load_first(e.bias + j * L, n);
      if (e.row_bias) v += e.row_bias[i];
      if (e.accumulate) v += load_first(to, n);
      if (e.relu) v = v < T(0) ? Vec<T>{} : v;  // NaN stays
      store_first(to, v, n);
    }
}

// MR rows by NV vectors of columns, of which the last holds t.last lanes. One that
// packs has whole vectors, and leaves b's as a panel for the tiles below it: its stores
// cost nothing beside the products.
template <class T, int MR, int NV, bool Packs = false>
void tile(const TileArgs<T>& t, const Epilogue<T>& e) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR][NV] = {};
  const T *a = t.a, *b = t.b;
  [[maybe_unused]] T* packed = t.packed;
  const int64_t ars = t.ars, acs = t.acs, brs = t.brs;
  const int last = t.last;
  constexpr int kLine = 64 / int(sizeof(T));
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < NV * L; j += kLine) __builtin_prefetch(t.c + i * t.crs + j, 1);
  auto step = [&](auto full) __attribute__((always_inline)) {
    Vec<T> bv[NV];
#pragma GCC unroll 8
    for (int j = 0; j < NV; ++j)
      bv[j] =
          j + 1 < NV || full ? load<Vec<T>>(b + j * L) : load_first(b + j * L, last);
    if constexpr (Packs) {
#pragma GCC unroll 8
      for (int j = 0; j < NV; ++j) {
        store(packed + j * L, bv[j]);
        if (j * L % kLine == 0) __builtin_prefetch(b + (NV + j) * L, 0, 2);
      }
      packed += NV * L;
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> av = broadcast<T>(a[i * ars]);
#pragma GCC unroll 8
      for (int j = 0; j < NV; ++j) acc[i][j] += av * bv[j];
    }
    a += acs;
    b += brs;
  };
  if (Packs || last == L || t.whole)
    for (int64_t p = t.k; p > 0; --p) step(std::true_type{});
  else
    for (int64_t p = t.k; p > 0; --p) step(std::false_type{});
  const bool plain = e.alpha == T(1) && !e.bias && !e.row_bias && !e.relu;
  if (!plain || last < L) {
    Vec<T> copy[MR][NV];  // so that acc itself never needs an address
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < NV; ++j) copy[i][j] = acc[i][j];
    return finish_tile<T, MR, NV>(copy, t, e);
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < NV; ++j) {
      T* to = t.c + i * t.crs + j * L;
      store(to, e.accumulate ? load<Vec<T>>(to) + acc[i][j] : acc[i][j]);
    }
}

template <class T>
using TileFn = void (*)(const TileArgs<T>&, const Epilogue<T>&);

template <class T, int NV, bool Packs, int... R>
constexpr TileFn<T> pick_tile(int rows, std::integer_sequence<int, R...>) {
  constexpr TileFn<T> table[] = {tile<T, R + 1, NV, Packs>...};
  return table[rows - 1];
}
template <class T>
constexpr auto kAllRows = std::make_integer_sequence<int, kTileRows<T>>{};
// The tile of `rows` (up to kTileRows) by `vecs` vectors: 1 or 2.
template <class T>
inline TileFn<T> tile_of(int rows, int vecs) {
  return vecs == 1 ? pick_tile<T, 1, false>(rows, kAllRows<T>)
                   : pick_tile<T, kTileVecs, false>(rows, kAllRows<T>);
}
template <class T>
inline TileFn<T> packing_tile_of(int rows) {
  return pick_tile<T, kTileVecs, true>(rows, kAllRows<T>);
}

}  // namespace FL_ISA
