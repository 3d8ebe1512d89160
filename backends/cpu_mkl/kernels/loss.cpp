// Cross-entropy in one pass over the logits, its gradient in one more, and the negative
// log likelihood of given log probabilities.
#include <cstdio>

#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

enum Reduction { kNone, kMean, kSum };
constexpr int64_t kStreamBytes = int64_t{64}
                                 << 20;  // more than later reads find cached

int64_t row_grain(int64_t n) {
  return std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1));
}

fl_status bad_target(const fl_call* call, const char* op, int64_t target,
                     int64_t classes) {
  char text[128];
  std::snprintf(text, sizeof(text), "%s: expected target in [0, %lld), got %lld", op,
                static_cast<long long>(classes), static_cast<long long>(target));
  return fail(call, text, FL_INDEX_ERROR);
}

// The first target that is out of range, or -1.
int64_t find_bad(const int64_t* target, int64_t n, int64_t classes, int64_t ignore) {
  for (int64_t i = 0; i < n; ++i)
    if (target[i] != ignore && (target[i] < 0 || target[i] >= classes)) return i;
  return -1;
}

// log(sum(exp(x))) of a row, with a running maximum per block that the first cache
// holds.
template <class T>
Compute<T> row_lse(const T* x, int64_t n) {
  using C = Compute<T>;
  constexpr int64_t kBlock = 2048;
  C top = -INFINITY;
  Vec<C> sum = {};
  for (int64_t j0 = 0; j0 < n; j0 += kBlock) {
    const int64_t cols = std::min(kBlock, n - j0);
    const T* from = x + j0;
    const C block_top = largest_number(from, cols);
    if (block_top > top) {
      sum *= top == C(-INFINITY) ? C(0) : std::exp(top - block_top);
      top = block_top;
    }
    const C base = top == C(-INFINITY) ? C(0) : top;
    sum += sum_over<C>(cols, [&](int64_t i, int k) {
      __builtin_prefetch(from + kBlock + i);  // past the end it does nothing
      return keep_first<C>(exp_nonpositive<C>(load_row(from + i, k) - base), k);
    });
  }
  // Infinity less itself is no number: what else is none has to be looked for.
  if (top == C(INFINITY)) {
    for (int64_t j = 0; j < n; ++j)
      if (read(x[j]) != read(x[j])) return read(x[j]);
    return top;
  }
  return top + std::log(sum_lanes<C>(sum));
}

// For label smoothing: sums of weights and of weights times logits.
template <class T>
void smooth_sums(const T* x, const Compute<T>* w, int64_t n, Compute<T>* weights,
                 Compute<T>* logits) {
  using C = Compute<T>;
  Vec<C> a = {}, b = {};
  for_lanes<C>(n, [&](int64_t i, int k) {
    const Vec<C> v = load_row(x + i, k);
    if (w) a += load_first(w + i, k);
    b += w ? v * load_first(w + i, k) : v;
  });
  *weights = w ? sum_lanes<C>(a) : C(n);
  *logits = sum_lanes<C>(b);
}

template <class C>
struct CrossArgs {
  int64_t n, c, ignore;
  const int64_t* target;
  const C* w;
  C smoothing;
  int reduction;
};

template <class C>
fl_status cross_args(const fl_call* call, int first, CrossArgs<C>* a) {
  const fl_tensor& x = call->in[first];
  bool ok = true;
  a->n = x.sizes[0], a->c = x.sizes[1];
  a->target = data_of<const int64_t>(call->in[first + 1]);
  a->w = parameter<C>(input(call, first + 2), scratch::kWork, &ok);
  a->ignore = call->attr[0].v.i;
  a->reduction = int(call->attr[1].v.i);
  a->smoothing = C(call->attr[2].v.f);
  if (!ok) return fail(call, "cross_entropy: no memory", FL_OUT_OF_MEMORY);
  const int64_t bad = find_bad(a->target, a->n, a->c, a->ignore);
  return bad < 0 ? FL_OK : bad_target(call, "cross_entropy", a->target[bad], a->c);
}

template <class T>
Compute<T> row_loss(const CrossArgs<Compute<T>>& a, const T* x, int64_t target,
                    Compute<T> lse) {
  using C = Compute<T>;
  const C weight = a.w ? a.w[target] : C(1);
  const C hard = weight * (lse - C(read(x[target])));
  if (a.smoothing == C(0)) return hard;
  C weights, logits;
  smooth_sums(x, a.w, a.c, &weights, &logits);
  return hard * (C(1) - a.smoothing) +
         (weights * lse - logits) * (a.smoothing / C(a.c));
}

