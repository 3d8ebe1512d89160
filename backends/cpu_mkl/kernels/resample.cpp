// Resampling of planes (nearest, linear, cubic) and padding by reflection or
// repetition, with their gradients. Every dimension has a table of sources and weights.
#include <cmath>
#include <memory>
#include <new>

#include "loops.h"
#include "registry.h"
#include "windows.h"

namespace FL_ISA {
namespace {

enum Mode { kNearest, kLinear, kCubic, kNearestExact };

// For each output along a dimension, `taps` inputs and their weights: [tap][output].
struct Table {
  int taps = 1;
  int64_t size = 0;
  std::unique_ptr<int32_t[]> index;
  std::unique_ptr<double[]> weight;

  bool make(int count, int64_t outputs) {
    taps = count;
    size = outputs;
    index.reset(new (std::nothrow) int32_t[size_t(taps * size + 1)]);
    weight.reset(new (std::nothrow) double[size_t(taps * size + 1)]);
    return index && weight;
  }
  void set(int tap, int64_t output, int64_t input, double by) {
    index[size_t(tap * size + output)] = int32_t(input);
    weight[size_t(tap * size + output)] = by;
  }
};

double cubic_near(double x) { return ((1.25 * x - 2.25) * x) * x + 1.0; }
double cubic_far(double x) { return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0; }

// The input that the nearest modes take, computed in float as PyTorch does.
int64_t nearest(int mode, int64_t i, int64_t in, int64_t out, double factor) {
  const float scale = factor > 0 ? float(1.0 / factor) : float(in) / float(out);
  const float at = mode == kNearest ? float(i) * scale : (float(i) + 0.5f) * scale;
  return std::min<int64_t>(int64_t(std::floor(at)), in - 1);
}

template <class C>
bool fill_table(Table& t, int mode, bool align, int64_t in, int64_t out,
                double factor) {
  const int taps = mode == kLinear ? 2 : mode == kCubic ? 4 : 1;
  if (!t.make(taps, out)) return false;
  C scale = factor > 0 ? C(1.0 / factor) : C(in) / C(out);
  if (align) scale = out > 1 ? C(in - 1) / C(out - 1) : C(0);
  const auto clip = [&](int64_t j) { return std::clamp<int64_t>(j, 0, in - 1); };
  for (int64_t i = 0; i < out; ++i) {
    if (taps == 1) {
      t.set(0, i, nearest(mode, i, in, out, factor), 1.0);
      continue;
    }
    C at = align ? scale * C(i) : scale * (C(i) + C(0.5)) - C(0.5);
    if (mode == kLinear) {
      at = std::max(at, C(0));
      const int64_t j = clip(int64_t(at));
      const double w = double(std::min(C(1), at - C(j)));
      t.set(0, i, j, 1.0 - w);
      t.set(1, i, clip(j + 1), w);
      continue;
    }
    const int64_t j = int64_t(std::floor(at));
    const double w = double(at - C(j));
    const double by[4] = {cubic_far(w + 1), cubic_near(w), cubic_near(1 - w),
                          cubic_far(2 - w)};
    for (int k = 0; k < 4; ++k) t.set(k, i, clip(j - 1 + k), by[k]);
  }
  return true;
}

// Runs body(plane) with three tables; the tables of dimensions that do not exist are
// the identity.
struct Tables {
  Table of[3];
  const Table& operator[](int d) const { return of[d]; }
};

// f(row of the input, weight) for the taps of output row (z, y).
template <class F>
void for_source_rows(const Planes& p, const Tables& t, int64_t z, int64_t y, F&& f) {
  for (int kz = 0; kz < t[0].taps; ++kz)
    for (int ky = 0; ky < t[1].taps; ++ky) {
      const size_t az = size_t(kz * t[0].size + z), ay = size_t(ky * t[1].size + y);
      f(t[0].index[az] * p.in[1] + t[1].index[ay], t[0].weight[az] * t[1].weight[ay]);
    }
}

// The weights along a row in the compute type.
template <class C>
std::unique_ptr<C[]> row_weights(const Table& t) {
  std::unique_ptr<C[]> w(new (std::nothrow) C[size_t(t.taps * t.size + 1)]);
  for (int64_t i = 0; w && i < t.taps * t.size; ++i)
    w[size_t(i)] = C(t.weight[size_t(i)]);
  return w;
}

// The taps along a row, for vectors of outputs whose inputs lie within one vector:
// which lanes of it they take. Enlarging by any factor finds most rows so.
template <class C>
struct RowTaps {
  static constexpr int L = kLanes<C>;
  const Table& t;
  int64_t in;
  std::unique_ptr<C[]> weight = row_weights<C>(t);
  std::unique_ptr<int64_t[]> first{};            // per vector; -1 where too far apart
  std::unique_ptr<Lane<Mask<Vec<C>>>[]> lane{};  // [tap][output]

