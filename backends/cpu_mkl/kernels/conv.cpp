// Convolution of one to three spatial dimensions, its gradients, and the transposed
// one, which is the gradient of the input by another name.
#include "conv_gather.h"
#include "conv_plane.h"
#include "conv_weight.h"
#include "multiply.h"
#include "rows.h"
#include "winograd_weight.h"

namespace FL_ISA {
namespace {

constexpr const char* kNoMemory = "convolution: no memory";

// The shape of the plain convolution behind a call: with `transposed`, the one whose
// input is the call's output. `in` and `out` are that convolution's.
bool read_shape(const fl_call* call, const fl_tensor& in, const fl_tensor& out,
                const fl_tensor& w, ConvShape* s) {
  const int dims = w.ndim - 2;
  if (dims < 1 || dims > kSpatial) return false;
  for (int d = 0; d < kSpatial; ++d) {
    const int from = d - (kSpatial - dims);
    const bool real = from >= 0;
    s->in[d] = real ? in.sizes[2 + from] : 1;
    s->out[d] = real ? out.sizes[2 + from] : 1;
    s->k[d] = real ? w.sizes[2 + from] : 1;
    s->stride[d] = real ? call->attr[0].v.ints[from] : 1;
    s->pad[d] = real ? call->attr[1].v.ints[from] : 0;
    s->dil[d] = real ? call->attr[2].v.ints[from] : 1;
  }
  s->n = in.sizes[0];
  s->groups = call->attr[3].v.i;
  s->ci = in.sizes[1] / s->groups;
  s->co = out.sizes[1] / s->groups;
  return true;
}

// ---- the three computations on contiguous arrays
// --------------------------------------

// Taps that are single pixels, of pixels as they lie: a product for each image.
template <class T>
bool pointwise_convolution(const Gather& g, const T* w, const T* src, T* dst,
                           const T* bias) {
  const int64_t pixels = g.pixels(), k = g.channels;
  Epilogue<T> e;
  e.row_bias = bias;
  bool ok = true;
  const auto one = [&](int64_t i) {
    if (!multiply<T, T>(g.rows, pixels, k, {w, k, 1},
                        {src + i * g.src_image, pixels, 1}, dst + i * g.dst_image,
                        pixels, e))
      __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  };
  if (g.n == 1) {
    one(0);
    return ok;
  }
  const int64_t grain =
      ceil_div(kInlineWork, std::max<int64_t>(1, g.rows * pixels * k));
  parallel_for(g.n, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  });
  return ok;
}

template <class T>
bool run_gather(const Gather& g, const T* w, const T* src, T* dst, const T* bias) {
  if (!g.phases.copied && g.pixels() >= 64 && g.n > 0)
    return pointwise_convolution(g, w, src, dst, bias);
  return g.rows <= 3 && g.phases.copied ? plane_convolution(g, w, src, dst, bias)
                                        : gather_convolution(g, w, src, dst, bias);
}

// f(group) for all groups, over the threads where there are several.
template <class F>
bool for_groups(const ConvShape& s, F&& f) {
  if (s.groups == 1) return f(0);
  bool ok = true;
  const int64_t work = s.n * s.co * s.ci * s.taps() * s.out_size();
  const int64_t grain =
      std::max<int64_t>(1, (int64_t{1} << 19) / std::max<int64_t>(work, 1));
  parallel_for(s.groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!f(i)) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

void tap_offsets(const ConvShape& s, const Phases& f, int64_t* offsets) {
  for (int64_t z = 0; z < s.k[0]; ++z)
    for (int64_t y = 0; y < s.k[1]; ++y)
      for (int64_t x = 0; x < s.k[2]; ++x)
        *offsets++ = f.offset(z * s.dil[0], y * s.dil[1], x * s.dil[2]);
}

template <class T>
bool forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  Gather g = {};
  g.phases = phases_of(s);
  int64_t* offsets = scratch::array<int64_t>(scratch::kRows, size_t(s.taps()));
  if (!offsets) return false;
  tap_offsets(s, g.phases, offsets);
  g.n = s.n, g.channels = s.ci, g.taps = s.taps(), g.offsets = offsets, g.rows = s.co;
  for (int d = 0; d < kSpatial; ++d) {
    g.grid[d] = g.dst[d] = s.out[d];
    g.first[d] = 0, g.step[d] = 1;
  }
  g.src_image = s.groups * s.ci * s.in_size();
  g.dst_image = s.groups * s.co * s.out_size();
  return for_groups(s, [&](int64_t i) {
    if constexpr (std::is_same_v<T, float>)
      if (winograd_fits(s))
        return winograd_convolution(g, {w + i * s.co * s.ci * 9, s.ci * 9, 9, false},
                                    x + i * s.ci * s.in_size(),
                                    y + i * s.co * s.out_size(),
                                    bias ? bias + i * s.co : nullptr);
    return run_gather<T>(g, w + i * s.co * s.ci * s.taps(), x + i * s.ci * s.in_size(),
                         y + i * s.co * s.out_size(), bias ? bias + i * s.co : nullptr);
  });
}

// Note [Gradient of the input]
// With u = i + pad for a coordinate i of the input, tap k takes part where u - k dil is
// a multiple of the stride: for each remainder r of u there are taps of its own, and u
// = s q + r reads g at q - m with m = (k dil - r) / s. That is a convolution of stride
// 1 over g, whose results go to every s-th input.
struct Remainder {
  int64_t taps[kSpatial], first_q[kSpatial], most[kSpatial], least[kSpatial];
  int64_t r[kSpatial];
};

// Counts the taps of remainder r along dimension d, and finds the pixels it produces.
bool along(const ConvShape& s, int d, int64_t r, Remainder* rem, Gather* g) {
  rem->r[d] = r;
  rem->taps[d] = 0;
  for (int64_t k = 0; k < s.k[d]; ++k) {
    if (k * s.dil[d] % s.stride[d] != r) continue;
    const int64_t m = (k * s.dil[d] - r) / s.stride[d];
    if (rem->taps[d]++ == 0) rem->least[d] = m;
    rem->most[d] = m;
  }
  const int64_t last = s.pad[d] + s.in[d] - 1 - r;
  rem->first_q[d] = s.pad[d] > r ? ceil_div(s.pad[d] - r, s.stride[d]) : 0;
  const int64_t count = last < 0 ? 0 : last / s.stride[d] - rem->first_q[d] + 1;
  if (count <= 0) return false;
  g->grid[d] = count;
  g->dst[d] = s.in[d];
  g->first[d] = s.stride[d] * rem->first_q[d] + r - s.pad[d];
  g->step[d] = s.stride[d];
  if (rem->taps[d] == 0) return true;
  g->phases.src[d] = s.out[d];
  g->phases.step[d] = 1;
  g->phases.pad[d] = rem->most[d] - rem->first_q[d];
  g->phases.size[d] = count + rem->most[d] - rem->least[d];
  return true;
}

// The taps of a remainder: their offsets, and where their weights lie among all taps.
void list_taps(const ConvShape& s, const Remainder& rem, const Phases& f,
               int64_t* offsets, int64_t* chosen) {
  const auto m = [&](int d, int64_t k) {
    return (k * s.dil[d] - rem.r[d]) / s.stride[d];
  };
  const auto fits = [&](int d, int64_t k) {
    return k * s.dil[d] % s.stride[d] == rem.r[d];
  };
  for (int64_t z = 0; z < s.k[0]; ++z)
    for (int64_t y = 0; y < s.k[1]; ++y)
      for (int64_t x = 0; x < s.k[2]; ++x)
        if (fits(0, z) && fits(1, y) && fits(2, x)) {
          *chosen++ = (z * s.k[1] + y) * s.k[2] + x;
          *offsets++ = f.offset(rem.most[0] - m(0, z), rem.most[1] - m(1, y),
                                rem.most[2] - m(2, x));
        }
}

// w[o][c][chosen taps] as wt[c][o][tap].
template <class T>
void turn_weights(const ConvShape& s, const T* w, const int64_t* chosen, int64_t taps,
                  T* wt) {
  const int64_t all = s.taps();
  if (all == 1) return transpose_matrix(s.co, s.ci, w, s.ci, wt, s.co);
  constexpr int64_t B = 16;  // a square of channels at a time, for the caches' sake
  for (int64_t c0 = 0; c0 < s.ci; c0 += B)
    for (int64_t o0 = 0; o0 < s.co; o0 += B)
      for (int64_t c = c0; c < std::min(s.ci, c0 + B); ++c) {
        T* to = wt + (c * s.co + o0) * taps;
        for (int64_t o = o0; o < std::min(s.co, o0 + B); ++o) {
          const T* from = w + (o * s.ci + c) * all;
          for (int64_t t = 0; t < taps; ++t) *to++ = from[chosen[t]];
        }
      }
}

template <class T>
bool one_remainder(const ConvShape& s, Gather& g, const Remainder& rem, const T* grad,
                   const T* w, const T* bias, T* dx) {
  g.taps = rem.taps[0] * rem.taps[1] * rem.taps[2];
  if (g.taps == 0) return true;
  int64_t* offsets = scratch::array<int64_t>(scratch::kRows, size_t(2 * g.taps));
  T* wt = scratch::array<T>(scratch::kColumns, size_t(g.taps * s.ci * s.co));
  if (!offsets || !wt) return false;
  list_taps(s, rem, g.phases, offsets, offsets + g.taps);
  turn_weights(s, w, offsets + g.taps, g.taps, wt);
  g.offsets = offsets;
  g.phases.copied = true;
  if (g.whole() && g.taps == 1 && g.phases.pad[0] == 0 && g.phases.pad[1] == 0 &&
      g.phases.pad[2] == 0 && s.in_size() == s.out_size())
    g.phases.copied = false;
  return run_gather<T>(g, wt, grad, dx, bias);
}

// Rows of the input's gradient from the rows of its two remainders along x, whose
// values alternate in it.
template <class T>
void join_rows(const Gather (&half)[2], int64_t channels, const T* const (&planes)[2],
               T* dx) {
  const int first = half[0].first[2] == 0 ? 0 : 1;
  const Gather &g = half[first], &other = half[1 - first];
  const int64_t rows = g.grid[0] * g.grid[1], width = g.dst[2];
  parallel_for(g.n * channels, ceil_div(int64_t{1} << 15, rows * width + 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i)
                   for (int64_t r = 0; r < rows; ++r) {
                     const T* a = planes[first] + (i * rows + r) * g.grid[2];
                     const T* b = planes[1 - first] + (i * rows + r) * other.grid[2];
                     const int64_t z = r / g.grid[1] * g.step[0] + g.first[0];
                     const int64_t y = r % g.grid[1] * g.step[1] + g.first[1];
                     T* to = dx + i / channels * g.dst_image +
                             i % channels * g.dst_plane() + (z * g.dst[1] + y) * width;
                     for (int64_t x = 0; x < width; x += 2 * kLanes<T>)
                       store_pairs<T>(to + x, load<Vec<T>>(a + x / 2),
                                      load<Vec<T>>(b + x / 2), width - x);
                   }
               });
}

