// Optimiser steps over lists of tensors: each parameter and its state are read and
// written once. Groups of operands and attributes are told in
// docs/extending/kernels.md.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "loops.h"
#include "threads.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

constexpr int kMostGroups = 5;
constexpr int kBlock = 512;
constexpr int64_t kGrain = 20000;  // elements that take about 20 microseconds

// A step is a functor on one vector of each group: it changes those named in kWritten.
//   static constexpr int kGroups;  static constexpr uint32_t kWritten;
//   template <class V> void operator()(V* v) const;
template <class T, class Step>
void run_block(T* const* groups, int64_t begin, int64_t end, const Step& given) {
  using V = Vec<T>;
  constexpr int N = lanes_of<V>, G = Step::kGroups;
  // Copies, and loops over groups unrolled: what may alias the stores would be read
  // again each time, and vectors indexed by a variable live in memory.
  const Step step = given;
  T* p[G];
#pragma GCC unroll 8
  for (int g = 0; g < G; ++g) p[g] = groups[g];
  V v[G];
  int64_t i = begin;
  for (; i + N <= end; i += N) {
#pragma GCC unroll 8
    for (int g = 0; g < G; ++g) v[g] = load<V>(p[g] + i);
    step(v);
#pragma GCC unroll 8
    for (int g = 0; g < G; ++g) {
      if (Step::kWritten >> g & 1) store(p[g] + i, v[g]);
    }
  }
  if (i == end) return;
  const int rest = static_cast<int>(end - i);
#pragma GCC unroll 8
  for (int g = 0; g < G; ++g) v[g] = load_some<V>(p[g] + i, rest);
  step(v);
#pragma GCC unroll 8
  for (int g = 0; g < G; ++g) {
    if (Step::kWritten >> g & 1) store_some(p[g] + i, v[g], rest);
  }
}

// Half precision: through float, a block at a time. Groups may differ in dtype.
template <class Step>
void run_halves(const fl_tensor* const* t, int64_t begin, int64_t end,
                const Step& step) {
  alignas(64) float buffer[kMostGroups][kBlock];
  float* p[kMostGroups];
  for (int64_t i = begin; i < end; i += kBlock) {
    const int64_t n = std::min<int64_t>(kBlock, end - i);
    for (int g = 0; g < Step::kGroups; ++g) {
      p[g] = buffer[g];
      if (is_half(t[g]->dtype)) {
        widen_row(t[g]->dtype, p[g], static_cast<uint16_t*>(t[g]->data) + i, n);
      } else {
        p[g] = static_cast<float*>(t[g]->data) + i;
      }
    }
    run_block(p, 0, n, step);
    for (int g = 0; g < Step::kGroups; ++g) {
      if ((Step::kWritten >> g & 1) && p[g] == buffer[g]) {
        narrow_row(t[g]->dtype, static_cast<uint16_t*>(t[g]->data) + i, p[g], n);
      }
    }
  }
}

// Elements [begin, end) of tensor i.
template <class S, class Step>
void run_tensor(const fl_call* call, int64_t i, int64_t begin, int64_t end,
                const Step& step) {
  using T = Compute<S>;
  const int64_t count = call->attr[0].v.i;
  const fl_tensor* t[Step::kGroups];
  T* p[Step::kGroups];
  for (int g = 0; g < Step::kGroups; ++g) {
    t[g] = &call->out[g * count + i];
    p[g] = static_cast<T*>(t[g]->data);
  }
  if constexpr (std::is_same_v<S, T>) {
    run_block(p, begin, end, step);
  } else {
    run_halves(t, begin, end, step);
  }
}

