// Maximum and average pooling, with fixed and with adaptive windows.
#include <vector>

#include "pool_rows.h"
#include "registry.h"

namespace FL_ISA {
namespace {

// ---- max_pool
// ---------------------------------------------------------------------------

template <class T>
constexpr Compute<T> least() {
  using C = Compute<T>;
  return std::is_integral_v<C> ? std::numeric_limits<C>::lowest()
                               : -std::numeric_limits<C>::infinity();
}

// Takes one tap into the maxima of a row of outputs.
template <class T, class Stride>
void max_tap(int64_t n, const T* src, Stride stride, int32_t at, Compute<T>* best,
             int32_t* index) {
  using C = Compute<T>;
  for (int64_t x = 0; x < n; ++x) {
    const C v = read(src[x * stride]);
    const bool take = v > best[x] || v != v;
    best[x] = take ? v : best[x];
    index[x] = take ? int32_t(at + x * stride) : index[x];
  }
}

// The first tap of a window that lies in the input.
int64_t first_inside(const Window& w, int d, int64_t i) {
  const int64_t start = w.start(d, i);
  return start >= 0 ? start : start + (-start + w.dil[d] - 1) / w.dil[d] * w.dil[d];
}

template <class T>
void max_row(const Planes& p, const Window& w, const T* src, int64_t z, int64_t y,
             Compute<T>* best, int32_t* index) {
  const int64_t width = p.out[2];
  const int64_t corner =
      (first_inside(w, 0, z) * p.in[1] + first_inside(w, 1, y)) * p.in[2];
  for (int64_t x = 0; x < width; ++x) {
    best[x] = least<T>();
    index[x] = int32_t(corner + first_inside(w, 2, x));
  }
  for (int64_t kz = 0; kz < w.kernel[0]; ++kz)
    for (int64_t ky = 0; ky < w.kernel[1]; ++ky) {
      const int64_t iz = w.start(0, z) + kz * w.dil[0],
                    iy = w.start(1, y) + ky * w.dil[1];
      if (iz < 0 || iz >= p.in[0] || iy < 0 || iy >= p.in[1]) continue;
      for (int64_t kx = 0; kx < w.kernel[2]; ++kx) {
        int64_t lo, hi;
        inside(p, w, 2, kx * w.dil[2], &lo, &hi);
        const int64_t at =
            (iz * p.in[1] + iy) * p.in[2] + w.start(2, lo) + kx * w.dil[2];
        with_stride(w.stride[2], [&](auto stride) {
          max_tap(hi - lo, src + at, stride, int32_t(at), best + lo, index + lo);
        });
      }
    }
}

Window window_of(const fl_call* call, int dims, bool dilated) {
  Window w;
  read_ints(call->attr[0], dims, 1, w.kernel);
  read_ints(call->attr[1], dims, 1, w.stride);
  read_ints(call->attr[2], dims, 0, w.pad);
  if (dilated)
    read_ints(call->attr[3], dims, 1, w.dil);
  else
    std::fill_n(w.dil, 3, int64_t{1});
  return w;
}

template <class T>
fl_status max_pool_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->in[0], call->out[0]);
  const Window w = window_of(call, spatial_dims(call->in[0]), true);
  if (p.in_size() > std::numeric_limits<int32_t>::max()) return FL_UNSUPPORTED;
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  int64_t* indices = data_of<int64_t>(call->out[1]);
  if constexpr (std::is_same_v<T, float>) {
    if (PoolRows rows{p, w};
        has_pool_plane(w) && rows.make([](int64_t, int64_t) { return 1.0f; })) {
      for_planes(p, w.volume(), [&](int64_t i) {
        with_pool_plane(rows, x + i * p.in_size(), [&](auto plane) {
          plane.maxima(y + i * p.out_size(), indices + i * p.out_size());
        });
      });
      return FL_OK;
    }
  }
  bool ok = true;
  for_planes(p, w.volume(), [&](int64_t i) {
    int64_t to = i * p.out_size();
    C* best = scratch::array<C>(scratch::kWork, size_t(p.out[2]));
    int32_t* index = scratch::array<int32_t>(scratch::kWork2, size_t(p.out[2]));
    if (!best || !index) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t r = 0; r < p.out[1]; ++r, to += p.out[2]) {
        max_row(p, w, x + i * p.in_size(), z, r, best, index);
        for (int64_t c = 0; c < p.out[2]; ++c) y[to + c] = write<T>(best[c]);
        for (int64_t c = 0; c < p.out[2]; ++c) indices[to + c] = index[c];
      }
  });
  return ok ? FL_OK : fail(call, "max_pool: no memory", FL_OUT_OF_MEMORY);
}

