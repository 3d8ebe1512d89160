// matmul, linear and dot, for every data type.
#include <complex>

#include "loops.h"
#include "multiply.h"
#include "registry.h"

namespace FL_ISA {
namespace {

constexpr const char* kNoMemory = "matmul: no memory for packing";

// A batch of matrices in place; the output of a product or its third operand.
template <class T>
struct Batch {
  T* data;
  int64_t bs, rs, cs;
  T* at(int64_t i) const { return data + i * bs; }
};

template <class T>
Batch<T> batch_of(const fl_tensor& t) {
  const int64_t* s = t.strides + (t.ndim - 2);
  Batch<T> out = {static_cast<T*>(t.data), t.ndim > 2 ? t.strides[0] : 0, s[0], s[1]};
  return out;
}

template <class T>
struct MatmulArgs {
  int64_t batch, m, n, k;
  Batch<const T> a, b, c;  // c.data is null when beta is 0
  Batch<T> out;
  std::complex<double> alpha, beta;
};

// Swaps the sides: out^T = b^T a^T. For an output whose columns are contiguous.
template <class T>
void transpose_all(MatmulArgs<T>& x) {
  std::swap(x.m, x.n);
  std::swap(x.a, x.b);
  std::swap(x.a.rs, x.a.cs);
  std::swap(x.b.rs, x.b.cs);
  std::swap(x.c.rs, x.c.cs);
  std::swap(x.out.rs, x.out.cs);
}

template <class T>
MatmulArgs<T> matmul_args(const fl_call* call) {
  const fl_tensor &a = call->in[0], &b = call->in[1], &out = call->out[0];
  MatmulArgs<T> x = {};
  x.batch = out.ndim > 2 ? out.sizes[0] : 1;
  x.m = out.sizes[out.ndim - 2];
  x.n = out.sizes[out.ndim - 1];
  x.k = a.sizes[a.ndim - 1];
  x.a = batch_of<const T>(a);
  x.b = batch_of<const T>(b);
  x.out = batch_of<T>(out);
  x.alpha = {call->attr[0].v.c[0], call->attr[0].v.c[1]};
  x.beta = {call->attr[1].v.c[0], call->attr[1].v.c[1]};
  if (call->n_in > 2 && call->in[2].ndim >= 0 && x.beta != 0.0)
    x.c = batch_of<const T>(call->in[2]);
  if (x.n == 1) x.out.cs = 1;
  if (x.m == 1) x.out.rs = 1;
  // A single column is computed as a single row: then b's rows are a's contiguous ones.
  if ((x.out.cs != 1 && x.out.rs == 1) || (x.n == 1 && x.m > 1 && x.out.rs == 1))
    transpose_all(x);
  // One b for all: the rows of the whole batch are those of one product.
  if (x.batch > 1 && x.b.bs == 0 && x.out.bs == x.m * x.out.rs &&
      x.a.bs == x.m * x.a.rs && (!x.c.data || x.c.bs == x.m * x.c.rs)) {
    x.m *= x.batch;
    x.batch = 1;
  }
  return x;
}

// out = beta * c, before products are added to it.
template <class T>
void start_with(const MatmulArgs<T>& x, int64_t i, T* to, int64_t rs) {
  using S = Sum<T>;
  const T* from = x.c.at(i);
  if (from == to && x.c.rs == rs && x.c.cs == 1 && x.beta == 1.0) return;
  const S beta = S(x.beta.real());
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t j = 0; j < x.n; ++j)
      to[r * rs + j] = write<T>(T(S(read(from[r * x.c.rs + j * x.c.cs]) * beta)));
}

// The third operand as a bias in the epilogue, where it is one.
template <class T>
bool as_bias(const MatmulArgs<T>& x, Epilogue<T>* e) {
  if (!x.c.data || x.beta != 1.0 || (x.batch > 1 && x.c.bs != 0)) return false;
  if (x.c.rs == 0 && (x.c.cs == 1 || x.n == 1)) {
    e->bias = x.c.data;
    return true;
  }
  if (x.c.cs == 0 && (x.c.rs == 1 || x.m == 1)) {
    e->row_bias = x.c.data;
    return true;
  }
  return false;
}

// f(i) for each product of the batch; small ones are spread over the threads whole.
template <class F>
bool for_batch(int64_t batch, int64_t work, F&& f) {
  if (batch == 1) return f(0);
  bool ok = true;
  if (work > kInlineWork && batch < 2 * threads::count()) {
    for (int64_t i = 0; i < batch; ++i) ok = f(i) && ok;
    return ok;
  }
  const int64_t grain = std::max<int64_t>(1, kInlineWork / std::max<int64_t>(work, 1));
  parallel_for(batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!f(i)) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

// The output is written where it lies, or by way of scratch memory.
template <class T>
fl_status matmul_in_place(const fl_call* call, const MatmulArgs<T>& x) {
  Epilogue<T> e;
  e.alpha = T(x.alpha.real());
  const bool bias = as_bias(x, &e);
  e.accumulate = x.c.data && !bias;
  const bool ok = for_batch(x.batch, x.m * x.n * x.k, [&](int64_t i) {
    T* to = x.out.at(i);
    if (e.accumulate) start_with(x, i, to, x.out.rs);
    return multiply<T, T>(x.m, x.n, x.k, {x.a.at(i), x.a.rs, x.a.cs},
                          {x.b.at(i), x.b.rs, x.b.cs}, to, x.out.rs, e);
  });
  return ok ? FL_OK : fail(call, kNoMemory, FL_OUT_OF_MEMORY);
}

// Through a block of sums in memory of the wider type: narrow types, and outputs whose
// strides the tiles cannot write or that are operands themselves.
template <class T>
fl_status matmul_by_copy(const fl_call* call, const MatmulArgs<T>& x) {
  using S = Sum<T>;
  S* sums = static_cast<S*>(call->host->workspace(
      call, std::max<size_t>(1, size_t(x.batch * x.m * x.n)) * sizeof(S)));
  if (!sums) return fail(call, kNoMemory, FL_OUT_OF_MEMORY);
  const S alpha = S(x.alpha.real()), beta = S(x.beta.real());
  bool ok = for_batch(x.batch, x.m * x.n * x.k, [&](int64_t i) {
    Epilogue<S> e;
    e.alpha = alpha;
    return multiply<S, T>(x.m, x.n, x.k, {x.a.at(i), x.a.rs, x.a.cs},
                          {x.b.at(i), x.b.rs, x.b.cs}, sums + i * x.m * x.n, x.n, e);
  });
  if (!ok) return fail(call, kNoMemory, FL_OUT_OF_MEMORY);
  parallel_for(x.batch * x.m, 1 + 32768 / std::max<int64_t>(x.n, 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) {
                   const int64_t i = row / x.m, r = row % x.m;
                   const S* from = sums + row * x.n;
                   T* to = x.out.at(i) + r * x.out.rs;
                   const T* c = x.c.data ? x.c.at(i) + r * x.c.rs : nullptr;
                   if constexpr (std::is_same_v<S, float> && sizeof(T) == 2)
                     if (!c && x.out.cs == 1) {
                       narrow_row(call->out[0].dtype, to, from, x.n);
                       continue;
                     }
                   for (int64_t j = 0; j < x.n; ++j) {
                     const S v =
                         c ? S(from[j] + beta * S(read(c[j * x.c.cs]))) : from[j];
                     if constexpr (std::is_integral_v<T>)
                       to[j * x.out.cs] = T(v);
                     else
                       to[j * x.out.cs] = write<T>(v);
                   }
                 }
               });
  return FL_OK;
}

// Half precision, when the library does it whole: sums in float, one rounding.
template <class T>
bool matmul_half(const MatmulArgs<T>& x, const T* bias, bool relu) {
  if (x.alpha != 1.0 || x.out.cs != 1 || (x.c.data && !bias)) return false;
  constexpr auto kHalf =
      std::is_same_v<T, bfloat16> ? gemm::Half::bfloat16 : gemm::Half::float16;
  if (!gemm::half_is_worth(kHalf, x.m, x.n, x.k)) return false;
  auto one = [&](int64_t i, int64_t row, int64_t rows) {
    gemm::Problem p;
    if (!describe<T>(&p, rows, x.n, x.k, {x.a.at(i) + row * x.a.rs, x.a.rs, x.a.cs},
                     {x.b.at(i), x.b.rs, x.b.cs}, x.out.at(i) + row * x.out.rs,
                     x.out.rs))
      return false;
    p.bias = bias;
    p.relu = relu;
    return run_library<T>(p);
  };
  if (x.batch > 1)
    return for_batch(x.batch, x.m * x.n * x.k,
                     [&](int64_t i) { return one(i, 0, x.m); });
  bool ok = true;
  const int64_t grain = std::max<int64_t>(32, ceil_div(x.m, threads::count()));
  parallel_for(x.m, grain, [&](int64_t begin, int64_t end) {
    if (!one(0, begin, end - begin)) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

template <class T>
fl_status matmul_real(const fl_call* call) {
  const MatmulArgs<T> x = matmul_args<T>(call);
  if (x.batch * x.m * x.n == 0) return FL_OK;
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    const void* to = call->out[0].data;
    if (x.out.cs == 1 && to != call->in[0].data && to != call->in[1].data)
      return matmul_in_place(call, x);
  }
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    Epilogue<T> e;
    const bool bias = x.c.data && as_bias(x, &e) && e.bias;
    if (call->out[0].data != call->in[0].data &&
        call->out[0].data != call->in[1].data &&
        matmul_half(x, bias ? e.bias : nullptr, false))
      return FL_OK;
  }
  return matmul_by_copy(call, x);
}

// Four products of the real and imaginary parts, which are matrices of twice the
// strides.
template <class R>
bool complex_parts(const MatmulArgs<std::complex<R>>& x, int64_t i, R* re, R* im) {
  const auto part = [](const std::complex<R>* p, int64_t rs, int64_t cs, int which) {
    return View<R>{reinterpret_cast<const R*>(p) + which, 2 * rs, 2 * cs};
  };
  const auto a = [&](int w) { return part(x.a.at(i), x.a.rs, x.a.cs, w); };
  const auto b = [&](int w) { return part(x.b.at(i), x.b.rs, x.b.cs, w); };
  Epilogue<R> first, plus, minus;
  plus.accumulate = minus.accumulate = true;
  minus.alpha = R(-1);
  return multiply<R, R>(x.m, x.n, x.k, a(0), b(0), re, x.n, first) &&
         multiply<R, R>(x.m, x.n, x.k, a(1), b(1), re, x.n, minus) &&
         multiply<R, R>(x.m, x.n, x.k, a(0), b(1), im, x.n, first) &&
         multiply<R, R>(x.m, x.n, x.k, a(1), b(0), im, x.n, plus);
}

template <class T>
bool complex_library(const MatmulArgs<T>& x, int64_t i) {
  gemm::Problem p;
  if (!describe<T>(&p, x.m, x.n, x.k, {x.a.at(i), x.a.rs, x.a.cs},
                   {x.b.at(i), x.b.rs, x.b.cs}, x.out.at(i), x.out.rs))
    return false;
  p.alpha[0] = x.alpha.real(), p.alpha[1] = x.alpha.imag();
  return run_library<T>(p);
}

template <class T>
fl_status matmul_complex(const fl_call* call) {
  using R = typename T::value_type;
  const MatmulArgs<T> x = matmul_args<T>(call);
  const size_t size = size_t(x.m * x.n);
  if (x.batch == 0 || size == 0) return FL_OK;
  const void* to = call->out[0].data;
  const bool free_output =
      x.out.cs == 1 && to != call->in[0].data && to != call->in[1].data;
  R* re = nullptr;
  for (int64_t i = 0; i < x.batch; ++i) {
    if (free_output && !x.c.data && complex_library(x, i)) continue;
    if (!re) re = static_cast<R*>(call->host->workspace(call, 2 * size * sizeof(R)));
    if (!re || !complex_parts(x, i, re, re + size))
      return fail(call, kNoMemory, FL_OUT_OF_MEMORY);
    const T alpha = T(R(x.alpha.real()), R(x.alpha.imag()));
    const T beta = T(R(x.beta.real()), R(x.beta.imag()));
    for (int64_t r = 0; r < x.m; ++r)
      for (int64_t j = 0; j < x.n; ++j) {
        T v = alpha * T(re[r * x.n + j], re[size + r * x.n + j]);
        if (x.c.data) v += beta * x.c.at(i)[r * x.c.rs + j * x.c.cs];
        x.out.at(i)[r * x.out.rs + j * x.out.cs] = v;
      }
  }
  return FL_OK;
}

fl_status matmul(const fl_call* call) {
  if (call->out[0].dtype == FL_FLOAT32) return matmul_real<float>(call);
  return for_dtype<kReal | kComplex>(call->out[0].dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_same_v<T, complex64> || std::is_same_v<T, complex128>)
      return matmul_complex<T>(call);
    else
      return matmul_real<T>(call);
  });
}