// make(T{}, i) gives the step of tensor i. Threads share the elements of all tensors
// together, so that many small ones spread as well as a large one.
template <class S, class Make>
void update_all(const fl_call* call, Make&& make) {
  using T = Compute<S>;
  const int64_t count = call->attr[0].v.i;
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) total += call->out[i].numel;
  if (total <= kGrain || threads::count() == 1) {
    for (int64_t i = 0; i < count; ++i) {
      run_tensor<S>(call, i, 0, call->out[i].numel, make(T{}, i));
    }
    return;
  }
  std::vector<decltype(make(T{}, 0))> steps;
  std::vector<int64_t> ends;
  int64_t end = 0;
  for (int64_t i = 0; i < count; ++i) {
    steps.push_back(make(T{}, i));
    ends.push_back(end += call->out[i].numel);
  }
  parallel_for(total, kGrain, [&](int64_t from, int64_t to) {
    int64_t i = std::upper_bound(ends.begin(), ends.end(), from) - ends.begin();
    for (; from < to; ++i) {
      const int64_t start = ends[i] - call->out[i].numel;
      const int64_t stop = std::min(to, ends[i]);
      run_tensor<S>(call, i, from - start, stop - start, steps[i]);
      from = stop;
    }
  });
}

template <class Make>
fl_status update(const fl_call* call, Make&& make) {
  if (call->attr[0].v.i == 0) return FL_OK;
  return for_dtype<kFloats>(call->out[0].dtype, [&](auto type) {
    update_all<typename decltype(type)::type>(call, make);
    return FL_OK;
  });
}

double attr(const fl_call* call, int i) { return call->attr[i].v.f; }
bool flag(const fl_call* call, int i) { return call->attr[i].v.i != 0; }
double step_of(const fl_call* call, int i, int64_t tensor) {
  return std::bit_cast<double>(call->attr[i].v.ints[tensor]);
}

// ---- adam: params, grads, exp_avg, exp_avg_sq, [max_exp_avg_sq] -------------
template <class T, bool kAmsgrad>
struct Adam {
  static constexpr int kGroups = kAmsgrad ? 5 : 4;
  static constexpr uint32_t kWritten = kAmsgrad ? 0b11101 : 0b1101;
  T sign, shrink, decay, rest1, beta2, rest2, step_size, root_scale, eps;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    const V g = v[1] * sign + v[0] * decay;
    v[2] = v[2] + (g - v[2]) * rest1;
    v[3] = v[3] * beta2 + g * g * rest2;
    V square = v[3];
    if constexpr (kAmsgrad) square = v[4] = max_nan(v[4], v[3]);
    const V denominator = vsqrt(square) * root_scale + eps;
    v[0] = v[0] * shrink - v[2] * step_size / denominator;
  }
};

// The corrections for the bias of young averages; most tensors are of one age.
struct Corrections {
  double step = -1, first = 1, root_second = 1;

  void at(double t, double beta1, double beta2) {
    if (t == step) return;
    step = t;
    first = 1 - std::pow(beta1, t);
    root_second = std::sqrt(1 - std::pow(beta2, t));
  }
};

template <bool kAmsgrad>
fl_status adam_of(const fl_call* call) {
  const double lr = attr(call, 1), beta1 = attr(call, 2), beta2 = attr(call, 3),
               decay = attr(call, 5);
  const bool decoupled = flag(call, 8);
  Corrections correction;
  return update(call, [&](auto t, int64_t i) {
    using T = decltype(t);
    correction.at(step_of(call, 9, i), beta1, beta2);
    Adam<T, kAmsgrad> a;
    a.sign = flag(call, 7) ? T(-1) : T(1);
    a.shrink = decoupled ? T(1 - lr * decay) : T(1);
    a.decay = decoupled ? T(0) : T(decay);
    a.rest1 = T(1 - beta1);
    a.beta2 = T(beta2);
    a.rest2 = T(1 - beta2);
    a.step_size = T(lr / correction.first);
    a.root_scale = T(1 / correction.root_second);
    a.eps = T(attr(call, 4));
    return a;
  });
}

fl_status adam(const fl_call* call) {
  return flag(call, 6) ? adam_of<true>(call) : adam_of<false>(call);
}

// ---- sgd: params, grads, [momentum buffers] ---------------------------------
template <class T>
struct Sgd {
  static constexpr int kGroups = 2;
  static constexpr uint32_t kWritten = 0b1;
  T sign, decay, lr;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    v[0] = v[0] - (v[1] * sign + v[0] * decay) * lr;
  }
};