// Both remainders of a stride of 2 along x, by way of planes of their own: what they
// write then lies side by side. False in *done: they are not of that kind.
template <class T>
bool joined_remainders(const ConvShape& s, const Gather& g, const Remainder& rem,
                       const T* grad, const T* w, const T* bias, T* dx, bool* done) {
  Gather half[2] = {g, g};
  Remainder parts[2] = {rem, rem};
  int64_t size[2];
  *done = false;
  for (int x = 0; x < 2; ++x) {
    if (s.stride[2] != 2 || !along(s, 2, x, &parts[x], &half[x]) ||
        parts[x].taps[0] * parts[x].taps[1] * parts[x].taps[2] == 0)
      return true;
    size[x] = s.n * s.ci * half[x].pixels() + 2 * kLanes<T>;
  }
  T* planes = scratch::array<T>(scratch::kWork4, size_t(size[0] + size[1]));
  if (!planes) return false;
  for (int x = 0; x < 2; ++x) {
    Gather part = half[x];
    for (int d = 0; d < kSpatial; ++d)
      part.dst[d] = part.grid[d], part.first[d] = 0, part.step[d] = 1;
    part.dst_image = s.ci * part.pixels();
    if (!one_remainder(s, part, parts[x], grad, w, bias, planes + x * size[0]))
      return false;
  }
  join_rows<T>(half, s.ci, {planes, planes + size[0]}, dx);
  *done = true;
  return true;
}