  bool make() {
    const int64_t vectors = t.size / L;
    first.reset(new (std::nothrow) int64_t[size_t(vectors + 1)]);
    lane.reset(new (std::nothrow) Lane<Mask<Vec<C>>>[size_t(t.taps * t.size + 1)]);
    if (!weight || !first || !lane) return false;
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t lo = in, hi = 0;
      each(v, [&](int64_t i) {
        lo = std::min<int64_t>(lo, t.index[i]);
        hi = std::max<int64_t>(hi, t.index[i]);
      });
      lo = std::min(lo, in - L);
      first[v] = lo < 0 || hi - lo >= L ? -1 : lo;
      each(v, [&](int64_t i) { lane[i] = Lane<Mask<Vec<C>>>(t.index[i] - lo); });
    }
    return true;
  }

  // One row of the input, as wide as the output.
  template <class T>
  void stretch(const T* from, C* to) const {
    t.taps == 2 ? stretch_by(from, to, std::integral_constant<int, 2>{})
                : stretch_by(from, to, t.taps);
  }

 private:
  template <class T, class Taps>
  [[gnu::noinline]] void stretch_by(const T* from, C* to, Taps taps) const {
    const int64_t size = t.size, vectors = size / L;
    const auto* lanes = lane.get();
    const C* weights = weight.get();
    for (int64_t v = 0; v < vectors; ++v, lanes += L, weights += L) {
      if (first[v] < 0) {
        some(from, to, v * L, v * L + L);
        continue;
      }
      const Vec<C> x = load_row(from + first[v], L);
      const auto term = [&](int64_t at) {
        return __builtin_shuffle(x, load<Mask<Vec<C>>>(lanes + at)) *
               load<Vec<C>>(weights + at);
      };
      Vec<C> sum = term(0);
      for (int k = 1; k < taps; ++k) sum += term(k * size);
      store(to + v * L, sum);
    }
    some(from, to, vectors * L, size);
  }

  template <class F>
  void each(int64_t v, F&& f) const {
    for (int k = 0; k < t.taps; ++k)
      for (int64_t i = 0; i < L; ++i) f(k * t.size + v * L + i);
  }
  template <class T>
  void some(const T* from, C* to, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; ++i) {
      C sum = weight[i] * C(read(from[t.index[i]]));
      for (int64_t k = i + t.size; k < t.taps * t.size; k += t.size)
        sum += weight[k] * C(read(from[t.index[k]]));
      to[i] = sum;
    }
  }
};

// One row that an output row is a sum of: where it is kept, stretched, and which row of
// the input is to be stretched there first (-1: none, it is there).
template <class C>
struct Part {
  int64_t place, stretch;
  C by;
};

// Rows of the input are stretched once and kept while the outputs between them need
// them; an output row is a sum of a few. What is stretched when is the same for all
// planes, and so is found once.
template <class T>
struct Interpolation {
  using C = Compute<T>;
  static constexpr int kMost = 16;  // rows summed: at most 4 along each of 2 dimensions
  const Planes& p;
  const Tables& t;
  const RowTaps<C>& along;
  bool past;  // whether the result goes past the caches
  int sources = t[0].taps * t[1].taps;
  std::unique_ptr<Part<C>[]> parts{
      new (std::nothrow) Part<C>[size_t(sources * p.out[0] * p.out[1] + 1)]};