template <class T>
fl_status max_pool_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->out[0], call->in[0]);
  const T* g = data_of<T>(call->in[0]);
  const int64_t* indices = data_of<int64_t>(call->in[1]);
  T* dx = data_of<T>(call->out[0]);
  const int64_t size = p.in_size(), out = p.out_size();
  bool memory = true, valid = true;
  for_planes(p, 2, [&](int64_t i) {
    C* sums;
    if constexpr (kIsHalf<T>)
      sums = scratch::array<C>(scratch::kWork, size_t(size));
    else
      sums = dx + i * size;
    if (!sums) return __atomic_store_n(&memory, false, __ATOMIC_RELAXED);
    std::fill_n(sums, size, C(0));
    for (int64_t j = i * out; j < (i + 1) * out; ++j) {
      if (uint64_t(indices[j]) >= uint64_t(size)) {
        __atomic_store_n(&valid, false, __ATOMIC_RELAXED);
        break;
      }
      sums[indices[j]] += C(read(g[j]));
    }
    if constexpr (kIsHalf<T>)
      for (int64_t j = 0; j < size; ++j) dx[i * size + j] = write<T>(sums[j]);
  });
  if (!memory) return fail(call, "max_pool_backward: no memory", FL_OUT_OF_MEMORY);
  if (!valid)
    return fail(call, "max_pool_backward: index out of the plane", FL_INDEX_ERROR);
  return FL_OK;
}

// ---- avg_pool
// ---------------------------------------------------------------------------

struct Average {
  Window w;
  bool count_padding;
  int64_t divisor;

  // Inputs that are counted for output i along d.
  int64_t counted(const Planes& p, int d, int64_t i) const {
    const int64_t start = w.start(d, i);
    const int64_t end = std::min(start + w.kernel[d], p.in[d] + w.pad[d]);
    if (count_padding) return end - start;
    return std::min(end, p.in[d]) - std::max<int64_t>(start, 0);
  }
  double share(const Planes& p, int64_t z, int64_t y, int64_t x) const {
    const int64_t n =
        divisor != 0 ? divisor : counted(p, 0, z) * counted(p, 1, y) * counted(p, 2, x);
    return 1.0 / double(n);
  }
};

Average average_of(const fl_call* call, int dims) {
  return {window_of(call, dims, false), call->attr[3].v.i != 0, call->attr[4].v.i};
}

// f(offset in the input of the first of n outputs from lo on) for all taps of a row.
template <class F>
void for_row_taps(const Planes& p, const Window& w, int64_t z, int64_t y, F&& f) {
  for (int64_t kz = 0; kz < w.kernel[0]; ++kz)
    for (int64_t ky = 0; ky < w.kernel[1]; ++ky) {
      const int64_t iz = w.start(0, z) + kz, iy = w.start(1, y) + ky;
      if (iz < 0 || iz >= p.in[0] || iy < 0 || iy >= p.in[1]) continue;
      for (int64_t kx = 0; kx < w.kernel[2]; ++kx) {
        int64_t lo, hi;
        inside(p, w, 2, kx, &lo, &hi);
        if (lo < hi)
          f((iz * p.in[1] + iy) * p.in[2] + w.start(2, lo) + kx, lo, hi - lo);
      }
    }
}