// Every input gets the sum over its taps, and the bias of its channel (for the
// transposed convolution, which is this).
template <class T>
bool input_gradient_group(const ConvShape& s, const T* grad, const T* w, const T* bias,
                          T* dx) {
  const int64_t plane = s.in_size(), image = s.groups * s.ci * plane;
  for (int64_t i = 0; i < s.n; ++i)  // what no tap reaches keeps this
    for (int64_t c = 0; c < s.ci; ++c) {
      bool gaps = false;
      for (int d = 0; d < kSpatial; ++d) gaps = gaps || s.stride[d] > 1;
      if (gaps || s.out_size() == 0 || s.co == 0)
        std::fill_n(dx + i * image + c * plane, plane, bias ? bias[c] : T(0));
    }
  if (s.out_size() == 0 || s.co == 0) return true;
  Gather g = {};
  g.n = s.n, g.channels = s.co, g.rows = s.ci;
  g.src_image = s.groups * s.co * s.out_size();
  g.dst_image = image;
  Remainder rem;
  if constexpr (std::is_same_v<T, float>)
    if (winograd_fits(s)) {
      for (int d = 0; d < kSpatial; ++d) along(s, d, 0, &rem, &g);
      return winograd_convolution(g, {w, 9, s.ci * 9, true}, grad, dx, bias);
    }
  for (int64_t z = 0; z < s.stride[0]; ++z)
    for (int64_t y = 0; y < s.stride[1]; ++y) {
      if (!along(s, 0, z, &rem, &g) || !along(s, 1, y, &rem, &g)) continue;
      bool done;
      if (!joined_remainders(s, g, rem, grad, w, bias, dx, &done)) return false;
      for (int64_t x = 0; x < s.stride[2] && !done; ++x)
        if (along(s, 2, x, &rem, &g) && !one_remainder(s, g, rem, grad, w, bias, dx))
          return false;
    }
  return true;
}