// x [m, k], w [n, k] as a product with w transposed.
template <class T>
MatmulArgs<T> linear_args(const fl_call* call) {
  const fl_tensor &in = call->in[0], &w = call->in[1], &out = call->out[0];
  MatmulArgs<T> x = {};
  x.batch = 1;
  x.m = in.sizes[0], x.n = w.sizes[0], x.k = in.sizes[1];
  x.a = {static_cast<const T*>(in.data), 0, in.strides[0], in.strides[1]};
  x.b = {static_cast<const T*>(w.data), 0, w.strides[1], w.strides[0]};
  x.out = {static_cast<T*>(out.data), 0, out.strides[0], x.n == 1 ? 1 : out.strides[1]};
  x.alpha = 1.0;
  return x;
}

template <class T>
fl_status linear_float(const fl_call* call, const MatmulArgs<T>& x, const T* bias,
                       bool relu) {
  Epilogue<T> e;
  e.bias = bias;
  e.relu = relu;
  const bool ok = multiply<T, T>(x.m, x.n, x.k, {x.a.data, x.a.rs, x.a.cs},
                                 {x.b.data, x.b.rs, x.b.cs}, x.out.data, x.out.rs, e);
  return ok ? FL_OK : fail(call, kNoMemory, FL_OUT_OF_MEMORY);
}

