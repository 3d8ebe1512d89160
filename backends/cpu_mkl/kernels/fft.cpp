// Fourier transforms over any dimensions, one dimension after the other.
#include "libs/linalg.h"
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

fl_status no_memory(const fl_call* call) {
  return fail(call, "fft: no memory", FL_OUT_OF_MEMORY);
}

// Along dimension d of a contiguous array: [outer, n, inner].
struct Along {
  int64_t outer, n, inner;
};
Along along(const fl_tensor& t, int64_t d) {
  Along a = {1, t.sizes[d], 1};
  for (int64_t i = 0; i < d; ++i) a.outer *= t.sizes[i];
  for (int64_t i = d + 1; i < t.ndim; ++i) a.inner *= t.sizes[i];
  return a;
}

// f(lines, first input, first output) for all transforms of length n, where the input
// has a.n elements along the dimension and the output `out_n`.
template <class F>
bool for_lines(const Along& a, int64_t n, int64_t in_n, int64_t out_n, F&& f) {
  if (a.inner == 1) {
    bool ok = true;
    const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(n, 1));
    parallel_for(a.outer, grain, [&](int64_t begin, int64_t end) {
      const linalg::Lines l = {n, end - begin, 1, in_n, 1, out_n};
      if (!f(l, begin * in_n, begin * out_n))
        __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    });
    return ok;
  }
  bool ok = true;
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(n * a.inner, 1));
  parallel_for(a.outer, grain, [&](int64_t begin, int64_t end) {
    const linalg::Lines l = {n, a.inner, a.inner, 1, a.inner, 1};
    for (int64_t i = begin; i < end; ++i)
      if (!f(l, i * in_n * a.inner, i * out_n * a.inner))
        __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

template <class R>
bool transform(const fl_tensor& shape, int64_t d, const std::complex<R>* in,
               std::complex<R>* out, bool forward, double scale) {
  const Along a = along(shape, d);
  return for_lines(a, a.n, a.n, a.n, [&](const linalg::Lines& l, int64_t i, int64_t o) {
    return linalg::fft_c2c(l, in + i, out + o, forward, scale);
  });
}

// The input as contiguous memory: itself or a copy; null when there is no memory.
template <class T>
T* as_contiguous(const fl_call* call, const fl_tensor& t, bool own) {
  if (!own && contiguous(t)) return static_cast<T*>(t.data);
  T* copy =
      static_cast<T*>(call->host->workspace(call, size_t(t.numel + 1) * sizeof(T)));
  if (!copy) return nullptr;
  int64_t index[64] = {};
  const T* from = static_cast<const T*>(t.data);
  for (int64_t i = 0; i < t.numel; ++i) {
    int64_t at = 0;
    for (int d = 0; d < t.ndim; ++d) at += index[d] * t.strides[d];
    copy[i] = from[at];
    for (int d = t.ndim - 1; d >= 0 && ++index[d] == t.sizes[d]; --d) index[d] = 0;
  }
  return copy;
}

fl_status finish(const fl_call* call, bool ok) {
  return ok ? FL_OK : fail(call, "fft: the library failed");
}

template <class R>
fl_status c2c_as(const fl_call* call) {
  using C = std::complex<R>;
  const fl_tensor &a = call->in[0], &out = call->out[0];
  const fl_attr& dims = call->attr[0];
  const bool forward = call->attr[1].v.i != 0;
  if (out.numel == 0) return FL_OK;
  const C* in = as_contiguous<C>(call, a, false);
  if (!in) return no_memory(call);
  C* to = static_cast<C*>(out.data);
  if (dims.count == 0) {
    for (int64_t i = 0; i < out.numel; ++i) to[i] = in[i] * R(call->attr[2].v.f);
    return FL_OK;
  }
  bool ok = true;
  for (int64_t i = dims.count - 1; i >= 0; --i) {
    const bool first = i == dims.count - 1;
    ok = ok && transform<R>(out, dims.v.ints[i], first ? in : to, to, forward,
                            first ? call->attr[2].v.f : 1.0);
  }
  return finish(call, ok);
}

template <class R>
fl_status r2c_as(const fl_call* call) {
  using C = std::complex<R>;
  const fl_tensor &a = call->in[0], &out = call->out[0];
  const fl_attr& dims = call->attr[0];
  if (out.numel == 0) return FL_OK;
  const R* in = as_contiguous<R>(call, a, false);
  if (!in) return no_memory(call);
  C* to = static_cast<C*>(out.data);
  const int64_t last = dims.v.ints[dims.count - 1];
  const Along s = along(a, last);
  bool ok = for_lines(s, s.n, s.n, out.sizes[last],
                      [&](const linalg::Lines& l, int64_t i, int64_t o) {
                        return linalg::fft_r2c(l, in + i, to + o, call->attr[1].v.f);
                      });
  for (int64_t i = dims.count - 2; i >= 0; --i)
    ok = ok && transform<R>(out, dims.v.ints[i], to, to, true, 1.0);
  return finish(call, ok);
}

template <class R>
fl_status c2r_as(const fl_call* call) {
  using C = std::complex<R>;
  const fl_tensor &a = call->in[0], &out = call->out[0];
  const fl_attr& dims = call->attr[0];
  if (out.numel == 0) return FL_OK;
  C* in = as_contiguous<C>(call, a, true);  // the transforms destroy it
  if (!in) return no_memory(call);
  R* to = static_cast<R*>(out.data);
  bool ok = true;
  for (int64_t i = 0; i + 1 < dims.count; ++i)
    ok = ok && transform<R>(a, dims.v.ints[i], in, in, false, 1.0);
  const int64_t last = dims.v.ints[dims.count - 1];
  const Along s = along(out, last);
  ok = ok && for_lines(s, s.n, a.sizes[last], s.n,
                       [&](const linalg::Lines& l, int64_t i, int64_t o) {
                         return linalg::fft_c2r(l, in + i, to + o, call->attr[1].v.f);
                       });
  return finish(call, ok);
}

#define FL_FFT(name, body, single)                                               \
  fl_status name(const fl_call* call) {                                          \
    linalg::use_threads(1);                                                      \
    return call->in[0].dtype == single ? body<float>(call) : body<double>(call); \
  }
FL_FFT(fft_c2c, c2c_as, FL_COMPLEX64)
FL_FFT(fft_r2c, r2c_as, FL_FLOAT32)
FL_FFT(fft_c2r, c2r_as, FL_COMPLEX64)
#undef FL_FFT

}  // namespace

FL_FAMILY(fft, {"fft_c2c", fft_c2c, kComplex}, {"fft_r2c", fft_r2c, kSingles},
          {"fft_c2r", fft_c2r, kComplex});

}  // namespace FL_ISA
