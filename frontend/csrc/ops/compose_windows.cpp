// Pooling, resampling, im2col and col2im as tables of inputs for each output of a
// dimension, read by index_select and written back by index_add.
#include <cmath>

#include "ops/compose.h"
#include "ops/spatial.h"

namespace fl::composed {
namespace {

// Note [Taps]
// Means of windows, means of equal parts and interpolation are linear and separable:
// along each dimension an output is a weighted sum of a few inputs, its taps.  Applied
// one dimension after the other they are the forward pass, transposed the backward one.
// A tap of weight 0 is not there.
struct Taps {
  int64_t outputs, each;
  std::vector<int64_t> index;  // [outputs, each], within the input
  std::vector<double> weight;  // the same; empty: all are 1

  Taps(int64_t outputs, int64_t each, bool weighted)
      : outputs(outputs),
        each(each),
        index(static_cast<size_t>(outputs * each), 0),
        weight(weighted ? index.size() : 0, 0.0) {}
  void set(int64_t output, int64_t tap, int64_t input, double by = 1) {
    const auto at = static_cast<size_t>(output * each + tap);
    index[at] = input;
    if (!weight.empty()) weight[at] = by;
  }
  Tensor places(DeviceRuntime& device) const {
    return from_host(index, IntList{static_cast<int64_t>(index.size())}, device);
  }
};

// x with dimension d, of outputs · taps, as two.
Tensor split(const Tensor& x, int64_t d, const Taps& t) {
  Dims sizes(x.sizes());
  sizes[d] = t.outputs;
  sizes.insert(d + 1, t.each);
  return ops::reshape(x, sizes);
}
// Weights times x, whose dimensions d and d + 1 are outputs and taps.
Tensor weighted(const Tensor& x, int64_t d, const Taps& t) {
  Dims shape;
  shape.push(t.outputs), shape.push(t.each);
  for (int64_t i = d + 2; i < x.dim(); ++i) shape.push(1);
  const Tensor w = from_host(t.weight, shape, x.dtype(), x.device());
  const Tensor out = ops::mul(x, w);
  const bool whole = std::find(t.weight.begin(), t.weight.end(), 0.0) == t.weight.end();
  return whole ? out : ops::masked_fill(out, ops::eq(w, 0), 0);
}
Tensor apply(const Tensor& x, int64_t d, const Taps& t) {
  const Tensor read = ops::index_select(x, d, t.places(x.device()));
  if (t.weight.empty()) return read;
  return ops::sum_dim(weighted(split(read, d, t), d, t), IntList{d + 1}, false);
}
Tensor apply_transposed(const Tensor& g, int64_t d, int64_t inputs, const Taps& t) {
  Dims sizes(g.sizes());
  Tensor from = g;
  if (!t.weight.empty()) {
    Dims wide(sizes);
    wide.insert(d + 1, t.each);
    sizes[d] = t.outputs * t.each;
    const Tensor spread = ops::expand(ops::unsqueeze(g, d + 1), wide);
    from = ops::reshape(weighted(spread, d, t), sizes);
  }
  sizes[d] = inputs;
  return ops::index_add(zeros(sizes, g.dtype(), g.device()), d, t.places(g.device()),
                        from);
}

// Over all spatial dimensions; `table(i, inputs, outputs)` gives the taps of one.
// Half precision is summed in single precision.
template <class F>
Tensor resample(const Tensor& x, IntList size, bool back, F&& table) {
  const bool half = x.dtype() == Dtype::Float16 || x.dtype() == Dtype::BFloat16;
  Tensor t = half ? cast_to(x, Dtype::Float32) : x;
  for (int64_t i = 0; i + 2 < x.dim(); ++i) {
    const int64_t here = x.sizes()[i + 2], there = size[i + 2];
    t = back ? apply_transposed(t, i + 2, there, table(i, there, here))
             : apply(t, i + 2, table(i, here, there));
  }
  return cast_to(t, x.dtype());
}

// ---- windows -----------------------------------------------------------------------
// A window's inputs are those of its taps that lie within the input; the others stand
// for the nearest of them, which a maximum does not mind.
Taps window_taps(int64_t in, int64_t out, const Windows& w, int64_t i) {
  Taps t(out, w.kernel[i], false);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t step = w.dilation[i], start = o * w.stride[i] - w.padding[i];
    const int64_t first = start < 0 ? (-start + step - 1) / step : 0;
    const int64_t last = std::min(t.each - 1, (in - 1 - start) / step);
    for (int64_t k = 0; k < t.each; ++k) {
      t.set(o, k, start + step * std::clamp(k, first, last));
    }
  }
  return t;
}
Taps mean_taps(int64_t in, int64_t out, const Windows& w, int64_t i, bool include,
               int64_t divisor) {
  Taps t(out, w.kernel[i], true);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t start = o * w.stride[i] - w.padding[i];
    const int64_t end = std::min(start + t.each, in + w.padding[i]);
    const int64_t from = std::max<int64_t>(start, 0), to = std::min(end, in);
    double by = 1.0 / static_cast<double>(include ? end - start : to - from);
    if (divisor) by = i ? 1.0 : 1.0 / static_cast<double>(divisor);
    for (int64_t j = from; j < to; ++j) t.set(o, j - start, j, by);
  }
  return t;
}
// Equal parts: output o covers the inputs from ⌊o·in/out⌋ to below ⌈(o + 1)·in/out⌉.
struct Parts {
  int64_t in, out;
  int64_t start(int64_t o) const { return o * in / out; }
  int64_t end(int64_t o) const { return ((o + 1) * in + out - 1) / out; }
  int64_t longest() const {
    int64_t n = 1;
    for (int64_t o = 0; o < out; ++o) n = std::max(n, end(o) - start(o));
    return n;
  }
};