template <class T, bool kNesterov>
struct SgdMomentum {
  static constexpr int kGroups = 3;
  static constexpr uint32_t kWritten = 0b101;
  T sign, decay, lr, momentum, damped;
  bool first;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    const V g = v[1] * sign + v[0] * decay;
    v[2] = first ? g : v[2] * momentum + g * damped;
    const V d = kNesterov ? g + v[2] * momentum : v[2];
    v[0] = v[0] - d * lr;
  }
};

template <bool kNesterov>
fl_status sgd_momentum(const fl_call* call) {
  return update(call, [&](auto t, int64_t) {
    using T = decltype(t);
    return SgdMomentum<T, kNesterov>{flag(call, 6) ? T(-1) : T(1),
                                     T(attr(call, 4)),
                                     T(attr(call, 1)),
                                     T(attr(call, 2)),
                                     T(1 - attr(call, 3)),
                                     flag(call, 7)};
  });
}

fl_status sgd(const fl_call* call) {
  if (attr(call, 2) != 0) {
    return flag(call, 5) ? sgd_momentum<true>(call) : sgd_momentum<false>(call);
  }
  return update(call, [&](auto t, int64_t) {
    using T = decltype(t);
    return Sgd<T>{flag(call, 6) ? T(-1) : T(1), T(attr(call, 4)), T(attr(call, 1))};
  });
}

// ---- adadelta: params, grads, square_avg, acc_delta -------------------------
template <class T>
struct Adadelta {
  static constexpr int kGroups = 4;
  static constexpr uint32_t kWritten = 0b1101;
  T sign, decay, lr, rho, eps;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    const V g = v[1] * sign + v[0] * decay;
    v[2] = v[2] * rho + g * g * (1 - rho);
    const V delta = vsqrt(v[3] + eps) / vsqrt(v[2] + eps) * g;
    v[3] = v[3] * rho + delta * delta * (1 - rho);
    v[0] = v[0] - delta * lr;
  }
};

fl_status adadelta(const fl_call* call) {
  return update(call, [&](auto t, int64_t) {
    using T = decltype(t);
    return Adadelta<T>{flag(call, 5) ? T(-1) : T(1), T(attr(call, 4)), T(attr(call, 1)),
                       T(attr(call, 2)), T(attr(call, 3))};
  });
}

// ---- rmsprop: params, grads, square_avg, [momentum buffer], [grad_avg] ------
template <class T, bool kMomentum, bool kCentered>
struct RmsProp {
  static constexpr int kGroups = 3 + kMomentum + kCentered;
  static constexpr uint32_t kWritten = ((1u << kGroups) - 1) & ~2u;
  T sign, decay, lr, alpha, eps, momentum;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    const V g = v[1] * sign + v[0] * decay;
    v[2] = v[2] * alpha + g * g * (1 - alpha);
    V square = v[2];
    if constexpr (kCentered) {
      V& mean = v[kGroups - 1];
      mean = mean + (g - mean) * (1 - alpha);
      square = square - mean * mean;
    }
    V d = g / (vsqrt(square) + eps);
    if constexpr (kMomentum) d = v[3] = v[3] * momentum + d;
    v[0] = v[0] - d * lr;
  }
};

template <bool kMomentum, bool kCentered>
fl_status rmsprop_of(const fl_call* call) {
  return update(call, [&](auto t, int64_t) {
    using T = decltype(t);
    return RmsProp<T, kMomentum, kCentered>{flag(call, 7) ? T(-1) : T(1),
                                            T(attr(call, 4)),
                                            T(attr(call, 1)),
                                            T(attr(call, 2)),
                                            T(attr(call, 3)),
                                            T(attr(call, 5))};
  });
}

fl_status rmsprop(const fl_call* call) {
  const bool centered = flag(call, 6);
  if (attr(call, 5) > 0) {
    return centered ? rmsprop_of<true, true>(call) : rmsprop_of<true, false>(call);
  }
  return centered ? rmsprop_of<false, true>(call) : rmsprop_of<false, false>(call);
}

// ---- adagrad: params, grads, state_sum --------------------------------------
template <class T>
struct Adagrad {
  static constexpr int kGroups = 3;
  static constexpr uint32_t kWritten = 0b101;
  T sign, decay, lr, eps;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    const V g = v[1] * sign + v[0] * decay;
    v[2] = v[2] + g * g;
    v[0] = v[0] - g * lr / (vsqrt(v[2]) + eps);
  }
};