template <class T>
bool input_gradient(const ConvShape& s, const T* grad, const T* w, const T* bias,
                    T* dx) {
  return for_groups(s, [&](int64_t i) {
    return input_gradient_group<T>(
        s, grad + i * s.co * s.out_size(), w + i * s.co * s.ci * s.taps(),
        bias ? bias + i * s.ci : nullptr, dx + i * s.ci * s.in_size());
  });
}

template <class T>
bool weight_gradient(const ConvShape& s, const T* grad, const T* x, T* dw) {
  const int64_t size = s.co * s.ci * s.taps();
  if (s.n == 0 || s.out_size() == 0) {
    std::fill_n(dw, s.groups * size, T(0));
    return true;
  }
  const int64_t g_image = s.groups * s.co * s.out_size();
  const int64_t x_image = s.groups * s.ci * s.in_size();
  if constexpr (std::is_same_v<T, float>)
    if (winograd_fits(s))
      return for_groups(s, [&](int64_t i) {
        return winograd_weight_gradient(s, grad + i * s.co * s.out_size(), g_image,
                                        x + i * s.ci * s.in_size(), x_image,
                                        dw + i * size);
      });
  Phases f = phases_of(s);
  int64_t* offsets = scratch::array<int64_t>(scratch::kRows, size_t(s.taps()));
  if (!offsets) return false;
  tap_offsets(s, f, offsets);
  if (s.co <= 2 && f.copied)
    return for_groups(s, [&](int64_t i) {
      return plane_weight_gradient<T>(s, f, offsets, grad + i * s.co * s.out_size(),
                                      g_image, x + i * s.ci * s.in_size(), x_image,
                                      dw + i * size);
    });
  const auto with_vectors = [&](auto vectors) {
    return for_groups(s, [&](int64_t i) {
      const WeightGradient<T, decltype(vectors)::value> part = {
          s,
          f,
          offsets,
          grad + i * s.co * s.out_size(),
          x + i * s.ci * s.in_size(),
          g_image,
          x_image,
          dw + i * size};
      bool ok = true;
      const int64_t grain = std::max<int64_t>(1, ceil_div(s.ci, threads::count()));
      parallel_for(s.ci, grain, [&](int64_t begin, int64_t end) {
        if (!part.run(begin, end)) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
      });
      return ok;
    });
  };
  // Columns beyond the output channels are computed in vain.
  const int64_t used = ceil_div(s.co, kLanes<T>);
  if (used <= 2) return with_vectors(std::integral_constant<int, 2>{});
  if (used == 3 || kWidth != 64) return with_vectors(std::integral_constant<int, 3>{});
  return with_vectors(std::integral_constant<int, 4>{});
}