template <class T>
fl_status cross_entropy_as(const fl_call* call) {
  using C = Compute<T>;
  CrossArgs<C> a;
  if (const fl_status status = cross_args(call, 0, &a); status != FL_OK) return status;
  const T* x = data_of<T>(call->in[0]);
  C* losses = scratch::array<C>(scratch::kWork2, size_t(a.n + 1));
  if (!losses) return fail(call, "cross_entropy: no memory", FL_OUT_OF_MEMORY);
  parallel_for(a.n, row_grain(a.c), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const C lse = row_lse(x + i * a.c, a.c);
      const bool skip = a.target[i] == a.ignore;
      put_at(call->out[1], i, lse);
      losses[i] = skip ? C(0) : row_loss(a, x + i * a.c, a.target[i], lse);
      if (a.reduction == kNone) put_at(call->out[0], i, losses[i]);
    }
  });
  double total = 0, weight = 0;
  for (int64_t i = 0; i < a.n; ++i) {
    if (a.target[i] == a.ignore) continue;
    total += double(losses[i]);
    weight += a.w ? double(a.w[a.target[i]]) : 1.0;
  }
  put_at(call->out[2], 0, weight);
  if (a.reduction == kSum) put_at(call->out[0], 0, total);
  if (a.reduction == kMean) put_at(call->out[0], 0, total / weight);
  return FL_OK;
}

// dx = exp(x - lse) * scale - the share of the smoothed classes; the target's own share
// is taken off by the caller.
template <class T>
void row_softmax(const T* x, T* dx, int64_t n, Compute<T> lse, Compute<T> scale,
                 const Compute<T>* w, Compute<T> share, bool past) {
  using C = Compute<T>;
  constexpr int L = kLanes<C>;
  auto value = [&](int64_t i, int k) {
    Vec<C> v = exp_nonpositive<C>(load_row(x + i, k) - lse) * scale;
    if (share != C(0)) v -= w ? load_first(w + i, k) * share : Vec<C>{} + share;
    return v;
  };
  if constexpr (!kIsHalf<T>) {
    int64_t i = 0;
    // Up to an aligned address, so that the rest may go past the caches.
    const int64_t head =
        int64_t((64 - reinterpret_cast<uintptr_t>(dx) % 64) % 64) / int64_t(sizeof(T));
    if (past && head > 0 && head <= n && head <= L) {
      store_first(dx, value(0, int(head)), int(head));
      i = head;
    }
    for (; i + L <= n; i += L) store_past(past, dx + i, value(i, L));
    if (i < n) store_first(dx + i, value(i, int(n - i)), int(n - i));
  } else {
    for_lanes<C>(n, [&](int64_t i, int k) { store_row(dx + i, value(i, k), k); });
  }
}

template <class T>
void row_gradient(const CrossArgs<Compute<T>>& a, const T* x, T* dx, int64_t target,
                  Compute<T> lse, Compute<T> g, Compute<T> weights, bool past) {
  using C = Compute<T>;
  const C weight = (a.w ? a.w[target] : C(1)) * (C(1) - a.smoothing);
  const C share = a.smoothing / C(a.c);
  row_softmax(x, dx, a.c, lse, g * (weight + share * weights), a.w, g * share, past);
  // Recomputed, so that the row just written is not read back.
  const C own = std::exp(C(read(x[target])) - lse) * (weight + share * weights) -
                weight - share * (a.w ? a.w[target] : C(1));
  dx[target] = write<T>(g * own);
}

template <class T>
fl_status cross_entropy_backward_as(const fl_call* call) {
  using C = Compute<T>;
  CrossArgs<C> a;
  if (const fl_status status = cross_args(call, 1, &a); status != FL_OK) return status;
  const fl_tensor& g = call->in[0];
  const T* x = data_of<T>(call->in[1]);
  T* dx = data_of<T>(call->out[0]);
  const C divisor = a.reduction == kMean ? value_at<C>(call->in[5], 0) : C(1);
  C weights = C(a.c);
  if (a.w) {
    weights = 0;
    for (int64_t j = 0; j < a.c; ++j) weights += a.w[j];
  }
  const bool past = a.n * a.c * int64_t(sizeof(T)) > kStreamBytes;
  const int64_t gs = g.ndim > 0 && a.reduction == kNone ? g.strides[0] : 0;
  parallel_for(a.n, row_grain(a.c), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* to = dx + i * a.c;
      if (a.target[i] == a.ignore) {
        std::memset(static_cast<void*>(to), 0, size_t(a.c) * sizeof(T));
        continue;
      }
      row_gradient(a, x + i * a.c, to, a.target[i], value_at<C>(call->in[4], i),
                   value_at<C>(g, i * gs) / divisor, weights, past);
    }
#if defined(__AVX2__)
    if (past) _mm_sfence();
#endif
  });
  return FL_OK;
}

