// Steps of optimizers over lists of contiguous tensors: one pass over parameter,
// gradient and state, in place.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "loops.h"
#include "threads.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

// Elements that take about 20 microseconds.
constexpr int64_t kGrain = 1 << 14;
// In every call the second group holds the gradients, which are only read.
constexpr int kGrad = 1;

// The call's tensors: group g holds tensors [g * count, (g + 1) * count) of `out`.
struct Groups {
  explicit Groups(const fl_call* c) : call(c), count(c->attr[0].v.i) {}
  const fl_tensor& at(int group, int64_t i) const {
    return call->out[group * count + i];
  }
  int groups() const { return static_cast<int>(call->n_out / count); }
  const fl_call* call;
  int64_t count;
};

// Elements [begin, end) of tensor i: Op gets one vector of each group and changes them.
template <class T, int K, class Op>
void step_range(const Groups& g, int64_t i, int64_t begin, int64_t end, const Op& op) {
  constexpr int N = kWidth / static_cast<int>(sizeof(T));
  using V = Vec<T>;
  T* p[K];
  for (int k = 0; k < K; ++k) p[k] = static_cast<T*>(g.at(k, i).data);
  V v[K];
  int64_t j = begin;
  for (; j + N <= end; j += N) {
    for (int k = 0; k < K; ++k) v[k] = load<V>(p[k] + j);
    op(v);
    for (int k = 0; k < K; ++k) {
      if (k != kGrad) store(p[k] + j, v[k]);
    }
  }
  const int rest = static_cast<int>(end - j);
  if (rest == 0) return;
  for (int k = 0; k < K; ++k) v[k] = load_some<V>(p[k] + j, rest);
  op(v);
  for (int k = 0; k < K; ++k) {
    if (k != kGrad) store_some(p[k] + j, v[k], rest);
  }
}

// Runs make(i), the step of tensor i, over all tensors; threads share the elements of
// all of them together, so that many small tensors spread as well as a large one.
template <class T, int K, class Make>
fl_status step_all(const fl_call* call, const Make& make) {
  const Groups g(call);
  int64_t total = 0;
  for (int64_t i = 0; i < g.count; ++i) total += g.at(0, i).numel;
  if (total <= kGrain) {
    for (int64_t i = 0; i < g.count; ++i) {
      step_range<T, K>(g, i, 0, g.at(0, i).numel, make(i));
    }
    return FL_OK;
  }
  std::vector<int64_t> ends(static_cast<size_t>(g.count));
  int64_t end = 0;
  for (int64_t i = 0; i < g.count; ++i) ends[i] = end += g.at(0, i).numel;
  parallel_for(total, kGrain, [&](int64_t from, int64_t to) {
    int64_t i = std::upper_bound(ends.begin(), ends.end(), from) - ends.begin();
    for (; from < to; ++i) {
      const int64_t start = ends[i] - g.at(0, i).numel;
      const int64_t stop = std::min(to, ends[i]);
      step_range<T, K>(g, i, from - start, stop - start, make(i));
      from = stop;
    }
  });
  return FL_OK;
}

// f(Type<T>{}) for the dtype of the parameters.
template <class F>
fl_status for_params(const fl_call* call, F&& f) {
  if (call->n_out == 0) return FL_OK;
  return for_dtype<kSingles>(call->out[0].dtype, f);
}

double number(const fl_call* call, int i) { return call->attr[i].v.f; }
bool flag(const fl_call* call, int i) { return call->attr[i].v.i != 0; }
// The step count of tensor i, a double in the bits of an integer.
double count_of(const fl_attr& steps, int64_t i) {
  double n;
  std::memcpy(&n, steps.v.ints + i, sizeof n);
  return n;
}