// ---- maxima
// -------------------------------------------------------------------------- All taps
// of every dimension: [n, c, *outputs, taps of all dimensions].
Tensor spread_taps(const Tensor& x, int64_t lead, const std::vector<Taps>& tables) {
  const auto n = static_cast<int64_t>(tables.size());
  Tensor t = x;
  for (int64_t i = n - 1; i >= 0; --i) {
    const Taps& taps = tables[static_cast<size_t>(i)];
    t = split(ops::index_select(t, lead + i, taps.places(x.device())), lead + i, taps);
  }
  Dims order, sizes;
  for (int64_t d = 0; d < lead; ++d) order.push(d), sizes.push(x.sizes()[d]);
  for (int64_t i = 0; i < n; ++i) {
    order.push(lead + 2 * i);
    sizes.push(tables[static_cast<size_t>(i)].outputs);
  }
  int64_t all = 1;
  for (int64_t i = 0; i < n; ++i) {
    order.push(lead + 2 * i + 1);
    all *= tables[static_cast<size_t>(i)].each;
  }
  sizes.push(all);
  return ops::reshape(ops::permute(t, order), sizes);
}
Two maxima(const Tensor& x, const std::vector<Taps>& tables) {
  const Tensor windows = spread_taps(x, 2, tables);
  const auto best = extreme_dim<true>(windows, windows.dim() - 1);
  const IntList plane = x.sizes().subspan(2);
  const Tensor place = ops::reshape(counting(count(plane), x.device()), plane);
  const Tensor places = ops::expand(spread_taps(place, 0, tables), windows.sizes());
  const Tensor at = ops::gather(places, windows.dim() - 1, best[1]);
  return {ops::squeeze(best[0], -1), ops::squeeze(at, -1)};
}

// ---- interpolation -----------------------------------------------------------------
enum Mode : int64_t { kNearest, kLinear, kCubic, kNearestExact };

double cubic_near(double x) { return ((1.25 * x - 2.25) * x) * x + 1.0; }
double cubic_far(double x) { return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0; }

// The input that the nearest modes take, in single precision as PyTorch has it.
Taps nearest_taps(int64_t in, int64_t out, bool exact, double factor) {
  Taps t(out, 1, false);
  const float scale = factor > 0 ? static_cast<float>(1.0 / factor)
                                 : static_cast<float>(in) / static_cast<float>(out);
  for (int64_t o = 0; o < out; ++o) {
    const float at = (static_cast<float>(o) + (exact ? 0.5f : 0.0f)) * scale;
    t.set(o, 0, std::min<int64_t>(static_cast<int64_t>(std::floor(at)), in - 1));
  }
  return t;
}
// C: the precision in which places are computed, the input's own.
template <class C>
Taps smooth_taps(int64_t in, int64_t out, bool cubic, bool align, double factor) {
  Taps t(out, cubic ? 4 : 2, true);
  C scale = factor > 0 ? C(1.0 / factor) : C(in) / C(out);
  if (align) scale = out > 1 ? C(in - 1) / C(out - 1) : C(0);
  const auto clip = [&](int64_t j) { return std::clamp<int64_t>(j, 0, in - 1); };
  for (int64_t o = 0; o < out; ++o) {
    const C at = align ? scale * C(o) : scale * (C(o) + C(0.5)) - C(0.5);
    if (!cubic) {
      const C inside = std::max(at, C(0));
      const int64_t j = clip(static_cast<int64_t>(inside));
      const auto w = static_cast<double>(std::min(C(1), inside - C(j)));
      t.set(o, 0, j, 1.0 - w);
      t.set(o, 1, clip(j + 1), w);
      continue;
    }
    const auto j = static_cast<int64_t>(std::floor(at));
    const auto w = static_cast<double>(at - C(j));
    const double by[] = {cubic_far(w + 1), cubic_near(w), cubic_near(1 - w),
                         cubic_far(2 - w)};
    for (int64_t k = 0; k < 4; ++k) t.set(o, k, clip(j - 1 + k), by[k]);
  }
  return t;
}

}  // namespace