template <class T>
fl_status linear_by_copy(const fl_call* call, MatmulArgs<T> x, const T* bias,
                         bool relu) {
  if (bias) {
    x.c = {bias, 0, 0, 1};
    x.beta = 1.0;
  }
  const fl_status status = matmul_by_copy(call, x);
  if (status != FL_OK || !relu) return status;
  for (int64_t i = 0; i < x.m; ++i)
    for (int64_t j = 0; j < x.n; ++j) {
      T& v = x.out.data[i * x.out.rs + j * x.out.cs];
      if (read(v) < 0) v = write<T>(0);
    }
  return FL_OK;
}

fl_status linear(const fl_call* call) {
  const fl_tensor& b = call->in[2];
  const bool has_bias = call->n_in > 2 && b.ndim >= 0;
  if (has_bias && b.numel > 1 && b.strides[0] != 1) return FL_UNSUPPORTED;
  const bool relu = call->attr[0].v.i == 1;
  return for_dtype<kReal>(call->out[0].dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const MatmulArgs<T> x = linear_args<T>(call);
    const T* bias = has_bias ? static_cast<const T*>(b.data) : nullptr;
    if (x.m * x.n == 0) return FL_OK;
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
      if (x.out.cs == 1) return linear_float(call, x, bias, relu);
    if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      if (matmul_half(x, bias, relu)) return FL_OK;
    return linear_by_copy(call, x, bias, relu);
  });
}