// ---- adam ------------------------------------------------------------------------
template <class T>
struct AdamStep {
  T rate, scale;  // lr / (1 - beta1^n), 1 / sqrt(1 - beta2^n)
  T sign, decay, shrink, keep1, beta2, keep2, eps;
  template <class V>
  FL_INLINE void operator()(V* v) const {
    V& p = v[0];
    p = p * shrink;
    const V g = v[1] * sign + p * decay;
    v[2] = v[2] + (g - v[2]) * keep1;
    v[3] = v[3] * beta2 + g * g * keep2;
    p = p - v[2] / (vsqrt(v[3]) * scale + eps) * rate;
  }
};

template <class T>
struct AmsgradStep : AdamStep<T> {
  template <class V>
  FL_INLINE void operator()(V* v) const {
    V& p = v[0];
    p = p * this->shrink;
    const V g = v[1] * this->sign + p * this->decay;
    v[2] = v[2] + (g - v[2]) * this->keep1;
    v[3] = v[3] * this->beta2 + g * g * this->keep2;
    v[4] = v[3] > v[4] ? v[3] : v[4];
    p = p - v[2] / (vsqrt(v[4]) * this->scale + this->eps) * this->rate;
  }
};

// What does not change from tensor to tensor.
template <class T, class Step>
Step adam_common(const fl_call* call) {
  const double lr = number(call, 1), beta1 = number(call, 2), beta2 = number(call, 3);
  const double decay = number(call, 5);
  const bool decoupled = flag(call, 8);
  Step s;
  s.sign = flag(call, 7) ? T(-1) : T(1);
  s.decay = decoupled ? T(0) : static_cast<T>(decay);
  s.shrink = decoupled ? static_cast<T>(1 - lr * decay) : T(1);
  s.keep1 = static_cast<T>(1 - beta1);
  s.beta2 = static_cast<T>(beta2);
  s.keep2 = static_cast<T>(1 - beta2);
  s.eps = static_cast<T>(number(call, 4));
  s.rate = s.scale = 0;
  return s;
}

template <class T, int K, class Step>
fl_status adam_steps(const fl_call* call) {
  const double lr = number(call, 1), beta1 = number(call, 2), beta2 = number(call, 3);
  const Step common = adam_common<T, Step>(call);
  const fl_attr& steps = call->attr[9];
  const double first = count_of(steps, 0);
  // Mostly all counts are the same, and two powers cost more than a small tensor.
  const auto bias = [&](Step& s, double n) {
    s.rate = static_cast<T>(lr / (1 - std::pow(beta1, n)));
    s.scale = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, n)));
  };
  Step usual = common;
  bias(usual, first);
  return step_all<T, K>(call, [&](int64_t i) {
    Step s = usual;
    const double n = count_of(steps, i);
    if (n != first) bias(s, n);
    return s;
  });
}

fl_status adam(const fl_call* call) {
  return for_params(call, [&](auto t) {
    using T = typename decltype(t)::type;
    return flag(call, 6) ? adam_steps<T, 5, AmsgradStep<T>>(call)
                         : adam_steps<T, 4, AdamStep<T>>(call);
  });
}

// ---- sgd ---------------------------------------------------------------------------
fl_status sgd(const fl_call* call) {
  return for_params(call, [&](auto t) {
    using T = typename decltype(t)::type;
    const T lr = static_cast<T>(number(call, 1));
    const T momentum = static_cast<T>(number(call, 2));
    const bool first = flag(call, 7), nesterov = flag(call, 5);
    // The first buffer is the gradient itself, whatever the damping.
    const T fresh = first ? T(1) : static_cast<T>(1 - number(call, 3));
    const T decay = static_cast<T>(number(call, 4));
    const T sign = flag(call, 6) ? T(-1) : T(1);
    if (Groups(call).groups() < 3) {
      const auto plain = [=](auto* v) {
        v[0] = v[0] - (v[1] * sign + v[0] * decay) * lr;
      };
      return step_all<T, 2>(call, [&](int64_t) { return plain; });
    }
    const auto moving = [=](auto* v) {
      const auto g = v[1] * sign + v[0] * decay;
      // Not a product with 0: a new buffer may hold anything, NaN too.
      v[2] = first ? g : v[2] * momentum + g * fresh;
      v[0] = v[0] - (nesterov ? g + v[2] * momentum : v[2]) * lr;
    };
    return step_all<T, 3>(call, [&](int64_t) { return moving; });
  });
}