// ---- operands of any layout and float type
// ---------------------------------------------

// Copies by strides into contiguous memory, converting; or, with `back`, out of it.
template <class T, class C, bool Back>
void copy_strided(const fl_tensor& t, C* flat, int d, int64_t at, int64_t& index) {
  if (d == t.ndim) {
    T* element = static_cast<T*>(t.data) + at;
    if constexpr (Back)
      *element = write<T>(flat[index++]);
    else
      flat[index++] = C(read(*element));
    return;
  }
  for (int64_t i = 0; i < t.sizes[d]; ++i)
    copy_strided<T, C, Back>(t, flat, d + 1, at + i * t.strides[d], index);
}

// An input as contiguous values of the compute type.
template <class T>
const Compute<T>* as_flat(const fl_call* call, const fl_tensor* t, bool* ok) {
  using C = Compute<T>;
  if (!t) return nullptr;
  if constexpr (!kIsHalf<T>)
    if (contiguous(*t)) return static_cast<const C*>(t->data);
  C* flat = static_cast<C*>(
      call->host->workspace(call, std::max<size_t>(1, size_t(t->numel)) * sizeof(C)));
  if (!flat) {
    *ok = false;
    return nullptr;
  }
  int64_t index = 0;
  copy_strided<T, C, false>(*t, flat, 0, 0, index);
  return flat;
}

enum class Kind { forward, input_gradient, weight_gradient };

template <class T>
bool compute(Kind kind, bool transposed, const ConvShape& s, const Compute<T>* a,
             const Compute<T>* b, const Compute<T>* bias, Compute<T>* out) {
  using C = Compute<T>;
  // Transposed: forward and the input's gradient change places, and so do x and g.
  if (kind == Kind::weight_gradient)
    return transposed ? weight_gradient<C>(s, b, a, out)
                      : weight_gradient<C>(s, a, b, out);
  return (kind == Kind::forward) != transposed ? forward<C>(s, a, b, bias, out)
                                               : input_gradient<C>(s, a, b, bias, out);
}

template <class T>
fl_status run_as(const fl_call* call, Kind kind, bool transposed, const ConvShape& s) {
  using C = Compute<T>;
  const fl_tensor& out = call->out[0];
  if (out.numel == 0) return FL_OK;
  bool ok = true;
  const C* a = as_flat<T>(call, &call->in[0], &ok);
  const C* b = as_flat<T>(call, &call->in[1], &ok);
  const C* bias =
      kind == Kind::forward ? as_flat<T>(call, input(call, 2), &ok) : nullptr;
  const bool direct = !kIsHalf<T> && contiguous(out);
  C* to =
      direct
          ? static_cast<C*>(out.data)
          : static_cast<C*>(call->host->workspace(call, size_t(out.numel) * sizeof(C)));
  if (!ok || !to || !compute<T>(kind, transposed, s, a, b, bias, to))
    return fail(call, kNoMemory, FL_OUT_OF_MEMORY);
  if (!direct) {
    int64_t index = 0;
    copy_strided<T, C, true>(out, to, 0, 0, index);
  }
  return FL_OK;
}

fl_status run(const fl_call* call, Kind kind) {
  const bool transposed = call->attr[4].v.i != 0;
  const fl_tensor &a = call->in[0], &b = call->in[1], &out = call->out[0];
  // Operands (in, out, w) of the call's own convolution, then of the plain one.
  const fl_tensor* in = kind == Kind::forward          ? &a
                        : kind == Kind::input_gradient ? &out
                                                       : &b;
  const fl_tensor* result = kind == Kind::forward ? &out : &a;
  const fl_tensor* w = kind == Kind::weight_gradient ? &out : &b;
  if (transposed) std::swap(in, result);
  ConvShape s;
  if (!read_shape(call, *in, *result, *w, &s)) return FL_UNSUPPORTED;
  return for_dtype<kFloats>(out.dtype, [&](auto type) {
    return run_as<typename decltype(type)::type>(call, kind, transposed, s);
  });
}