template <class T>
fl_status avg_pool_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->in[0], call->out[0]);
  const Average a = average_of(call, spatial_dims(call->in[0]));
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const auto along = [&](int64_t c) {
    return C(1) / C(a.divisor ? a.divisor : a.counted(p, 2, c));
  };
  const auto across = [&](int64_t z, int64_t r) {
    return a.divisor ? C(1) : C(1) / C(a.counted(p, 0, z) * a.counted(p, 1, r));
  };
  if constexpr (std::is_same_v<T, float>) {
    if (PoolRows rows{p, a.w}; has_pool_plane(a.w) && rows.make(across)) {
      const C full = C(1) / C(a.divisor ? a.divisor : a.w.kernel[2]);
      for_planes(p, a.w.volume(), [&](int64_t i) {
        with_pool_plane(rows, x + i * p.in_size(), [&](auto plane) {
          plane.averages(y + i * p.out_size(), full, along);
        });
      });
      return FL_OK;
    }
  }
  bool ok = true;
  for_planes(p, a.w.volume(), [&](int64_t i) {
    const T* src = x + i * p.in_size();
    T* to = y + i * p.out_size();
    C* sums = scratch::array<C>(scratch::kWork, size_t(2 * p.out[2]));
    if (!sums) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    C* by = sums + p.out[2];  // the share of an input along the row
    for (int64_t c = 0; c < p.out[2]; ++c) by[c] = along(c);
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t r = 0; r < p.out[1]; ++r, to += p.out[2]) {
        std::fill_n(sums, p.out[2], C(0));
        for_row_taps(p, a.w, z, r, [&](int64_t at, int64_t lo, int64_t n) {
          with_stride(a.w.stride[2], [&](auto stride) {
            for (int64_t c = 0; c < n; ++c)
              sums[lo + c] += C(read(src[at + c * stride]));
          });
        });
        const C rows = across(z, r);
        for (int64_t c = 0; c < p.out[2]; ++c)
          to[c] = write<T>(sums[c] * (by[c] * rows));
      }
  });
  return ok ? FL_OK : fail(call, "avg_pool: no memory", FL_OUT_OF_MEMORY);
}

// Runs body(plane, sums) with sums a plane of the compute type that starts at zero, and
// writes that plane of dx.
template <class T, class F>
fl_status into_planes(const fl_call* call, const Planes& p, int64_t window, F&& body) {
  using C = Compute<T>;
  T* dx = data_of<T>(call->out[0]);
  const int64_t size = p.in_size();
  bool ok = true;
  for_planes(p, window, [&](int64_t i) {
    C* sums;
    if constexpr (kIsHalf<T>)
      sums = scratch::array<C>(scratch::kWork, size_t(size));
    else
      sums = dx + i * size;
    if (!sums) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    std::fill_n(sums, size, C(0));
    body(i, sums);
    if constexpr (kIsHalf<T>)
      for (int64_t j = 0; j < size; ++j) dx[i * size + j] = write<T>(sums[j]);
  });
  return ok ? FL_OK : fail(call, "pooling: no memory", FL_OUT_OF_MEMORY);
}

template <class T>
fl_status avg_pool_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->out[0], call->in[0]);
  const Average a = average_of(call, spatial_dims(call->in[0]));
  const T* g = data_of<T>(call->in[0]);
  return into_planes<T>(call, p, a.w.volume(), [&](int64_t i, C* sums) {
    std::vector<C> row(size_t(p.out[2]));
    const T* from = g + i * p.out_size();
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t r = 0; r < p.out[1]; ++r, from += p.out[2]) {
        for (int64_t c = 0; c < p.out[2]; ++c)
          row[size_t(c)] = C(read(from[c])) * C(a.share(p, z, r, c));
        const C* values = row.data();
        for_row_taps(p, a.w, z, r, [&](int64_t at, int64_t lo, int64_t n) {
          with_stride(a.w.stride[2], [&](auto stride) {
#pragma GCC ivdep
            for (int64_t c = 0; c < n; ++c) sums[at + c * stride] += values[lo + c];
          });
        });
      }
  });
}

// ---- adaptive
// ---------------------------------------------------------------------------