Two max_pool(const Tensor& x, IntList size, const Windows& w) {
  std::vector<Taps> tables;
  for (int64_t i = 0; i + 2 < x.dim(); ++i) {
    tables.push_back(window_taps(x.sizes()[i + 2], size[i + 2], w, i));
  }
  return maxima(x, tables);
}
Two adaptive_max_pool(const Tensor& x, IntList size) {
  std::vector<Taps> tables;
  for (int64_t i = 2; i < x.dim(); ++i) {
    const Parts p{x.sizes()[i], size[i]};
    Taps t(p.out, p.longest(), false);
    for (int64_t o = 0; o < p.out; ++o) {
      for (int64_t k = 0; k < t.each; ++k) {
        t.set(o, k, std::min(p.start(o) + k, p.end(o) - 1));
      }
    }
    tables.push_back(std::move(t));
  }
  return maxima(x, tables);
}

Tensor avg_pool(const Tensor& x, IntList size, const Windows& w, bool include,
                int64_t divisor, bool back) {
  return resample(x, size, back, [&](int64_t i, int64_t in, int64_t out) {
    return mean_taps(in, out, w, i, include, divisor);
  });
}
Tensor adaptive_avg_pool(const Tensor& x, IntList size, bool back) {
  return resample(x, size, back, [](int64_t, int64_t in, int64_t out) {
    const Parts p{in, out};
    Taps t(out, p.longest(), true);
    for (int64_t o = 0; o < out; ++o) {
      const double by = 1.0 / static_cast<double>(p.end(o) - p.start(o));
      for (int64_t j = p.start(o); j < p.end(o); ++j) t.set(o, j - p.start(o), j, by);
    }
    return t;
  });
}
Tensor upsample(const Tensor& x, IntList size, int64_t mode, bool align,
                std::span<const double> scales, bool back) {
  return resample(x, size, back, [&](int64_t i, int64_t in, int64_t out) {
    const double factor = scales[static_cast<size_t>(i)];
    if (mode == kNearest || mode == kNearestExact) {
      return nearest_taps(in, out, mode == kNearestExact, factor);
    }
    return x.dtype() == Dtype::Float64
               ? smooth_taps<double>(in, out, mode == kCubic, align, factor)
               : smooth_taps<float>(in, out, mode == kCubic, align, factor);
  });
}

// ---- columns ------------------------------------------------------------------------
namespace {

// How many windows begin along dimension i of an input of n.
int64_t starts(int64_t n, const Windows& w, int64_t i) {
  return (n + 2 * w.padding[i] - w.dilation[i] * (w.kernel[i] - 1) - 1) / w.stride[i] +
         1;
}
// The elements of a padded image that kernel element (i, j) meets.
Tensor met_by(const Tensor& wide, int64_t i, int64_t j, int64_t rows, int64_t columns,
              const Windows& w) {
  const IntList step = wide.strides();
  return ops::as_strided(
      wide, IntList{wide.sizes()[0], wide.sizes()[1], rows, columns},
      IntList{step[0], step[1], step[2] * w.stride[0], step[3] * w.stride[1]},
      wide.offset() + i * w.dilation[0] * step[2] + j * w.dilation[1] * step[3]);
}

}  // namespace

Tensor im2col(const Tensor& x, const Windows& w) {
  static const OpRef pad("constant_pad_nd(");
  const int64_t by[] = {w.padding[1], w.padding[1], w.padding[0], w.padding[0]};
  const Tensor wide = make_contiguous(pad(x, IntList(by, 4), 0));
  const int64_t n = x.sizes()[0], c = x.sizes()[1], kh = w.kernel[0], kw = w.kernel[1];
  const int64_t rows = starts(x.sizes()[2], w, 0), columns = starts(x.sizes()[3], w, 1);
  const IntList s = wide.strides();
  const Tensor windows =
      ops::as_strided(wide, IntList{n, c, kh, kw, rows, columns},
                      IntList{s[0], s[1], s[2] * w.dilation[0], s[3] * w.dilation[1],
                              s[2] * w.stride[0], s[3] * w.stride[1]},
                      wide.offset());
  return ops::reshape(windows, IntList{n, c * kh * kw, rows * columns});
}
Tensor col2im(const Tensor& given, IntList size, const Windows& w) {
  static const OpRef add("add(");
  const int64_t n = size[0], c = size[1], kh = w.kernel[0], kw = w.kernel[1];
  const int64_t rows = starts(size[2], w, 0), columns = starts(size[3], w, 1);
  const Tensor parts = ops::reshape(given, IntList{n, c, kh * kw, rows, columns});
  const int64_t top = w.padding[0], left = w.padding[1];
  const Tensor wide = zeros(IntList{n, c, size[2] + 2 * top, size[3] + 2 * left},
                            given.dtype(), given.device());
  for (int64_t k = 0; k < kh * kw; ++k) {
    add.inplace(met_by(wide, k / kw, k % kw, rows, columns, w),
                ops::select(parts, 2, k));
  }
  return make_contiguous(
      ops::narrow(ops::narrow(wide, 2, top, size[2]), 3, left, size[3]));
}

}  // namespace fl::composed