template <class T>
Sum<T> dot_strided(int64_t n, const T* a, int64_t as, const T* b, int64_t bs) {
  Sum<T> part[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int u = 0; u < 4; ++u)
      part[u] += Sum<T>(read(a[(i + u) * as])) * Sum<T>(read(b[(i + u) * bs]));
  for (; i < n; ++i) part[0] += Sum<T>(read(a[i * as])) * Sum<T>(read(b[i * bs]));
  return (part[0] + part[1]) + (part[2] + part[3]);
}

// Pairwise over blocks, so that the error grows with the logarithm of n.
template <class T>
T dot_contiguous(int64_t n, const T* a, const T* b) {
  constexpr int64_t kBlock = 4096;
  if (n > kBlock) {
    const int64_t half = n / 2 / kBlock * kBlock + (n < 2 * kBlock ? kBlock : 0);
    return dot_contiguous(half, a, b) + dot_contiguous(n - half, a + half, b + half);
  }
  constexpr int L = kLanes<T>;
  Vec<T> acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u)
      acc[u] += load<Vec<T>>(a + i + u * L) * load<Vec<T>>(b + i + u * L);
  for (; i < n; i += L) {
    const int left = int(std::min<int64_t>(L, n - i));
    acc[0] += load_first(a + i, left) * load_first(b + i, left);
  }
  return sum_lanes<T>((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

fl_status dot(const fl_call* call) {
  const fl_tensor &a = call->in[0], &b = call->in[1];
  const int64_t n = a.sizes[0], as = a.strides[0], bs = b.strides[0];
  return for_dtype<kReal | kComplex>(a.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const T *x = static_cast<const T*>(a.data), *y = static_cast<const T*>(b.data);
    T* out = static_cast<T*>(call->out[0].data);
    if constexpr (std::is_same_v<T, complex64> || std::is_same_v<T, complex128>) {
      double re = 0, im = 0;
      for (int64_t i = 0; i < n; ++i) {
        const std::complex<double> u = x[i * as], v = y[i * bs];
        re += u.real() * v.real() - u.imag() * v.imag();
        im += u.real() * v.imag() + u.imag() * v.real();
      }
      *out = T(std::complex<double>(re, im));
    } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      *out =
          as == 1 && bs == 1 ? dot_contiguous(n, x, y) : dot_strided(n, x, as, y, bs);
    } else if constexpr (std::is_integral_v<T>) {
      *out = T(dot_strided(n, x, as, y, bs));
    } else {
      *out = write<T>(dot_strided(n, x, as, y, bs));
    }
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(linear, {"matmul", matmul, kReal | kComplex}, {"linear", linear, kReal},
          {"dot", dot, kReal | kComplex});

}  // namespace FL_ISA