// ---- nll_loss: logp [n, c, l], target [n, l]
// -----------------------------------------

template <class T>
fl_status nll_loss_as(const fl_call* call) {
  using C = Compute<T>;
  const fl_tensor& x = call->in[0];
  const int64_t n = x.sizes[0], c = x.sizes[1], l = x.sizes[2];
  const int64_t* target = data_of<const int64_t>(call->in[1]);
  bool ok = true;
  const C* w = parameter<C>(input(call, 2), scratch::kWork, &ok);
  if (!ok) return fail(call, "nll_loss: no memory", FL_OUT_OF_MEMORY);
  const int64_t ignore = call->attr[0].v.i, reduction = call->attr[1].v.i;
  const int64_t bad = find_bad(target, n * l, c, ignore);
  if (bad >= 0) return bad_target(call, "nll_loss", target[bad], c);
  const T* logp = data_of<T>(x);
  double total = 0, weight = 0;
  for (int64_t i = 0; i < n * l; ++i) {
    const int64_t t = target[i];
    const C own = t == ignore ? C(0) : w ? w[t] : C(1);
    const C loss =
        t == ignore ? C(0) : -own * C(read(logp[(i / l * c + t) * l + i % l]));
    if (reduction == kNone) put_at(call->out[0], i, loss);
    total += double(loss);
    weight += double(own);
  }
  put_at(call->out[1], 0, weight);
  if (reduction == kSum) put_at(call->out[0], 0, total);
  if (reduction == kMean) put_at(call->out[0], 0, total / weight);
  return FL_OK;
}

template <class T>
fl_status nll_loss_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const fl_tensor &g = call->in[0], &out = call->out[0];
  const int64_t n = out.sizes[0], c = out.sizes[1], l = out.sizes[2];
  const int64_t* target = data_of<const int64_t>(call->in[1]);
  bool ok = true;
  const C* w = parameter<C>(input(call, 2), scratch::kWork, &ok);
  if (!ok) return fail(call, "nll_loss: no memory", FL_OUT_OF_MEMORY);
  const int64_t ignore = call->attr[0].v.i, reduction = call->attr[1].v.i;
  T* dx = data_of<T>(out);
  std::memset(static_cast<void*>(dx), 0, size_t(n * c * l) * sizeof(T));
  const int64_t bad = find_bad(target, n * l, c, ignore);
  if (bad >= 0) return bad_target(call, "nll_loss", target[bad], c);
  const C divisor = reduction == kMean ? value_at<C>(call->in[3], 0) : C(1);
  for (int64_t i = 0; i < n * l; ++i) {
    const int64_t t = target[i];
    if (t == ignore) continue;
    const C up = value_at<C>(g, reduction == kNone ? i : 0);
    dx[(i / l * c + t) * l + i % l] = write<T>(-up * (w ? w[t] : C(1)) / divisor);
  }
  return FL_OK;
}

#define FL_LOSS(name, body)                                       \
  fl_status name(const fl_call* call) {                           \
    return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) { \
      using T = typename decltype(type)::type;                    \
      return body<T>(call);                                       \
    });                                                           \
  }
FL_LOSS(cross_entropy, cross_entropy_as)
FL_LOSS(cross_entropy_backward, cross_entropy_backward_as)
FL_LOSS(nll_loss, nll_loss_as)
FL_LOSS(nll_loss_backward, nll_loss_backward_as)
#undef FL_LOSS

}  // namespace

FL_FAMILY(loss, {"cross_entropy", cross_entropy, kFloats},
          {"cross_entropy_backward", cross_entropy_backward, kFloats},
          {"nll_loss", nll_loss, kFloats},
          {"nll_loss_backward", nll_loss_backward, kFloats});

}  // namespace FL_ISA