fl_status adagrad(const fl_call* call) {
  return update(call, [&](auto t, int64_t i) {
    using T = decltype(t);
    const double lr = attr(call, 1) / (1 + (step_of(call, 6, i) - 1) * attr(call, 2));
    return Adagrad<T>{flag(call, 5) ? T(-1) : T(1), T(attr(call, 4)), T(lr),
                      T(attr(call, 3))};
  });
}

// ---- gradient clipping ------------------------------------------------------
template <class T>
struct ScaleBy {
  static constexpr int kGroups = 1;
  static constexpr uint32_t kWritten = 1;
  T factor;

  template <class V>
  FL_INLINE void operator()(V* v) const {
    v[0] = v[0] * factor;
  }
};

fl_status scale_by(const fl_call* call) {
  return update(call, [&](auto t, int64_t) {
    using T = decltype(t);
    return ScaleBy<T>{T(attr(call, 1))};
  });
}

// Adds |x|^p of n <= kBlock elements to what was there; for p = inf takes the largest.
template <class T>
double add_powers(double total, const T* x, int64_t n, double p) {
  using V = Vec<T>;
  constexpr int N = lanes_of<V>;
  V sum = {};
  for (int64_t i = 0; i < n; i += N) {
    const int64_t left = n - i;
    const V v =
        left >= N ? load<V>(x + i) : load_some<V>(x + i, static_cast<int>(left));
    if (p == 2) {
      sum += v * v;
    } else if (p == 1) {
      sum += abs_of(v);
    } else if (std::isinf(p)) {
      sum = max_nan(sum, abs_of(v));
    } else {
      for (int k = 0; k < std::min<int64_t>(N, left); ++k) {
        total += std::pow(std::abs(static_cast<double>(v[k])), p);
      }
    }
  }
  if (std::isinf(p)) {
    const double most = fold_lanes([](auto a, auto b) { return max_nan(a, b); }, sum);
    return most > total || most != most ? most : total;
  }
  return total + fold_lanes([](auto a, auto b) { return a + b; }, sum);
}

template <class S>
double powers_of(const fl_tensor& t, double p) {
  using T = Compute<S>;
  const auto* data = static_cast<const S*>(t.data);
  double total = 0;
  for (int64_t i = 0; i < t.numel; i += kBlock) {
    const int64_t n = std::min<int64_t>(kBlock, t.numel - i);
    if constexpr (std::is_same_v<S, T>) {
      total = add_powers(total, data + i, n, p);
    } else {
      float buffer[kBlock];
      widen_row(t.dtype, buffer, data + i, n);
      total = add_powers(total, buffer, n, p);
    }
  }
  return total;
}

fl_status norms(const fl_call* call) {
  const int64_t count = call->attr[0].v.i;
  const double p = attr(call, 1);
  if (p <= 0) return FL_UNSUPPORTED;
  double total = 0;
  for (int64_t i = 0; i < count; ++i) {
    const fl_tensor& t = call->out[i];
    double part = 0;
    const fl_status status = for_dtype<kFloats>(t.dtype, [&](auto type) {
      part = powers_of<typename decltype(type)::type>(t, p);
      return FL_OK;
    });
    if (status != FL_OK) return status;
    total =
        std::isinf(p) ? (part > total || part != part ? part : total) : total + part;
  }
  if (p == 2) total = std::sqrt(total);
  if (p != 1 && p != 2 && p != 0 && !std::isinf(p)) total = std::pow(total, 1 / p);
  const fl_tensor& out = call->out[call->n_out - 1];
  return for_dtype<kFloats>(out.dtype, [&](auto type) {
    using S = typename decltype(type)::type;
    const S value = write<S>(static_cast<Compute<S>>(total));
    std::memcpy(out.data, &value, sizeof(S));
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(optim, {"adam", adam, kFloats}, {"sgd", sgd, kFloats},
          {"adadelta", adadelta, kFloats}, {"rmsprop", rmsprop, kFloats},
          {"adagrad", adagrad, kFloats}, {"scale_by", scale_by, kFloats},
          {"norms", norms, kFloats});

}  // namespace FL_ISA
