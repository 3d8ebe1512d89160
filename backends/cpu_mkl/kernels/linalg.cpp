// Factorisations, solutions and decompositions of batches of row-major matrices.
#include <cstdio>

#include "libs/linalg.h"
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr uint32_t kFields = kSingles | kComplex;

// The matrices of a contiguous tensor.
struct Stack {
  int64_t count, m, n;
  int64_t size() const { return m * n; }
};
Stack stack_of(const fl_tensor& t) {
  Stack s = {1, t.sizes[t.ndim - 2], t.sizes[t.ndim - 1]};
  for (int d = 0; d < t.ndim - 2; ++d) s.count *= t.sizes[d];
  return s;
}

fl_status no_memory(const fl_call* call) {
  return fail(call, "linalg: no memory", FL_OUT_OF_MEMORY);
}

// A decomposition that did not converge is an error; LAPACK's info < 0 is one of
// memory.
fl_status report(const fl_call* call, const char* op, int info) {
  if (info == 0) return FL_OK;
  if (info < 0) return no_memory(call);
  char text[128];
  std::snprintf(text, sizeof(text), "%s: did not converge (info %d)", op, info);
  return fail(call, text, FL_LINALG_ERROR);
}

// f(i) for each matrix: several of them over the threads, a single one with the
// library's own. Returns the first result that is not 0.
template <class F>
int for_matrices(int64_t count, F&& f) {
  if (count == 1) {
    linalg::use_threads(threads::count());
    const int info = f(0);
    linalg::use_threads(1);
    return info;
  }
  int first = 0;
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    linalg::use_threads(1);
    for (int64_t i = begin; i < end; ++i)
      if (const int info = f(i); info != 0)
        __atomic_store_n(&first, info, __ATOMIC_RELAXED);
  });
  return first;
}

template <class T>
void copy_matrices(const T* from, T* to, int64_t count) {
  if (from != to && count > 0) std::copy_n(from, count, to);
}

// What the attribute `info` gets; absent where the caller does not ask.
void put_info(const fl_tensor* info, int64_t i, int value) {
  if (info) static_cast<int32_t*>(info->data)[i] = value;
}

template <class T>
fl_status cholesky_as(const fl_call* call) {
  const Stack s = stack_of(call->in[0]);
  const bool upper = call->attr[0].v.i != 0;
  T* out = data_of<T>(call->out[0]);
  copy_matrices(data_of<const T>(call->in[0]), out, s.count * s.size());
  const fl_tensor* info = output(call, 1);
  for_matrices(s.count, [&](int64_t i) {
    T* a = out + i * s.size();
    const int result = linalg::cholesky(s.n, a, upper);
    for (int64_t r = 0; r < s.n; ++r)
      if (upper)
        std::fill_n(a + r * s.n, r, T(0));
      else
        std::fill_n(a + r * s.n + r + 1, s.n - r - 1, T(0));
    put_info(info, i, result);
    return 0;
  });
  return FL_OK;
}

template <class T>
fl_status lu_factor_as(const fl_call* call) {
  const Stack s = stack_of(call->in[0]);
  T* out = data_of<T>(call->out[0]);
  int32_t* pivots = data_of<int32_t>(call->out[1]);
  const int64_t k = std::min(s.m, s.n);
  copy_matrices(data_of<const T>(call->in[0]), out, s.count * s.size());
  const fl_tensor* info = output(call, 2);
  for_matrices(s.count, [&](int64_t i) {
    put_info(info, i, linalg::lu_factor(s.m, s.n, out + i * s.size(), pivots + i * k));
    return 0;
  });
  return FL_OK;
}