// ---- the others
// ----------------------------------------------------------------------
fl_status adadelta(const fl_call* call) {
  return for_params(call, [&](auto t) {
    using T = typename decltype(t)::type;
    const T lr = static_cast<T>(number(call, 1)), rho = static_cast<T>(number(call, 2));
    const T keep = static_cast<T>(1 - number(call, 2));
    const T eps = static_cast<T>(number(call, 3));
    const T decay = static_cast<T>(number(call, 4));
    const T sign = flag(call, 5) ? T(-1) : T(1);
    const auto step = [=](auto* v) {
      const auto g = v[1] * sign + v[0] * decay;
      v[2] = v[2] * rho + g * g * keep;
      const auto d = vsqrt(v[3] + eps) / vsqrt(v[2] + eps) * g;
      v[3] = v[3] * rho + d * d * keep;
      v[0] = v[0] - d * lr;
    };
    return step_all<T, 4>(call, [&](int64_t) { return step; });
  });
}

// The groups after square_avg: a momentum buffer, a mean of gradients, where in use.
template <class T, bool kMoving, bool kCentered>
fl_status rmsprop_steps(const fl_call* call) {
  const T lr = static_cast<T>(number(call, 1)), alpha = static_cast<T>(number(call, 2));
  const T keep = static_cast<T>(1 - number(call, 2));
  const T eps = static_cast<T>(number(call, 3));
  const T decay = static_cast<T>(number(call, 4));
  const T momentum = static_cast<T>(number(call, 5));
  const T sign = flag(call, 7) ? T(-1) : T(1);
  constexpr int kMean = kMoving ? 4 : 3;
  const auto step = [=](auto* v) {
    const auto g = v[1] * sign + v[0] * decay;
    v[2] = v[2] * alpha + g * g * keep;
    auto square = v[2];
    if constexpr (kCentered) {
      v[kMean] = v[kMean] + (g - v[kMean]) * keep;
      square = square - v[kMean] * v[kMean];
    }
    auto d = g / (vsqrt(square) + eps);
    if constexpr (kMoving) d = v[3] = v[3] * momentum + d;
    v[0] = v[0] - d * lr;
  };
  return step_all<T, 3 + kMoving + kCentered>(call, [&](int64_t) { return step; });
}

fl_status rmsprop(const fl_call* call) {
  return for_params(call, [&](auto t) {
    using T = typename decltype(t)::type;
    const bool moving = number(call, 5) > 0, centered = flag(call, 6);
    if (moving && centered) return rmsprop_steps<T, true, true>(call);
    if (moving) return rmsprop_steps<T, true, false>(call);
    if (centered) return rmsprop_steps<T, false, true>(call);
    return rmsprop_steps<T, false, false>(call);
  });
}

fl_status adagrad(const fl_call* call) {
  return for_params(call, [&](auto t) {
    using T = typename decltype(t)::type;
    const T eps = static_cast<T>(number(call, 3));
    const T decay = static_cast<T>(number(call, 4));
    const T sign = flag(call, 5) ? T(-1) : T(1);
    return step_all<T, 3>(call, [&](int64_t i) {
      const double n = count_of(call->attr[6], i);
      const T lr = static_cast<T>(number(call, 1) / (1 + (n - 1) * number(call, 2)));
      return [=](auto* v) {
        const auto g = v[1] * sign + v[0] * decay;
        v[2] = v[2] + g * g;
        v[0] = v[0] - g / (vsqrt(v[2]) + eps) * lr;
      };
    });
  });
}

}  // namespace

FL_FAMILY(optim, {"adam", adam, kSingles}, {"sgd", sgd, kSingles},
          {"adadelta", adadelta, kSingles}, {"rmsprop", rmsprop, kSingles},
          {"adagrad", adagrad, kSingles});

}  // namespace FL_ISA