fl_status convolution(const fl_call* call) { return run(call, Kind::forward); }
fl_status convolution_input_grad(const fl_call* call) {
  return run(call, Kind::input_gradient);
}
fl_status convolution_weight_grad(const fl_call* call) {
  return run(call, Kind::weight_gradient);
}

// ---- im2col, col2im
// ---------------------------------------------------------------------

struct Columns {
  int64_t n, c, h, w, kh, kw, oh, ow;
  const int64_t *dilation, *padding, *stride;
};

Columns columns_of(const fl_call* call, const fl_tensor& image) {
  Columns s = {image.sizes[0],
               image.sizes[1],
               image.sizes[2],
               image.sizes[3],
               0,
               0,
               0,
               0,
               call->attr[1].v.ints,
               call->attr[2].v.ints,
               call->attr[3].v.ints};
  s.kh = call->attr[0].v.ints[0], s.kw = call->attr[0].v.ints[1];
  s.oh = (s.h + 2 * s.padding[0] - s.dilation[0] * (s.kh - 1) - 1) / s.stride[0] + 1;
  s.ow = (s.w + 2 * s.padding[1] - s.dilation[1] * (s.kw - 1) - 1) / s.stride[1] + 1;
  return s;
}

// f(column index, image index or -1) for all elements of the columns of one image
// plane.
template <class F>
void for_columns(const Columns& s, F&& f) {
  int64_t at = 0;
  for (int64_t i = 0; i < s.kh; ++i)
    for (int64_t j = 0; j < s.kw; ++j)
      for (int64_t y = 0; y < s.oh; ++y) {
        const int64_t iy = y * s.stride[0] + i * s.dilation[0] - s.padding[0];
        for (int64_t x = 0; x < s.ow; ++x, ++at) {
          const int64_t ix = x * s.stride[1] + j * s.dilation[1] - s.padding[1];
          const bool inside = iy >= 0 && iy < s.h && ix >= 0 && ix < s.w;
          f(at, inside ? iy * s.w + ix : -1);
        }
      }
}

template <class T>
fl_status im2col_as(const fl_call* call) {
  const Columns s = columns_of(call, call->in[0]);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const int64_t column = s.kh * s.kw * s.oh * s.ow;
  parallel_for(s.n * s.c, 1 + 16384 / std::max<int64_t>(column, 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t p = begin; p < end; ++p)
                   for_columns(s, [&](int64_t to, int64_t from) {
                     y[p * column + to] = from < 0 ? T{} : x[p * s.h * s.w + from];
                   });
               });
  return FL_OK;
}

template <class T>
fl_status col2im_as(const fl_call* call) {
  using C = Compute<T>;
  const Columns s = columns_of(call, call->out[0]);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const int64_t column = s.kh * s.kw * s.oh * s.ow, plane = s.h * s.w;
  bool ok = true;
  parallel_for(s.n * s.c, 1 + 16384 / std::max<int64_t>(column, 1),
               [&](int64_t begin, int64_t end) {
                 C* sums = scratch::array<C>(scratch::kWork, size_t(plane + 1));
                 if (!sums) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
                 for (int64_t p = begin; p < end; ++p) {
                   std::fill_n(sums, plane, C(0));
                   for_columns(s, [&](int64_t from, int64_t to) {
                     if (to >= 0) sums[to] += C(read(x[p * column + from]));
                   });
                   for (int64_t i = 0; i < plane; ++i)
                     y[p * plane + i] = write<T>(sums[i]);
                 }
               });
  return ok ? FL_OK : fail(call, "col2im: no memory", FL_OUT_OF_MEMORY);
}

fl_status im2col(const fl_call* call) {
  return for_dtype<kFloats | kComplex>(call->in[0].dtype, [&](auto type) {
    return im2col_as<typename decltype(type)::type>(call);
  });
}
fl_status col2im(const fl_call* call) {
  return for_dtype<kFloats | kComplex>(call->in[0].dtype, [&](auto type) {
    return col2im_as<typename decltype(type)::type>(call);
  });
}

}  // namespace

FL_FAMILY(conv, {"convolution", convolution, kFloats},
          {"convolution_input_grad", convolution_input_grad, kFloats},
          {"convolution_weight_grad", convolution_weight_grad, kFloats},
          {"im2col", im2col, kFloats | kComplex},
          {"col2im", col2im, kFloats | kComplex});

}  // namespace FL_ISA