template <class T>
fl_status lu_solve_as(const fl_call* call) {
  const Stack s = stack_of(call->in[2]);
  const T* lu = data_of<const T>(call->in[0]);
  const int32_t* pivots = data_of<const int32_t>(call->in[1]);
  T* x = data_of<T>(call->out[0]);
  copy_matrices(data_of<const T>(call->in[2]), x, s.count * s.size());
  const int adjoint = int(call->attr[0].v.i);
  const int info = for_matrices(s.count, [&](int64_t i) {
    return linalg::lu_solve(s.m, s.n, lu + i * s.m * s.m, pivots + i * s.m,
                            x + i * s.size(), adjoint);
  });
  return report(call, "lu_solve", info);
}

template <class T>
fl_status triangular_solve_as(const fl_call* call) {
  const Stack s = stack_of(call->in[1]);
  const T* a = data_of<const T>(call->in[0]);
  T* x = data_of<T>(call->out[0]);
  copy_matrices(data_of<const T>(call->in[1]), x, s.count * s.size());
  const bool upper = call->attr[0].v.i != 0, unit = call->attr[1].v.i != 0;
  const int transpose = int(call->attr[2].v.i);
  for_matrices(s.count, [&](int64_t i) {
    linalg::triangular_solve(s.m, s.n, a + i * s.m * s.m, x + i * s.size(), upper, unit,
                             transpose);
    return 0;
  });
  return FL_OK;
}

template <class T>
fl_status inv_as(const fl_call* call) {
  const Stack s = stack_of(call->in[0]);
  T* out = data_of<T>(call->out[0]);
  copy_matrices(data_of<const T>(call->in[0]), out, s.count * s.size());
  const fl_tensor* info = output(call, 1);
  const int bad = for_matrices(s.count, [&](int64_t i) {
    const int result = linalg::inverse(s.n, out + i * s.size());
    put_info(info, i, result);
    return std::min(result, 0);
  });
  return report(call, "inv", bad);
}

template <class T>
fl_status qr_as(const fl_call* call) {
  const Stack s = stack_of(call->in[0]);
  const int64_t columns = call->attr[0].v.i ? s.m : std::min(s.m, s.n);
  const T* a = data_of<const T>(call->in[0]);
  T *q = data_of<T>(call->out[0]), *r = data_of<T>(call->out[1]);
  const int info = for_matrices(s.count, [&](int64_t i) {
    return linalg::qr(s.m, s.n, a + i * s.size(), q + i * s.m * columns,
                      r + i * columns * s.n, columns);
  });
  return report(call, "qr", info);
}

// A copy of the input that a decomposition may destroy.
template <class T>
T* copy_input(const fl_call* call, const Stack& s) {
  T* copy = static_cast<T*>(
      call->host->workspace(call, size_t(s.count * s.size() + 1) * sizeof(T)));
  if (copy) copy_matrices(data_of<const T>(call->in[0]), copy, s.count * s.size());
  return copy;
}

template <class T>
fl_status svd_as(const fl_call* call) {
  const Stack z = stack_of(call->in[0]);
  const bool full = call->attr[0].v.i != 0, vectors = call->attr[1].v.i != 0;
  const int64_t k = std::min(z.m, z.n), uc = full ? z.m : k, vr = full ? z.n : k;
  T* a = copy_input<T>(call, z);
  if (!a) return no_memory(call);
  T *u = data_of<T>(output(call, 0)), *vh = data_of<T>(output(call, 2));
  auto* s = data_of<linalg::Real<T>>(call->out[1]);
  const bool wanted = vectors && u && vh;
  const int info = for_matrices(z.count, [&](int64_t i) {
    return linalg::svd(z.m, z.n, a + i * z.size(), s + i * k,
                       wanted ? u + i * z.m * uc : nullptr,
                       wanted ? vh + i * vr * z.n : nullptr, full);
  });
  return report(call, "svd", info);
}

template <class T>
fl_status eigh_as(const fl_call* call) {
  const Stack z = stack_of(call->in[0]);
  const bool upper = call->attr[0].v.i != 0, vectors = call->attr[1].v.i != 0;
  auto* w = data_of<linalg::Real<T>>(call->out[0]);
  T* v = vectors ? data_of<T>(output(call, 1)) : nullptr;
  if (v)
    copy_matrices(data_of<const T>(call->in[0]), v, z.count * z.size());
  else if (!(v = copy_input<T>(call, z)))
    return no_memory(call);
  const int info = for_matrices(z.count, [&](int64_t i) {
    return linalg::eigh(z.n, v + i * z.size(), w + i * z.n, vectors, upper);
  });
  return report(call, "eigh", info);
}