int64_t cell_start(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t cell_end(int64_t i, int64_t in, int64_t out) {
  return ((i + 1) * in + out - 1) / out;
}

struct Cell {
  int64_t lo[3], hi[3];
  int64_t volume() const { return (hi[0] - lo[0]) * (hi[1] - lo[1]) * (hi[2] - lo[2]); }
};

// f(output index, its cell) for all outputs of a plane.
template <class F>
void for_cells(const Planes& p, F&& f) {
  Cell c;
  int64_t at = 0;
  auto set = [&](int d, int64_t i) {
    c.lo[d] = cell_start(i, p.in[d], p.out[d]);
    c.hi[d] = cell_end(i, p.in[d], p.out[d]);
  };
  for (int64_t z = 0; z < p.out[0]; ++z) {
    set(0, z);
    for (int64_t y = 0; y < p.out[1]; ++y) {
      set(1, y);
      for (int64_t x = 0; x < p.out[2]; ++x) {
        set(2, x);
        f(at++, c);
      }
    }
  }
}

// f(offset, length) for the rows of a cell, whole planes as one.
template <class F>
void for_cell_rows(const Planes& p, const Cell& c, F&& f) {
  if (c.volume() == p.in_size()) return f(int64_t{0}, p.in_size());
  for (int64_t z = c.lo[0]; z < c.hi[0]; ++z)
    for (int64_t y = c.lo[1]; y < c.hi[1]; ++y)
      f((z * p.in[1] + y) * p.in[2] + c.lo[2], c.hi[2] - c.lo[2]);
}

template <class T>
fl_status adaptive_avg_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->in[0], call->out[0]);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  for_planes(p, p.in_size() / std::max<int64_t>(1, p.out_size()) + 1, [&](int64_t i) {
    const T* src = x + i * p.in_size();
    for_cells(p, [&](int64_t at, const Cell& c) {
      Vec<C> sum = {};
      for_cell_rows(p, c, [&](int64_t from, int64_t n) {
        sum += sum_over<C>(
            n, [&](int64_t j, int k) { return load_row(src + from + j, k); });
      });
      y[i * p.out_size() + at] = write<T>(sum_lanes<C>(sum) / C(c.volume()));
    });
  });
  return FL_OK;
}

template <class T>
fl_status adaptive_avg_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->out[0], call->in[0]);
  const T* g = data_of<T>(call->in[0]);
  return into_planes<T>(call, p, 2, [&](int64_t i, C* sums) {
    for_cells(p, [&](int64_t at, const Cell& c) {
      const C share = C(read(g[i * p.out_size() + at])) / C(c.volume());
      for_cell_rows(p, c, [&](int64_t to, int64_t n) {
        for (int64_t j = 0; j < n; ++j) sums[to + j] += share;
      });
    });
  });
}

template <class T>
fl_status adaptive_max_as(const fl_call* call) {
  using C = Compute<T>;
  const Planes p = planes_of(call->in[0], call->out[0]);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  int64_t* indices = data_of<int64_t>(call->out[1]);
  for_planes(p, p.in_size() / std::max<int64_t>(1, p.out_size()) + 1, [&](int64_t i) {
    const T* src = x + i * p.in_size();
    for_cells(p, [&](int64_t at, const Cell& c) {
      C best = least<T>();
      int64_t index = (c.lo[0] * p.in[1] + c.lo[1]) * p.in[2] + c.lo[2];
      for_cell_rows(p, c, [&](int64_t from, int64_t n) {
        for (int64_t j = from; j < from + n; ++j) {
          const C v = read(src[j]);
          if (v > best || v != v) best = v, index = j;
        }
      });
      y[i * p.out_size() + at] = write<T>(best);
      indices[i * p.out_size() + at] = index;
    });
  });
  return FL_OK;
}

#define FL_POOL(name, set, body)                              \
  fl_status name(const fl_call* call) {                       \
    return for_dtype<set>(call->in[0].dtype, [&](auto type) { \
      using T = typename decltype(type)::type;                \
      return body<T>(call);                                   \
    });                                                       \
  }
FL_POOL(max_pool, kReal, max_pool_as)
FL_POOL(max_pool_backward, kFloats, max_pool_backward_as)
FL_POOL(avg_pool, kFloats, avg_pool_as)
FL_POOL(avg_pool_backward, kFloats, avg_pool_backward_as)
FL_POOL(adaptive_avg_pool, kFloats, adaptive_avg_as)
FL_POOL(adaptive_avg_pool_backward, kFloats, adaptive_avg_backward_as)
FL_POOL(adaptive_max_pool, kReal, adaptive_max_as)
#undef FL_POOL

}  // namespace

FL_FAMILY(pool, {"max_pool", max_pool, kReal},
          {"max_pool_backward", max_pool_backward, kFloats},
          {"avg_pool", avg_pool, kFloats},
          {"avg_pool_backward", avg_pool_backward, kFloats},
          {"adaptive_avg_pool", adaptive_avg_pool, kFloats},
          {"adaptive_avg_pool_backward", adaptive_avg_pool_backward, kFloats},
          {"adaptive_max_pool", adaptive_max_pool, kReal});

}  // namespace FL_ISA