  // Taps of one output lie next to each other (or are the same) and number 1, 2 or 4,
  // so their places differ.
  bool make() {
    if (!parts) return false;
    Part<C>* to = parts.get();
    int64_t held[kMost];
    std::fill_n(held, kMost, int64_t{-1});
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t y = 0; y < p.out[1]; ++y)
        for (int kz = 0; kz < t[0].taps; ++kz)
          for (int ky = 0; ky < t[1].taps; ++ky, ++to) {
            const int64_t az = kz * t[0].size + z, ay = ky * t[1].size + y;
            const int64_t iy = t[1].index[ay];
            const int64_t row = t[0].index[az] * p.in[1] + iy;
            const int place = int(kz * t[1].taps + (iy & (t[1].taps - 1)));
            *to = {place * p.out[2], held[place] == row ? -1 : row * p.in[2],
                   C(t[0].weight[az] * t[1].weight[ay])};
            held[place] = row;
          }
    return true;
  }

  template <class N>
  [[gnu::noinline]] void sum_rows(const C* const* row, const C* by, N n, T* to) const {
    for_lanes<C>(p.out[2], [&](int64_t c, int k) {
      Vec<C> sum = load_first(row[0] + c, k) * by[0];
      for (int i = 1; i < n; ++i) sum += load_first(row[i] + c, k) * by[i];
      if constexpr (std::is_same_v<T, C>) {
        if (k == kLanes<C>) return store_past(past, to + c, sum);
      }
      store_row(to + c, sum, k);
    });
  }

  void plane(const T* src, T* to, C* ring) const {
    const Part<C>* part = parts.get();
    for (int64_t y = p.out[0] * p.out[1]; y > 0; --y, to += p.out[2]) {
      const C* row[kMost];
      C by[kMost];
      for (int n = 0; n < sources; ++n, ++part) {
        row[n] = ring + part->place;
        by[n] = part->by;
        if (part->stretch >= 0) along.stretch(src + part->stretch, ring + part->place);
      }
      sources == 2 ? sum_rows(row, by, std::integral_constant<int, 2>{}, to)
                   : sum_rows(row, by, sources, to);
    }
  }
};

template <class T>
bool interpolate(const Planes& p, const Tables& t, const T* x, T* y) {
  using C = Compute<T>;
  RowTaps<C> along{t[2], p.in[2]};
  if (!along.make()) return false;
  const bool past = p.count * p.out_size() * int64_t(sizeof(T)) >= kStreamBytes;
  Interpolation<T> work{p, t, along, past};
  bool ok = work.make();
  if (!ok) return false;
  for_planes(p, 2 * t[2].taps, [&](int64_t i) {
    C* ring = scratch::array<C>(scratch::kWork,
                                size_t(Interpolation<T>::kMost * p.out[2] + 1));
    if (!ring) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    work.plane(x + i * p.in_size(), y + i * p.out_size(), ring);
    if (past) stream_fence();
  });
  return ok;
}

// The transpose of interpolate: p.in is of dx, p.out of g.
template <class T>
bool spread(const Planes& p, const Tables& t, const T* g, T* dx) {
  using C = Compute<T>;
  const auto weights = row_weights<C>(t[2]);
  bool ok = weights != nullptr;
  const int64_t size = p.in_size();
  for_planes(p, 2 * t[2].taps, [&](int64_t i) {
    C* row = scratch::array<C>(scratch::kWork, size_t(p.in[2] + size + 1));
    if (!row || !weights) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    C* sums = row + p.in[2];
    std::fill_n(sums, size, C(0));
    const T* from = g + i * p.out_size();
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t r = 0; r < p.out[1]; ++r, from += p.out[2]) {
        std::fill_n(row, p.in[2], C(0));
        for (int q = 0; q < t[2].taps; ++q)
          for (int64_t c = 0; c < p.out[2]; ++c) {
            const size_t at = size_t(q * p.out[2] + c);
            row[t[2].index[at]] += weights[at] * C(read(from[c]));
          }
        for_source_rows(p, t, z, r, [&](int64_t at, double by) {
          C* to = sums + at * p.in[2];
          const C w = C(by);
          for (int64_t c = 0; c < p.in[2]; ++c) to[c] += w * row[c];
        });
      }
    for (int64_t j = 0; j < size; ++j) dx[i * size + j] = write<T>(sums[j]);
  });
  return ok;
}