template <class T>
fl_status eig_as(const fl_call* call) {
  using C = linalg::Complex<T>;
  const Stack z = stack_of(call->in[0]);
  if (z.count * z.n == 0) return FL_OK;
  T* a = copy_input<T>(call, z);
  if (!a) return no_memory(call);
  C* w = data_of<C>(call->out[0]);
  C* v = call->attr[0].v.i ? data_of<C>(output(call, 1)) : nullptr;
  const int info = for_matrices(z.count, [&](int64_t i) {
    return linalg::eig(z.n, a + i * z.size(), w + i * z.n,
                       v ? v + i * z.size() : nullptr);
  });
  return report(call, "eig", info);
}

template <class T>
fl_status lstsq_as(const fl_call* call) {
  using R = linalg::Real<T>;
  const Stack z = stack_of(call->in[0]);
  const int64_t k = stack_of(call->in[1]).n, rows = std::max(z.m, z.n);
  const int64_t least = std::min(z.m, z.n);
  T* a = copy_input<T>(call, z);
  T* b = static_cast<T*>(
      call->host->workspace(call, size_t(z.count * rows * k + 1) * sizeof(T)));
  R* s = static_cast<R*>(
      call->host->workspace(call, size_t(z.count * least + 1) * sizeof(R)));
  if (!a || !b || !s) return no_memory(call);
  const T* rhs = data_of<const T>(call->in[1]);
  T* x = data_of<T>(call->out[0]);
  const fl_tensor *rank = output(call, 1), *singular = output(call, 2);
  const int info = for_matrices(z.count, [&](int64_t i) {
    T* mine = b + i * rows * k;
    std::copy_n(rhs + i * z.m * k, z.m * k, mine);
    std::fill_n(mine + z.m * k, (rows - z.m) * k, T(0));
    int64_t found = 0;
    const int result = linalg::lstsq(z.m, z.n, k, a + i * z.size(), mine, s + i * least,
                                     &found, R(call->attr[0].v.f));
    std::copy_n(mine, z.n * k, x + i * z.n * k);
    if (rank) data_of<int64_t>(rank)[i] = found;
    return result;
  });
  if (singular && singular->numel == z.count * least)
    std::copy_n(s, z.count * least, data_of<R>(singular));
  return report(call, "lstsq", info);
}

#define FL_LINALG(name, body)                                     \
  fl_status name(const fl_call* call) {                           \
    return for_dtype<kFields>(call->in[0].dtype, [&](auto type) { \
      return body<typename decltype(type)::type>(call);           \
    });                                                           \
  }
FL_LINALG(cholesky, cholesky_as)
FL_LINALG(lu_factor, lu_factor_as)
FL_LINALG(lu_solve, lu_solve_as)
FL_LINALG(triangular_solve, triangular_solve_as)
FL_LINALG(inv, inv_as)
FL_LINALG(qr, qr_as)
FL_LINALG(svd, svd_as)
FL_LINALG(eigh, eigh_as)
FL_LINALG(eig, eig_as)
FL_LINALG(lstsq, lstsq_as)
#undef FL_LINALG

}  // namespace

FL_FAMILY(linalg, {"cholesky", cholesky, kFields}, {"lu_factor", lu_factor, kFields},
          {"lu_solve", lu_solve, kFields},
          {"triangular_solve", triangular_solve, kFields}, {"inv", inv, kFields},
          {"qr", qr, kFields}, {"svd", svd, kFields}, {"eigh", eigh, kFields},
          {"eig", eig, kFields}, {"lstsq", lstsq, kFields});

}  // namespace FL_ISA