template <class C>
bool upsample_tables(const fl_call* call, const Planes& p, int dims, Tables* t) {
  const int mode = int(call->attr[0].v.i);
  const bool align = call->attr[1].v.i != 0;
  for (int d = 0; d < 3; ++d) {
    const int from = d - (3 - dims);
    const bool given = from >= 0 && 2 + from < call->n_attr;
    const double factor = given ? call->attr[2 + from].v.f : 0.0;
    if (!fill_table<C>(t->of[d], from < 0 ? int(kNearest) : mode, align, p.in[d],
                       p.out[d], factor))
      return false;
  }
  return true;
}

template <class T, bool Backward>
fl_status upsample_as(const fl_call* call) {
  const fl_tensor &a = call->in[0], &b = call->out[0];
  const Planes p = Backward ? planes_of(b, a) : planes_of(a, b);
  if (b.numel == 0) return FL_OK;
  Tables t;
  if (!upsample_tables<Compute<T>>(call, p, spatial_dims(a), &t))
    return fail(call, "upsample: no memory", FL_OUT_OF_MEMORY);
  const bool ok = Backward ? spread<T>(p, t, data_of<T>(a), data_of<T>(b))
                           : interpolate<T>(p, t, data_of<T>(a), data_of<T>(b));
  return ok ? FL_OK : fail(call, "upsample: no memory", FL_OUT_OF_MEMORY);
}

// ---- pad: the source of every output, along each dimension
// -------------------------------

int64_t pad_source(int64_t i, int64_t in, bool replicate) {
  if (replicate) return std::clamp<int64_t>(i, 0, in - 1);
  if (i < 0) i = -i;
  return i >= in ? 2 * (in - 1) - i : i;
}

bool pad_tables(const fl_call* call, const Planes& p, Tables* t) {
  const fl_attr& padding = call->attr[0];
  const bool replicate = call->attr[1].v.i == 1;
  for (int d = 0; d < 3; ++d) {
    const int64_t at = 2 * (2 - d);  // PyTorch's order begins with the last dimension
    const int64_t before = at < padding.count ? padding.v.ints[at] : 0;
    if (!t->of[d].make(1, p.out[d])) return false;
    for (int64_t i = 0; i < p.out[d]; ++i)
      t->of[d].set(0, i, pad_source(i - before, p.in[d], replicate), 1.0);
  }
  return true;
}

template <class T>
fl_status pad_as(const fl_call* call) {
  const Planes p = planes_of(call->in[0], call->out[0]);
  Tables t;
  if (call->out[0].numel == 0) return FL_OK;
  if (!pad_tables(call, p, &t)) return fail(call, "pad: no memory", FL_OUT_OF_MEMORY);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const int32_t* index = t[2].index.get();
  for_planes(p, 1, [&](int64_t i) {
    T* to = y + i * p.out_size();
    for (int64_t z = 0; z < p.out[0]; ++z)
      for (int64_t r = 0; r < p.out[1]; ++r, to += p.out[2])
        for_source_rows(p, t, z, r, [&](int64_t at, double) {
          const T* from = x + i * p.in_size() + at * p.in[2];
          for (int64_t c = 0; c < p.out[2]; ++c) to[c] = from[index[c]];
        });
  });
  return FL_OK;
}

template <class T>
fl_status pad_backward_as(const fl_call* call) {
  const Planes p = planes_of(call->out[0], call->in[0]);
  Tables t;
  if (call->out[0].numel == 0) return FL_OK;
  if (!pad_tables(call, p, &t) ||
      !spread<T>(p, t, data_of<T>(call->in[0]), data_of<T>(call->out[0])))
    return fail(call, "pad: no memory", FL_OUT_OF_MEMORY);
  return FL_OK;
}

fl_status upsample(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) {
    return upsample_as<typename decltype(type)::type, false>(call);
  });
}
fl_status upsample_backward(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) {
    return upsample_as<typename decltype(type)::type, true>(call);
  });
}
fl_status pad(const fl_call* call) {
  return for_dtype<kAll>(call->in[0].dtype, [&](auto type) {
    return pad_as<typename decltype(type)::type>(call);
  });
}
fl_status pad_backward(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) {
    return pad_backward_as<typename decltype(type)::type>(call);
  });
}

}  // namespace

FL_FAMILY(resample, {"upsample", upsample, kFloats},
          {"upsample_backward", upsample_backward, kFloats}, {"pad", pad, kAll},
          {"pad_backward", pad_backward, kFloats});

}  // namespace FL_ISA
